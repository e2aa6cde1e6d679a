"""Every table. Rows are facts: apart from leases, progress and last use, nothing is changed once written.

A row's ``id`` is None until the database gives it one; it is typed as what it is from then on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.db import UTCDateTime, utcnow

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Without names of their own, constraints could not be altered by a later migration."""


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


def _moment(*, nullable: bool = False, index: bool = False) -> Any:
    default = {"default": None} if nullable else {"default_factory": utcnow}
    return Field(sa_type=UTCDateTime, nullable=nullable, index=index, **default)


# --- catalog ------------------------------------------------------------------------------------


class Model(SQLModel, table=True):
    """A named thing with an owner, a task and a risk tier. Describes the newest registered manifest."""

    id: int = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    owner: str
    purpose: str
    users: str
    problem_type: str
    task: str
    risk_tier: str
    business_metric: dict[str, Any] = _json()
    retraining_days: int | None = None
    created_at: datetime = _moment()
    created_by: str


class Pipeline(SQLModel, table=True):
    """Produces versions. Known by name until pipelines bring runs of their own."""

    id: int = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = _moment()


class Blob(SQLModel, table=True):
    """Content that the store holds under its sha256."""

    digest: str = Field(primary_key=True)
    size: int
    created_at: datetime = _moment()


class Dataset(SQLModel, table=True):
    """A table of rows: a blob (``location`` empty) or a file under a configured root, "root/relative/path"."""

    __table_args__ = (UniqueConstraint("digest", "location"),)

    id: int = Field(default=None, primary_key=True)
    digest: str
    location: str = ""
    format: str
    rows: int
    columns: dict[str, str] = _json()
    created_at: datetime = _moment()


