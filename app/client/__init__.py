"""The HTTP API as a Python object, for pipelines and for Assay's own command line. Light to import.

>>> from app.client import Assay
>>> decision = Assay().evaluate("credit-default", "1.1.0", environment="production", wait=600)
"""

from app.client.acceptances import Acceptances
from app.client.access import AuditLog, Trusts
from app.client.alerts import Alerts
from app.client.approvals import Approvals
from app.client.audits import Audits
from app.client.catalog import Catalog
from app.client.connection import DEFAULT_TIMEOUT, Body
from app.client.connections import Connections
from app.client.delivery import Delivery
from app.client.errors import Problem, ServiceError
from app.client.ledger import Ledger
from app.client.people import People
from app.client.pipelines import Pipelines
from app.client.register import Register
from app.client.teams import Teams
from app.client.traffic import Traffic
from app.client.training import Training
from app.client.types import Condition, Decision
from app.client.uptime import Uptime

__all__ = ["DEFAULT_TIMEOUT", "Assay", "Body", "Condition", "Decision", "Problem", "ServiceError"]


class Assay(
    Catalog,
    Audits,
    People,
    Traffic,
    Alerts,
    Acceptances,
    Ledger,
    Pipelines,
    Uptime,
    Connections,
    Training,
    Delivery,
    AuditLog,
    Trusts,
    Register,
    Teams,
    Approvals,
):
    """All of it over one connection; see ``Connection`` for the arguments."""
