"""What the evidence routes take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]


class EvidenceOut(BaseModel):
    """``automatic``: handed in by an identity with the ci role. ``cap`` says why it earns 0.5 at most."""

    id: int
    kind: str
    filename: str
    digest: str
    commit: str | None
    actor: str
    automatic: bool
    cap: str | None
    created_at: datetime


class AttestationIn(BaseModel):
    """A manual test, documented: who tested what, with which result, shown by what, told to whom."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "test_id": "MODEL-1",
                    "person": "R. Okafor",
                    "what": "Read the training code of commit 3f2a91c line by line with the author.",
                    "result": "pass",
                    "link": "https://forge.example.com/credit/pull/41",
                    "recipients": ["model-risk@example.com"],
                }
            ]
        },
    )

    test_id: str = Field(examples=["MODEL-1"])
    person: Line
    what: Text
    result: Literal["pass", "fail"]
    reservations: Text | None = Field(
        None, description="What a test that passed leaves to be done; opens an issue."
    )
    environment: Line | None = Field(None, description="Only for system tests: where it was tested.")
    digest: str | None = Field(None, pattern=r"^[0-9a-f]{64}$", description="An uploaded file that documents it.")
    link: str | None = Field(None, pattern=r"^https?://[^\s]+$", max_length=2000)
    recipients: list[Line] = Field(min_length=1, max_length=100)
    expires_in_days: int = Field(180, ge=1, le=180)


class AttestationOut(BaseModel):
    id: int
    model: str
    version: str
    environment: str | None
    test_id: str
    person: str
    what: str
    result: str
    reservations: str
    digest: str | None
    link: str | None
    recipients: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime
