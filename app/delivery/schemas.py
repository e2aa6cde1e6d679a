"""What the routes of deployments take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TrafficRole = Literal["stable", "canary", "shadow"]
EXAMPLE: dict[str, Any] = {
    "model": "credit-default",
    "version": "1.1.0",
    "environment": "production",
    "role": "canary",
    "reason": "release 2026-04",
}


class DeploymentIn(BaseModel):
    """A version that is to serve. Without ``decision_id`` the newest decision that can be used is consumed.

    ``break_glass`` asks no decision; it needs the scope "admin", tells everybody, and is reviewed afterwards.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    model: str = Field(max_length=100)
    version: str = Field(max_length=100)
    environment: str = Field(max_length=100)
    role: TrafficRole = "stable"
    decision_id: int | None = Field(None, ge=1, le=2**63 - 1)
    break_glass: bool = False
    reason: str = Field(min_length=1, max_length=1000, description="Why, for those who read the log.")


class RollbackIn(BaseModel):
    """Back to the last known good version: the newest earlier stable one that was not itself rolled back from."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(max_length=100)
    environment: str = Field(max_length=100)
    reason: str = Field(min_length=1, max_length=1000)


class StopIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000)


class ReviewIn(BaseModel):
    """What somebody found who looked at a deployment past the gate."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["justified", "not_justified"]
    note: str = Field(min_length=1, max_length=1000, description="What was looked at, and what follows from it.")


class DeploymentOut(BaseModel):
    """A version's stay in one traffic role. ``kind`` says by which right it is there, ``outcome`` how it ended."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    model: str
    version: str
    environment: str
    role: TrafficRole
    stage: str
    kind: Literal["decision", "role", "rollback", "drill", "break_glass"]
    artifact_digest: str | None
    decision_id: int | None
    reason: str
    actor: str
    started_at: datetime
    review_due_at: datetime | None = Field(
        description="Set for break-glass: until when somebody has to look at it."
    )
    reviewed_at: datetime | None
    reviewed_by: str | None
    review_outcome: Literal["justified", "not_justified"] | None
    review_note: str | None
    ended_at: datetime | None
    outcome: Literal["replaced", "rolled_back", "stopped", "role", "drill"] | None


class DrillIn(BaseModel):
    """Try the rollback of a model in an environment, by default staging."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(max_length=100)
    environment: str = Field("staging", max_length=100)


class DrillOut(BaseModel):
    """``there`` is the last known good version, ``back`` the stable one; seconds are null where a half failed."""

    id: int
    model: str
    environment: str
    there: str
    back: str
    there_seconds: float | None
    back_seconds: float | None
    requests: int
    failed_requests: int
    error: str | None
    actor: str
    automatic: bool
    started_at: datetime
    ended_at: datetime | None = Field(description="Null while it goes on.")


class ConsumedOut(BaseModel):
    id: Annotated[int, Field(description="The decision's.")]
    environment: str
    stage: str
    consumed_at: datetime
    consumed_by: str
