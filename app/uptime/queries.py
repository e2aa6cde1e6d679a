"""All SQL of endpoints and their probes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, update
from sqlmodel import Session, col, select

from app.db import rows_changed
from app.errors import NotFound
from app.paging import PageParams, paginate
from app.tables import Endpoint, Model, Probe
from app.uptime.summary import Sample, in_order

MOST_DELETED = 10_000
"""Probes in one transaction, for other writers wait."""


def get_endpoint(session: Session, endpoint_id: int) -> Endpoint:
    """Raises NotFound."""
    if found := session.get(Endpoint, endpoint_id):
        return found
    raise NotFound(f"there is no endpoint {endpoint_id}")


def endpoints_of(session: Session, model_id: int, *, removed: bool = False) -> Sequence[Endpoint]:
    """By environment and name."""
    query = select(Endpoint).where(Endpoint.model_id == model_id)
    if not removed:
        query = query.where(col(Endpoint.removed_at).is_(None))
    return session.exec(query.order_by(col(Endpoint.environment), col(Endpoint.name), col(Endpoint.id))).all()


def endpoints_at(session: Session, model_ids: Sequence[int], as_of: datetime) -> Sequence[Endpoint]:
    """Those of the models that were asked then, oldest first."""
    query = select(Endpoint).where(
        col(Endpoint.model_id).in_(model_ids),
        Endpoint.created_at <= as_of,
        or_(col(Endpoint.removed_at).is_(None), col(Endpoint.removed_at) > as_of),
    )
    return session.exec(query.order_by(col(Endpoint.id))).all()


def model_of(session: Session, endpoint: Endpoint) -> Model:
    return session.get_one(Model, endpoint.model_id)


def newest_probes(session: Session, endpoint_ids: Sequence[int]) -> dict[int, Probe]:
    """The newest probe of each, by endpoint id: looked up in the index, however many there are."""
    newest = (
        select(Probe.id)
        .where(Probe.endpoint_id == Endpoint.id)
        .order_by(col(Probe.at).desc(), col(Probe.id).desc())
        .limit(1)
        .correlate(Endpoint)
        .scalar_subquery()
    )
    query = select(Probe).join(Endpoint, col(Probe.id) == newest).where(col(Endpoint.id).in_(endpoint_ids))
    return {probe.endpoint_id: probe for probe in session.exec(query)}


def last_probes(session: Session, endpoint_id: int, count: int) -> Sequence[Probe]:
    """The newest that were carried out, newest first."""
    query = select(Probe).where(Probe.endpoint_id == endpoint_id, col(Probe.ok).is_not(None))
    return session.exec(query.order_by(col(Probe.at).desc(), col(Probe.id).desc()).limit(count)).all()


def samples(session: Session, endpoint_id: int, since: datetime, until: datetime) -> list[Sample]:
    """In order. Plain columns: a month has 43,200 of them."""
    query = (
        select(Probe.at, Probe.ok, Probe.seconds, Probe.error)
        .where(Probe.endpoint_id == endpoint_id, Probe.at >= since, Probe.at < until)
        .order_by(col(Probe.at))
    )
    return in_order(Sample(*row) for row in session.exec(query))


def probes_page(session: Session, endpoint_id: int, params: PageParams) -> tuple[list[Probe], str | None]:
    return paginate(session, select(Probe).where(Probe.endpoint_id == endpoint_id), col(Probe.id), params)


def due(session: Session, now: datetime, most: int) -> Sequence[Endpoint]:
    """What is to be asked now, longest due first. A time further ahead than any can be was written before the clock
    was set back.
    """
    too_far = col(Endpoint.due_at) > now + timedelta(hours=2)
    query = select(Endpoint).where(col(Endpoint.removed_at).is_(None), or_(col(Endpoint.due_at) <= now, too_far))
    return session.exec(query.order_by(col(Endpoint.due_at)).limit(most)).all()


def claim(session: Session, endpoint: Endpoint, next_at: datetime) -> bool:
    """Move the endpoint's time on; False when somebody else has."""
    same = (col(Endpoint.id) == endpoint.id) & (col(Endpoint.due_at) == endpoint.due_at)
    open_ = col(Endpoint.removed_at).is_(None)
    return rows_changed(session.execute(update(Endpoint).where(same, open_).values(due_at=next_at))) == 1


def forget(session: Session, before: datetime) -> int:
    """Delete probes from before that time, not all at once. Returns how many."""
    old = select(Probe.id).where(Probe.at < before).limit(MOST_DELETED)
    return rows_changed(session.execute(delete(Probe).where(col(Probe.id).in_(old))))
