"""What the routes of acceptances take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Kind = Literal["acceptance", "not_applicable"]
Status = Literal["requested", "agreed", "expired", "revoked"]

MOST_DAYS = 365


class AcceptanceIn(BaseModel):
    """An exception, asked for. It holds once another person has agreed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "kind": "acceptance",
                    "test_id": "DATA-2",
                    "subject": "branch_code",
                    "reason": "The regulator asks for it; it goes with the next schema.",
                    "expires_in_days": 90,
                }
            ]
        },
    )

    kind: Kind = "acceptance"
    test_id: str = Field(max_length=20, examples=["DATA-2"])
    subject: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = Field(
        "", description="Of an acceptance: the feature (DATA-2, DATA-3) or column (DATA-5)."
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    expires_in_days: int = Field(180, ge=1, le=MOST_DAYS)


class AcceptanceOut(BaseModel):
    """``status``: requested (nobody else has agreed yet), agreed (it holds), expired or revoked."""

    id: int
    model: str
    kind: Kind
    test_id: str
    subject: str
    reason: str
    status: Status
    requested_by: str
    created_at: datetime
    expires_at: datetime
    agreed_by: str | None
    agreed_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None
    revocation_reason: str | None
