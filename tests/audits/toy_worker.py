"""A real worker process whose attempts run the toys: ``python -m tests.audits.toy_worker [unfenced]``."""

import sys

from app import worker
from app.audits import ledger
from app.config import Settings
from app.tables import Audit

if __name__ == "__main__":
    if "unfenced" in sys.argv:
        ledger._holding = lambda claim: (Audit.id == claim.audit_id,)
    worker.serve(Settings(), runner="tests.audits.toys")