class Version(SQLModel, table=True):
    """One immutable version of a model: its manifest and the digests of all files that it names."""

    __table_args__ = (UniqueConstraint("model_id", "name"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    name: str
    manifest: dict[str, Any] = _json()
    files: dict[str, str] = _json()
    content_digest: str
    artifact_digest: str | None = None
    artifact_format: str | None = None
    model_class: str | None = None
    commit: str | None = None
    change_reason: str
    pipeline_id: int | None = Field(default=None, foreign_key="pipeline.id")
    created_at: datetime = _moment()
    created_by: str


class VersionDataset(SQLModel, table=True):
    """``role`` is train, test or reference."""

    __tablename__: ClassVar[str] = "version_dataset"

    version_id: int = Field(foreign_key="version.id", primary_key=True)
    role: str = Field(primary_key=True)
    dataset_id: int = Field(foreign_key="dataset.id")


# --- evidence -----------------------------------------------------------------------------------


class HandedInEvidence(SQLModel, table=True):
    """A file handed in for a version. ``automatic``: by an identity with the ci role."""

    __tablename__: ClassVar[str] = "evidence"
    __table_args__ = (UniqueConstraint("version_id", "kind", "digest", "automatic"),)

    id: int = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="version.id")
    kind: str
    digest: str = Field(foreign_key="blob.digest")
    filename: str
    commit: str | None = None
    actor: str
    automatic: bool
    created_at: datetime = _moment()


class Attestation(SQLModel, table=True):
    """A person's documented manual test. Counts for ``version_id``, or for system tests in ``environment``."""

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    version_id: int = Field(foreign_key="version.id")
    environment: str | None = None
    test_id: str
    person: str
    what: str
    result: str
    digest: str | None = Field(default=None, foreign_key="blob.digest")
    link: str | None = None
    recipients: list[str] = _json()
    created_by: str
    created_at: datetime = _moment()
    expires_at: datetime = Field(sa_type=UTCDateTime)


# --- audits -------------------------------------------------------------------------------------


class Audit(SQLModel, table=True):
    """One run of checks on a version, and the ledger's job for it: claimed by lease, finished under its fence."""

    __table_args__ = (Index("ix_audit_claim", "status", "lease_until"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    version_id: int = Field(foreign_key="version.id", index=True)
    environment: str | None = None
    checks: list[str] = _json()
    trigger: str
    actor: str
    automatic: bool
    status: str = "queued"
    attempts: int = 0
    fence: int = 0
    worker: str | None = None
    lease_until: datetime | None = _moment(nullable=True)
    cancel_requested: bool = False
    progress: dict[str, Any] = _json()
    error: str | None = None
    created_at: datetime = _moment()
    started_at: datetime | None = _moment(nullable=True)
    finished_at: datetime | None = _moment(nullable=True)


class Finding(SQLModel, table=True):
    """What one check found in one audit: measured values and, apart from them, the verdict."""

    __table_args__ = (
        UniqueConstraint("audit_id", "check_id"),
        Index("ix_finding_version", "version_id", "check_id", "automatic", "verdict", "created_at", "cap"),
        Index("ix_finding_model", "model_id", "check_id", "automatic", "verdict", "created_at", "cap"),
        Index(
            "ix_finding_environment",
            "model_id",
            "environment",
            "check_id",
            "automatic",
            "verdict",
            "created_at",
            "cap",
        ),
    )

    id: int = Field(default=None, primary_key=True)
    audit_id: int = Field(foreign_key="audit.id")
    model_id: int = Field(foreign_key="model.id")
    version_id: int = Field(foreign_key="version.id")
    environment: str | None = None
    check_id: str
    verdict: str
    reason: str
    remedy: str
    measured: dict[str, Any] = _json()
    thresholds: dict[str, Any] = _json()
    exhibits: list[dict[str, str]] = _json()
    inputs: dict[str, str] = _json()
    automatic: bool
    cap: str | None = None
    seconds: float
    created_at: datetime = _moment()


class Schedule(SQLModel, table=True):
    """When a model's newest version is audited without anybody asking."""

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", unique=True)
    cron: str
    enabled: bool = True
    created_at: datetime = _moment()


class ScheduleSlot(SQLModel, table=True):
    """A slot that was enqueued; the key makes a second enqueueing impossible."""

    __tablename__: ClassVar[str] = "schedule_slot"

    schedule_id: int = Field(foreign_key="schedule.id", primary_key=True)
    slot: datetime = Field(sa_type=UTCDateTime, primary_key=True)
    audit_id: int = Field(foreign_key="audit.id")
    created_at: datetime = _moment()


class Lease(SQLModel, table=True):
    """Who leads where only one may, such as the scheduler."""

    name: str = Field(primary_key=True)
    holder: str
    until: datetime = Field(sa_type=UTCDateTime)


# --- gate ---------------------------------------------------------------------------------------


class Policy(SQLModel, table=True):
    """One version of an environment's policy, or of the organisation's (``name`` "organisation")."""

    __table_args__ = (UniqueConstraint("name", "version"),)

    id: int = Field(default=None, primary_key=True)
    name: str
    version: int
    text: str
    digest: str
    created_by: str
    created_at: datetime = _moment()


class Decision(SQLModel, table=True):
    """The gate's answer. ``inputs`` is everything that ``body`` was derived from."""

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    version_id: int = Field(foreign_key="version.id", index=True)
    environment: str
    stage: str
    status: str = Field(index=True)
    audit_id: int | None = Field(default=None, foreign_key="audit.id")
    body: dict[str, Any] = _json()
    inputs: dict[str, Any] = _json()
    actor: str
    created_at: datetime = _moment()
    decided_at: datetime | None = _moment(nullable=True)


# --- access -------------------------------------------------------------------------------------


class Token(SQLModel, table=True):
    """A credential; only its SHA-256 is kept. ``kind``: api, sign_in (used once) or session (a browser's)."""

    id: int = Field(default=None, primary_key=True)
    digest: str = Field(unique=True)
    kind: str = "api"
    name: str
    role: str
    scopes: list[str] = _json()
    created_by: str
    created_at: datetime = _moment()
    expires_at: datetime = Field(sa_type=UTCDateTime)
    last_used_at: datetime | None = _moment(nullable=True)
    revoked_at: datetime | None = _moment(nullable=True)


class AuditLog(SQLModel, table=True):
    """Who changed what, when. Written in the transaction of the change itself."""

    __tablename__: ClassVar[str] = "audit_log"

    id: int = Field(default=None, primary_key=True)
    at: datetime = _moment(index=True)
    actor: str
    action: str
    subject: str
    details: dict[str, Any] = _json()


class IdempotencyKey(SQLModel, table=True):
    """A POST that was carried out under an ``Idempotency-Key``, and the id of what it created."""

    __tablename__: ClassVar[str] = "idempotency_key"

    actor: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_digest: str
    resource_id: int
    created_at: datetime = _moment()
