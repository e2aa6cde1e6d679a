"""All SQL of the ledger's own events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, not_, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.view import OF_ALL
from app.errors import NotFound, nearest
from app.paging import PageParams, paginate
from app.tables import LedgerEvent, Model, Pipeline, TrainingRequest

Key = tuple[str, str]
"""(kind, key)."""


class Told(NamedTuple):
    """An event as it is read again, ten thousand at a time: without what else its row holds."""

    source: str
    kind: str
    key: str
    body: dict[str, Any]


def known(session: Session, source: str, keys: Collection[Key]) -> dict[Key, str]:
    """The digests of those that ``source`` told of before."""
    query = select(LedgerEvent.kind, LedgerEvent.key, LedgerEvent.digest).where(
        LedgerEvent.source == source, col(LedgerEvent.key).in_({key for _, key in keys})
    )
    rows = session.exec(query, execution_options=OF_ALL)
    return {(kind, key): digest for kind, key, digest in rows}


@dataclass(frozen=True)
class Registered:
    """What an event may name. ``requests``: (pipeline, key) of every request for a new version."""

    models: Collection[str]
    pipelines: Collection[str]
    repositories: Collection[str]
    requests: Collection[tuple[str | None, str]]


def registered(session: Session) -> Registered:
    rows = session.exec(select(Pipeline.name, Pipeline.repository)).all()
    requests = select(Pipeline.name, TrainingRequest.key).join(
        TrainingRequest, col(TrainingRequest.pipeline_id) == Pipeline.id
    )
    return Registered(
        models=set(session.exec(select(Model.name))),
        pipelines={name for name, _ in rows},
        repositories={repository for _, repository in rows if repository},
        requests=set(session.exec(requests)),
    )


def events(
    session: Session,
    *,
    models: Collection[str] = (),
    pipelines: Collection[str] = (),
    repositories: Collection[str] = (),
    kinds: Collection[str],
    until: datetime,
) -> Sequence[Told]:
    """What was told of any of these, oldest first; in an order that does not tell in which it arrived."""
    about = or_(
        col(LedgerEvent.model).in_(models),
        col(LedgerEvent.pipeline).in_(pipelines),
        col(LedgerEvent.repository).in_(repositories),
    )
    columns = (LedgerEvent.source, LedgerEvent.kind, LedgerEvent.key, LedgerEvent.body)
    query = select(*columns).where(about, col(LedgerEvent.kind).in_(kinds), col(LedgerEvent.at) <= until)
    query = query.where(not_(_answers_nothing()))
    order = (col(LedgerEvent.at), col(LedgerEvent.kind), col(LedgerEvent.source), col(LedgerEvent.key))
    rows = session.exec(query.order_by(*order))
    return [Told(source, kind, key, dict(body)) for source, kind, key, body in rows]


def models(session: Session, team: str | None) -> Sequence[Model]:
    """All models, or those that a team owns. Raises NotFound, naming the nearest team."""
    return session.exec(_owned_by(session, team).order_by(col(Model.id))).all()


def models_page(session: Session, team: str | None, params: PageParams) -> tuple[list[Model], str | None]:
    """The same by pages, the one registered last first."""
    return paginate(session, _owned_by(session, team), col(Model.id), params)


def _owned_by(session: Session, team: str | None) -> SelectOfScalar[Model]:
    if team is None:
        return select(Model)
    teams = set(session.exec(select(Model.owner).distinct()))
    if team not in teams:
        raise NotFound(f"no model is owned by {team!r}{nearest(team, teams)}")
    return select(Model).where(Model.owner == team)


def page(
    session: Session, filters: dict[str, str], params: PageParams, *, aside: bool
) -> tuple[list[LedgerEvent], str | None]:
    """Newest first. ``filters`` by column; ``aside``: only those that name what is not registered."""
    query = select(LedgerEvent)
    for column, value in filters.items():
        query = query.where(getattr(LedgerEvent, column) == value)
    if aside:
        query = query.where(or_(*_unregistered()))
    return paginate(session, query, col(LedgerEvent.id), params)


def _unregistered() -> Iterable[ColumnElement[bool]]:
    pairs: tuple[tuple[Any, Any], ...] = (
        (LedgerEvent.model, Model.name),
        (LedgerEvent.pipeline, Pipeline.name),
        (LedgerEvent.repository, Pipeline.repository),
    )
    for named, name in pairs:
        known = select(name).where(col(name).is_not(None))
        yield and_(col(named).is_not(None), col(named).not_in(known))
    yield and_(*(col(named).is_(None) for named, _ in pairs))
    yield _answers_nothing()


def _answers_nothing() -> ColumnElement[bool]:
    """A run that names a request which its pipeline never got."""
    named = col(LedgerEvent.body)["request"].as_string()
    own = select(TrainingRequest.id).join(Pipeline, col(TrainingRequest.pipeline_id) == Pipeline.id)
    asked = own.where(col(TrainingRequest.key) == named, col(Pipeline.name) == col(LedgerEvent.pipeline))
    return and_(named.is_not(None), not_(asked.exists()))
