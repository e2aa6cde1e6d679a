"""What goes in and out about teams."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.access.identity import TeamRole

MAX_NAME = 100


def _printable(name: str) -> str:
    if not (name.isprintable() and name.strip()):
        raise ValueError("must be printable")
    return name


TeamName = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]


class TeamIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "credit-risk"}]})

    name: TeamName


class MemberIn(BaseModel):
    """``name``: of a person, as they sign in, or of a token."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "ada@example.com", "role": "reviewer"}]}
    )

    name: TeamName
    role: TeamRole


class GrantIn(BaseModel):
    """What a team may do to one ``model``, or to all that another ``team`` has: name one of the two."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"model": "credit-default", "role": "viewer"}]}
    )

    model: Annotated[str | None, Field(max_length=100)] = None
    team: Annotated[str | None, Field(max_length=MAX_NAME)] = None
    role: TeamRole = "viewer"


class OwnershipIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"team": "credit-risk"}]})

    team: Annotated[str | None, Field(max_length=MAX_NAME, description="Null: no team's.")]


class MemberOut(BaseModel):
    name: str
    role: TeamRole
    created_by: str
    created_at: datetime


class GrantOut(BaseModel):
    model: str | None
    team: str | None
    role: TeamRole
    created_by: str
    created_at: datetime


class TeamOut(BaseModel):
    """``grants``: what it may do to things of others."""

    name: str
    members: list[MemberOut]
    grants: list[GrantOut]
    models: list[str]
    pipelines: list[str]
    created_by: str
    created_at: datetime
