"""Teams, who is in them, and what one team may do to another's."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from app.tables.columns import moment


class Team(SQLModel, table=True):
    """Has models and pipelines (their ``team_id``), and members."""

    id: int = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    created_by: str
    created_at: datetime = moment()


class Member(SQLModel, table=True):
    """A person or a token, by name, in a team; ``role``: viewer, client, ci, reviewer or owner, there."""

    team_id: int = Field(foreign_key="team.id", primary_key=True)
    name: str = Field(primary_key=True, index=True)
    role: str
    created_by: str
    created_at: datetime = moment()


class Grant(SQLModel, table=True):
    """Members of ``team_id`` may do what ``role`` may, and what they may at home, to one model or to all that
    another team has: either ``model_id`` or ``of_team_id``.
    """

    __tablename__: ClassVar[str] = "team_grant"

    id: int = Field(default=None, primary_key=True)
    team_id: int = Field(foreign_key="team.id", index=True)
    model_id: int | None = Field(default=None, foreign_key="model.id")
    of_team_id: int | None = Field(default=None, foreign_key="team.id")
    role: str
    created_by: str
    created_at: datetime = moment()
