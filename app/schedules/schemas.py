"""What the schedule routes take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.audits.schemas import Environment, Status

Cron = Annotated[str, StringConstraints(strip_whitespace=True, min_length=9, max_length=100)]
CatchUp = Literal["latest", "all", "none"]
SlotStatus = Literal["queued", "caught_up", "missed", "skipped"]


class ScheduleIn(BaseModel):
    """When to audit a model: what serves in ``environment`` or, without one, its newest version."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model": "credit-default", "environment": "production", "cron": "0 6 * * *"}]
        },
    )

    model: str = Field(max_length=100)
    environment: Environment | None = None
    cron: Cron = Field(description="Minute, hour, day of month, month, day of week; UTC.", examples=["0 6 * * *"])
    catch_up: CatchUp = Field(
        "latest", description="What becomes of missed slots: one audit for all of them, one each, or none."
    )


class ScheduleChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"cron": "0 */6 * * *"}]})

    cron: Cron | None = None
    catch_up: CatchUp | None = None
    enabled: bool | None = None


class ScheduleOut(BaseModel):
    """``environment`` null: the newest version is audited. ``made_by``: default, manifest, or who set it.

    ``last_slot`` is the newest one that was handled; its ``last_outcome`` is missed, skipped, or how its audit
    stands. ``missed`` counts the slots missed in the last 30 days. ``overdue`` is a slot that is past its grace
    and that nobody handled: no worker follows the schedules. Times are UTC.
    """

    id: int
    model: str
    environment: str | None
    cron: str
    interval_days: float | None
    enabled: bool
    catch_up: CatchUp
    made_by: str
    last_slot: datetime | None = None
    last_outcome: SlotStatus | Status | None = None
    last_reason: str | None = None
    last_audit_id: int | None = None
    next_slot: datetime | None = None
    missed: int = 0
    overdue: datetime | None = None


class SlotOut(BaseModel):
    """A slot and what became of it. ``outcome``: missed or skipped (``reason``: why), else how its audit stands."""

    slot: datetime
    status: SlotStatus
    outcome: SlotStatus | Status
    reason: str | None
    audit_id: int | None
    handled_at: datetime
