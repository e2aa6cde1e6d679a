"""What the routes of waivers take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.gate.written import MOST_WAIVER_DAYS, StageName

Status = Literal["requested", "approved", "expired", "revoked"]


class WaiverIn(BaseModel):
    """A condition to be excused, from the approval until so many days after the request."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "condition": "must_pass.DATA-4",
                    "environment": "production",
                    "version": "1.1.0",
                    "reason": "The regulator asks for the branch; it goes with the next schema.",
                    "days": 30,
                }
            ]
        },
    )

    condition: str = Field(max_length=100, description="Its name in a decision.")
    environment: str = Field(max_length=100)
    version: str | None = Field(None, max_length=100, description="Of this version only; null: of every version.")
    stage: StageName | None = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    days: int = Field(30, ge=1, le=MOST_WAIVER_DAYS)


class WaiverOut(BaseModel):
    """``status``: requested (nobody has approved it yet), approved (it holds), expired or revoked."""

    id: int
    model: str
    version: str | None
    environment: str
    stage: str | None
    condition: str
    reason: str
    status: Status
    requested_by: str
    created_at: datetime
    expires_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None
    revocation_reason: str | None
