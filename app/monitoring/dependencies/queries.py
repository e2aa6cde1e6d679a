"""All SQL of dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.paging import PageParams, paginate
from app.tables import AlertDelivery, Dependency, Model, Subscription


@dataclass(frozen=True)
class Told:
    """When the first message arrived, and what proves it."""

    at: datetime
    receipt: str


def newest(session: Session, model_id: int, environment: str, until: datetime | None = None) -> list[Dependency]:
    """The newest row of each name that is watched; planted ones are not."""
    ids = select(func.max(Dependency.id)).where(
        Dependency.model_id == model_id, Dependency.environment == environment, col(Dependency.planted).is_(False)
    )
    if until is not None:
        ids = ids.where(col(Dependency.seen_at) <= until)
    ids = ids.group_by(col(Dependency.name))
    return list(session.exec(select(Dependency).where(col(Dependency.id).in_(ids)).order_by(col(Dependency.name))))


def changes(
    session: Session, model_id: int, environment: str, since: datetime, until: datetime
) -> Sequence[Dependency]:
    """What changed in between, planted or not, newest first."""
    query = select(Dependency).where(
        Dependency.model_id == model_id,
        Dependency.environment == environment,
        col(Dependency.previous).is_not(None),
        col(Dependency.seen_at) > since,
        col(Dependency.seen_at) <= until,
    )
    return session.exec(query.order_by(col(Dependency.id).desc())).all()


def first_receipts(session: Session, alert_ids: Iterable[int]) -> dict[int, Told]:
    """By alert id, where a message has arrived."""
    query = (
        select(AlertDelivery, Subscription.channel)
        .join(Subscription, col(AlertDelivery.subscription_id) == Subscription.id)
        .where(col(AlertDelivery.alert_id).in_(set(alert_ids)), AlertDelivery.status == "delivered")
        .order_by(col(AlertDelivery.delivered_at).desc())
    )
    return {
        one.alert_id: Told(one.delivered_at, f"{channel}: {(one.receipt or {}).get('status')}")
        for one, channel in session.exec(query)
        if one.delivered_at is not None
    }


def watched(session: Session) -> Sequence[tuple[int, str]]:
    """(model id, environment) of everything that is watched."""
    query = select(Dependency.model_id, Dependency.environment).where(col(Dependency.planted).is_(False)).distinct()
    return session.exec(query.order_by(col(Dependency.model_id), col(Dependency.environment))).all()


def newest_planted(session: Session, model_id: int, environment: str) -> Dependency | None:
    query = select(Dependency).where(
        Dependency.model_id == model_id, Dependency.environment == environment, col(Dependency.planted).is_(True)
    )
    return session.exec(query.order_by(col(Dependency.id).desc()).limit(1)).first()


def page(
    session: Session, model_id: int | None, environment: str | None, params: PageParams
) -> tuple[list[Dependency], str | None]:
    query = select(Dependency)
    if model_id is not None:
        query = query.where(Dependency.model_id == model_id)
    if environment is not None:
        query = query.where(Dependency.environment == environment)
    return paginate(session, query, col(Dependency.id), params)


def model_names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    query = select(Model).where(col(Model.id).in_(set(ids)))
    return {one.id: one.name for one in session.exec(query)}
