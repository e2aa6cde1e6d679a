"""What the routes of approvals take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.gate.written import StageName

Status = Literal["given", "revoked"]


class ApprovalIn(BaseModel):
    """That the version may go to ``environment``, as far as whoever sends this is concerned."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "environment": "production",
                    "comment": "Read the slices and the validation report; fine for the spring campaign.",
                    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                }
            ]
        },
    )

    environment: str = Field(max_length=100)
    stage: StageName | None = Field(None, description="At this stage only; null: at every stage.")
    comment: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    digest: str | None = Field(
        None, max_length=64, description="Of the artifact that was looked at; refused when the version has another."
    )


class ApprovalOut(BaseModel):
    """``digest``: of the artifact that is approved (of the content, for a version without one). ``role``: the
    person's when they approved. ``revocation_reason``: null for those of before it was asked for.
    """

    id: int
    model: str
    version: str
    digest: str
    environment: str
    stage: str | None
    person: str
    role: str
    comment: str
    status: Status
    created_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None
    revocation_reason: str | None
