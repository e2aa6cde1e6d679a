"""Audits, what they found, and when they are due."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.db import UTCDateTime
from app.tables.columns import json_column, moment


class Audit(SQLModel, table=True):
    """One run of checks on a version, and the ledger's job for it: claimed by lease, finished under its fence.

    Tests of the system look at what was served in ``environment`` from ``window_start`` to ``window_end``.
    """

    __table_args__ = (
        Index("ix_audit_claim", "status", "lease_until"),
        Index("ix_audit_newest", "status", "model_id", "environment", "finished_at"),
    )

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    version_id: int = Field(foreign_key="version.id", index=True)
    environment: str | None = None
    window_start: datetime | None = moment(nullable=True)
    window_end: datetime | None = moment(nullable=True)
    checks: list[str] = json_column()
    trigger: str
    actor: str
    automatic: bool
    status: str = "queued"
    attempts: int = 0
    fence: int = 0
    worker: str | None = None
    lease_until: datetime | None = moment(nullable=True)
    cancel_requested: bool = False
    progress: dict[str, Any] = json_column()
    error: str | None = None
    created_at: datetime = moment()
    started_at: datetime | None = moment(nullable=True)
    finished_at: datetime | None = moment(nullable=True)


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
    measured: dict[str, Any] = json_column()
    thresholds: dict[str, Any] = json_column()
    exhibits: list[dict[str, str]] = json_column()
    inputs: dict[str, str] = json_column()
    automatic: bool
    cap: str | None = None
    seconds: float
    created_at: datetime = moment()


class Schedule(SQLModel, table=True):
    """When a model is audited without anybody asking: what serves in ``environment``, else ("") its newest version.

    ``catch_up`` says what becomes of slots that were missed: latest (one audit for all), all, or none.
    ``since`` is from when slots count: when it was made, resumed, or given another cron expression. ``made_by``:
    "default" (made because a version serves), "manifest", or who set it.
    """

    __table_args__ = (UniqueConstraint("model_id", "environment"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    environment: str = Field(default="", sa_column_kwargs={"server_default": ""})
    cron: str
    enabled: bool = True
    catch_up: str = Field(default="latest", sa_column_kwargs={"server_default": "latest"})
    made_by: str = Field(default="manifest", sa_column_kwargs={"server_default": "manifest"})
    since: datetime | None = moment(nullable=True)
    created_at: datetime = moment()


class ScheduleSlot(SQLModel, table=True):
    """What became of a slot; the key makes handling one twice impossible.

    ``status``: queued (in time), caught_up (queued late), missed (no audit; ``reason`` says why), skipped (nothing
    to audit where nobody asked for more than a default).
    """

    __tablename__: ClassVar[str] = "schedule_slot"

    schedule_id: int = Field(foreign_key="schedule.id", primary_key=True)
    slot: datetime = Field(sa_type=UTCDateTime, primary_key=True)
    status: str = Field(default="queued", sa_column_kwargs={"server_default": "queued"})
    reason: str | None = None
    audit_id: int | None = Field(default=None, foreign_key="audit.id")
    created_at: datetime = moment()


class Lease(SQLModel, table=True):
    """Who leads where only one may, such as the scheduler."""

    name: str = Field(primary_key=True)
    holder: str
    until: datetime = Field(sa_type=UTCDateTime)
