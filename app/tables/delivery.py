"""Which version serves where, and proof that it can be taken back."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.tables.columns import moment


class Deployment(SQLModel, table=True):
    """A version in an environment in one traffic role (stable, canary, shadow) from ``started_at`` to ``ended_at``.

    ``kind`` says by which right it entered: decision, role (a change of role inside the environment), rollback,
    drill or break_glass. A decision is consumed by one deployment at most; ``stage`` is the one whose right the
    version has, over changes of role. ``outcome``, once ended: replaced, rolled_back, stopped, role (it changed),
    drill. ``review_due_at``: until when somebody has to look at a break-glass deployment; ``reviewed_*``: who did,
    and found what (justified, not_justified). ``overdue_told_at``: when people were told that nobody had.
    """

    __table_args__ = (Index("ix_deployment_serving", "model_id", "environment", "ended_at"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    version_id: int = Field(foreign_key="version.id")
    environment: str
    role: str
    stage: str
    kind: str
    artifact_digest: str | None = None
    decision_id: int | None = Field(default=None, foreign_key="decision.id", unique=True)
    reason: str
    actor: str
    started_at: datetime = moment()
    review_due_at: datetime | None = moment(nullable=True)
    ended_at: datetime | None = moment(nullable=True)
    outcome: str | None = None
    reviewed_at: datetime | None = moment(nullable=True)
    reviewed_by: str | None = None
    review_outcome: str | None = None
    review_note: str | None = None
    overdue_told_at: datetime | None = moment(nullable=True)


class RollbackDrill(SQLModel, table=True):
    """A rollback that was tried for practice: from one version to another and back, under requests.

    Until ``ended_at`` it goes on, and ``lease_until`` is moved on; one whose lease ran out was cut off, and the
    version that was stable before it, ``from_version_id``, has to be put back.
    """

    __tablename__: ClassVar[str] = "rollback_drill"
    __table_args__ = (Index("ix_rollback_drill_newest", "model_id", "started_at"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    environment: str
    from_version_id: int = Field(foreign_key="version.id")
    to_version_id: int = Field(foreign_key="version.id")
    there_seconds: float | None = None
    back_seconds: float | None = None
    requests: int = 0
    failed_requests: int = 0
    error: str | None = None
    actor: str
    automatic: bool
    started_at: datetime = moment()
    lease_until: datetime | None = moment(nullable=True)
    ended_at: datetime | None = moment(nullable=True)
