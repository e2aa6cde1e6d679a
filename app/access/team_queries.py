"""SQL on teams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select, update

from app.errors import NotFound, nearest
from app.tables import Grant, Member, Model, Pipeline, Team, Token, Trust


def team_named(session: Session, name: str) -> Team | None:
    return session.exec(select(Team).where(Team.name == name)).first()


def find_team(session: Session, name: str) -> Team:
    """Raises NotFound, naming the nearest."""
    if found := team_named(session, name):
        return found
    known = session.exec(select(Team.name)).all()
    raise NotFound(f"there is no team {name!r}{nearest(name, known)}")


def teams(session: Session) -> Sequence[Team]:
    return session.exec(select(Team).order_by(Team.name)).all()


def memberships(session: Session, name: str) -> Sequence[Member]:
    """The teams that somebody is in."""
    return session.exec(select(Member).where(Member.name == name).order_by(col(Member.team_id))).all()


def members(session: Session, team_id: int) -> Sequence[Member]:
    return session.exec(select(Member).where(Member.team_id == team_id).order_by(Member.name)).all()


def grants_to(session: Session, team_ids: Sequence[int]) -> Sequence[Grant]:
    """What these teams were granted."""
    return session.exec(select(Grant).where(col(Grant.team_id).in_(team_ids)).order_by(col(Grant.id))).all()


def grant_on(session: Session, team_id: int, model_id: int | None, of_team_id: int | None) -> Grant | None:
    query = select(Grant).where(
        Grant.team_id == team_id, Grant.model_id == model_id, Grant.of_team_id == of_team_id
    )
    return session.exec(query).first()


def models_of(session: Session, team_id: int) -> Sequence[str]:
    return session.exec(select(Model.name).where(Model.team_id == team_id).order_by(Model.name)).all()


def pipelines_of(session: Session, team_id: int) -> Sequence[str]:
    return session.exec(select(Pipeline.name).where(Pipeline.team_id == team_id).order_by(Pipeline.name)).all()


def owned(session: Session, kind: str, name: str) -> Model | Pipeline:
    """The model or pipeline of that name. Raises NotFound, naming the nearest."""
    table: Any = Model if kind == "model" else Pipeline
    found: Model | Pipeline | None = session.exec(select(table).where(table.name == name)).first()
    if found is None:
        known = session.exec(select(table.name)).all()
        raise NotFound(f"no {kind} is registered as {name!r}{nearest(name, known)}")
    return found


def model_names(session: Session, ids: Sequence[int]) -> dict[int, str]:
    return dict(session.exec(select(Model.id, Model.name).where(col(Model.id).in_(ids))).all())


def adopt(session: Session, team: Team) -> list[str]:
    """Give the team what names it as owner and belongs to no team yet; the names."""
    found: list[str] = []
    tables: tuple[Any, ...] = (Model, Pipeline)
    for table in tables:
        for row in session.exec(select(table).where(table.owner == team.name, table.team_id.is_(None))):
            row.team_id = team.id
            session.add(row)
            found.append(row.name)
    return found


def bind(session: Session, name: str) -> bool:
    """From now on the tokens and sessions of that name open what its teams may; whether any did more before.

    An administrator's stay the organisation's.
    """
    loose = (col(Token.name) == name, col(Token.bound).is_(False), col(Token.role) != "admin")
    session.exec(update(Trust).where(col(Trust.name) == name).values(bound=True))
    return bool(session.exec(update(Token).where(*loose).values(bound=True)).rowcount)
