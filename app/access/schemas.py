"""What goes in and out about tokens and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.access.identity import Role, Scope, TeamRole
from app.access.service import MAX_NAME


def printable(name: str) -> str:
    if not (name.isprintable() and name.strip()):
        raise ValueError("must be printable")
    return name


class TokenIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "ci of credit-risk", "role": "ci", "days": 90}]},
    )

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(printable)]
    role: Role
    scopes: Annotated[
        list[Scope] | None,
        Field(
            min_length=1,
            description="A part of what the role carries, and rows:read, rows:forget; null: all of the role's.",
        ),
    ] = None
    days: Annotated[
        int | None,
        Field(
            ge=1,
            le=3650,
            description="Until it expires; by default ASSAY_TOKEN_DAYS, at most ASSAY_TOKEN_MOST_DAYS.",
        ),
    ] = None
    team: Annotated[
        str | None,
        Field(max_length=100, description="The role is in this team alone; null: in the whole organisation."),
    ] = None


class RotationIn(BaseModel):
    """``overlap_hours``: how long the old secret still holds."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: Annotated[float, Field(ge=0, le=168)] = 24
    days: Annotated[int | None, Field(ge=1, le=3650, description="Until the new one expires.")] = None


class TokenOut(BaseModel):
    """``state``: active, ends_soon (within 14 days), replaced (by rotation; good for a while), expired or revoked.
    ``bound``: to the teams in which ``name`` is a member.
    """

    id: int
    name: str
    role: Role
    scopes: list[Scope]
    bound: bool
    state: Literal["active", "ends_soon", "replaced", "expired", "revoked"]
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: Annotated[datetime | None, Field(description="To the minute.")]
    revoked_at: datetime | None
    replaced_by: Annotated[int | None, Field(description="The token that rotation put in its place.")]


class NewTokenOut(TokenOut):
    secret: Annotated[
        str | None,
        Field(description="Shown this once. Null when the request was sent again under its Idempotency-Key."),
    ]


class AuditLogOut(BaseModel):
    """Who changed what, when. ``action`` is "noun.verb", ``subject`` "noun/id"."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    previous: Annotated[str, Field(description="The digest of the entry before.")]
    digest: str


class ChainOut(BaseModel):
    """Whether the audit log is as it was written. ``broken`` is the first entry that does not fit."""

    valid: bool
    count: Annotated[int, Field(description="Entries that were read.")]
    sequence: Annotated[int, Field(description="Of the last good entry.")]
    digest: Annotated[str, Field(description="Its digest.")]
    broken: int | None
    why: str | None


class MembershipOut(BaseModel):
    team: str
    role: TeamRole


class Me(BaseModel):
    """``teams`` null: bound to none, so that it is the whole organisation's."""

    name: str
    role: str
    scopes: list[str]
    teams: list[MembershipOut] | None
    expires_at: datetime
    ends_soon: Annotated[bool, Field(description="Within 14 days.")]
    automatic: Annotated[bool, Field(description="Whether what is done counts as done without a person.")]
