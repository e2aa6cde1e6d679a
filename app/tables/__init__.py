"""Every table. Rows are facts: apart from leases, progress, last use and endings, nothing is changed once written.

A row's ``id`` is None until the database gives it one; it is typed as what it is from then on.
"""

from app.tables.acceptances import Acceptance
from app.tables.access import AuditHead, AuditLog, IdempotencyKey, Token, Watcher
from app.tables.alerts import Alert, AlertDelivery, Subscription, VerdictState
from app.tables.approvals import Approval
from app.tables.audits import Audit, Finding, Lease, Schedule, ScheduleSlot
from app.tables.catalog import Blob, Dataset, Model, Pipeline, Version, VersionDataset
from app.tables.connections import ReceivedMessage, ToolConnection
from app.tables.delivery import Deployment, RollbackDrill
from app.tables.evidence import Attestation, HandedInEvidence, Measurement
from app.tables.gate import Decision, Policy
from app.tables.ledger import LedgerEvent
from app.tables.people import Person
from app.tables.personal import Forgotten, Pseudonyms
from app.tables.register import Issue, IssueNote, Retirement, Validation
from app.tables.signing import SigningKey
from app.tables.teams import Grant, Member, Team
from app.tables.traffic import Dependency, Label, Prediction, PredictionBatch, RequestCount
from app.tables.training import Trainer, TrainingRequest
from app.tables.trusts import Trust
from app.tables.uptime import Endpoint, Probe
from app.tables.waivers import Waiver

__all__ = [
    "Acceptance",
    "Alert",
    "AlertDelivery",
    "Approval",
    "Attestation",
    "Audit",
    "AuditHead",
    "AuditLog",
    "Blob",
    "Dataset",
    "Decision",
    "Dependency",
    "Deployment",
    "Endpoint",
    "Finding",
    "Forgotten",
    "Grant",
    "HandedInEvidence",
    "IdempotencyKey",
    "Issue",
    "IssueNote",
    "Label",
    "Lease",
    "LedgerEvent",
    "Measurement",
    "Member",
    "Model",
    "Person",
    "Pipeline",
    "Policy",
    "Prediction",
    "PredictionBatch",
    "Probe",
    "Pseudonyms",
    "ReceivedMessage",
    "RequestCount",
    "Retirement",
    "RollbackDrill",
    "Schedule",
    "ScheduleSlot",
    "SigningKey",
    "Subscription",
    "Team",
    "Token",
    "ToolConnection",
    "Trainer",
    "TrainingRequest",
    "Trust",
    "Validation",
    "VerdictState",
    "Version",
    "VersionDataset",
    "Waiver",
    "Watcher",
]
