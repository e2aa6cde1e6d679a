"""Every table. Rows are facts: apart from leases, progress and last use, nothing is changed once written.

A row's ``id`` is None until the database gives it one; it is typed as what it is from then on.
"""

from app.tables.access import AuditLog, IdempotencyKey, Token
from app.tables.audits import Audit, Finding, Lease, Schedule, ScheduleSlot
from app.tables.catalog import Blob, Dataset, Model, Pipeline, Version, VersionDataset
from app.tables.evidence import Attestation, HandedInEvidence
from app.tables.gate import Decision, Policy

__all__ = [
    "Attestation",
    "Audit",
    "AuditLog",
    "Blob",
    "Dataset",
    "Decision",
    "Finding",
    "HandedInEvidence",
    "IdempotencyKey",
    "Lease",
    "Model",
    "Pipeline",
    "Policy",
    "Schedule",
    "ScheduleSlot",
    "Token",
    "Version",
    "VersionDataset",
]
