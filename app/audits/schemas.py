"""What the audit routes take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Environment = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
TestId = Annotated[str, StringConstraints(max_length=20)]


class AuditIn(BaseModel):
    """Which checks to run on which version; all automated ones when ``checks`` is left out."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model": "credit-default", "version": "1.0.0", "checks": ["DATA-1", "INFRA-4"]}]
        },
    )

    model: str = Field(max_length=100)
    version: str = Field(max_length=100)
    environment: Environment | None = Field(None, description="Where tests of the system look.")
    checks: list[TestId] | None = Field(None, min_length=1, max_length=100)


class CheckProgress(BaseModel):
    """``verdict`` and ``seconds`` are there once the check is done."""

    status: Literal["waiting", "running", "done"]
    verdict: str | None = None
    seconds: float | None = None


class AuditOut(BaseModel):
    """``automatic``: asked for by the scheduler or an identity with the ci role. ``progress`` is by test."""

    id: int
    model: str
    version: str
    environment: str | None
    status: Status
    trigger: str
    actor: str
    automatic: bool
    attempts: int
    cancel_requested: bool
    progress: dict[str, CheckProgress]
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ExhibitOut(BaseModel):
    name: str
    media_type: str
    digest: str


class FindingOut(BaseModel):
    """``inputs`` are the digests of what was looked at; ``cap`` says why it earns half a point at most.

    ``measured`` is left out of lists unless it is asked for.
    """

    id: int
    audit_id: int
    model: str
    version: str
    environment: str | None
    check_id: str
    verdict: str
    reason: str
    remedy: str
    measured: dict[str, Any] | None = None
    thresholds: dict[str, Any]
    exhibits: list[ExhibitOut]
    inputs: dict[str, str]
    automatic: bool
    cap: str | None
    seconds: float
    created_at: datetime


class ScheduleOut(BaseModel):
    """``last_slot`` is the newest slot that was enqueued, as the audit ``last_audit_id``. Times are UTC."""

    model: str
    cron: str
    enabled: bool
    last_slot: datetime | None
    last_audit_id: int | None
    last_audit_status: Status | None
    next_slot: datetime | None
