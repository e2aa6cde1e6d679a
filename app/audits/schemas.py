"""What the audit routes take and give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Environment = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""Any zone in, UTC out."""
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
    window_start: Moment | None = Field(None, description="Look at what was served from here on.")
    window_end: Moment | None = Field(None, description="Until here, this moment itself left out; by default now.")

    @model_validator(mode="after")
    def _require_a_window(self) -> Self:
        if self.environment is None and (self.window_start or self.window_end):
            raise ValueError("a window needs the environment in which to look")
        if self.window_start and self.window_end and self.window_end <= self.window_start:
            raise ValueError("window_end must be after window_start")
        return self


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
    window_start: datetime | None
    window_end: datetime | None
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
