"""All SQL of alerts but the deliverer's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, update
from sqlmodel import Session, col, select

from app.access.view import OF_ALL
from app.errors import NotFound
from app.paging import PageParams, paginate
from app.tables import Alert, AlertDelivery, Model, Subscription, Team, Token


def listening(session: Session, model_id: int | None) -> Sequence[Subscription]:
    """Subscriptions that are open and to all models, to this one or to its team, whoever gives cause."""
    told = [and_(col(Subscription.model_id).is_(None), col(Subscription.team_id).is_(None))]
    if model_id is not None:
        team = select(Model.team_id).where(Model.id == model_id).scalar_subquery()
        told += [col(Subscription.model_id) == model_id, col(Subscription.team_id) == team]
    query = select(Subscription).where(col(Subscription.enabled).is_(True), or_(*told))
    return session.exec(query.order_by(col(Subscription.id)), execution_options=OF_ALL).all()


def get_subscription(session: Session, subscription_id: int) -> Subscription:
    """Raises NotFound."""
    if found := session.get(Subscription, subscription_id):
        return found
    raise NotFound(f"there is no subscription {subscription_id}")


def open_subscription_named(session: Session, name: str) -> Subscription | None:
    query = select(Subscription).where(Subscription.name == name, col(Subscription.enabled).is_(True))
    return session.exec(query).first()


def subscriptions_page(session: Session, params: PageParams) -> tuple[list[Subscription], str | None]:
    return paginate(session, select(Subscription), col(Subscription.id), params)


def stop_deliveries(session: Session, subscription_id: int, why: str) -> None:
    """What waits for a subscription that has ended is not sent any more."""
    waiting = (col(AlertDelivery.subscription_id) == subscription_id, col(AlertDelivery.status) == "pending")
    session.execute(update(AlertDelivery).where(*waiting).values(status="dead", error=why))


def get_alert(session: Session, alert_id: int) -> Alert:
    """Raises NotFound."""
    if found := session.get(Alert, alert_id):
        return found
    raise NotFound(f"there is no alert {alert_id}")


def get_delivery(session: Session, delivery_id: int) -> AlertDelivery:
    """Raises NotFound."""
    if found := session.get(AlertDelivery, delivery_id):
        return found
    raise NotFound(f"there is no delivery {delivery_id}")


@dataclass(frozen=True)
class AlertFilters:
    """``open``: not acknowledged yet."""

    model_id: int | None = None
    event: str | None = None
    open: bool = False


def alerts_page(session: Session, filters: AlertFilters, params: PageParams) -> tuple[list[Alert], str | None]:
    query = select(Alert)
    if filters.model_id is not None:
        query = query.where(Alert.model_id == filters.model_id)
    if filters.event is not None:
        query = query.where(Alert.event == filters.event)
    if filters.open:
        query = query.where(col(Alert.acknowledged_at).is_(None))
    return paginate(session, query, col(Alert.id), params)


def open_alerts(session: Session, model_id: int) -> int:
    """How many of a model's alerts nobody has acknowledged."""
    query = select(func.count()).select_from(Alert)
    return session.exec(query.where(Alert.model_id == model_id, col(Alert.acknowledged_at).is_(None))).one()


def deliveries_page(
    session: Session, status: str | None, params: PageParams
) -> tuple[list[AlertDelivery], str | None]:
    query = select(AlertDelivery)
    if status is not None:
        query = query.where(AlertDelivery.status == status)
    return paginate(session, query, col(AlertDelivery.id), params)


def deliveries_of(session: Session, alert_ids: Iterable[int]) -> Mapping[int, list[AlertDelivery]]:
    """By alert id, in the order of their subscriptions."""
    found: dict[int, list[AlertDelivery]] = {alert_id: [] for alert_id in alert_ids}
    query = select(AlertDelivery).where(col(AlertDelivery.alert_id).in_(found)).order_by(col(AlertDelivery.id))
    for one in session.exec(query):
        found[one.alert_id].append(one)
    return found


def subscriptions_by_id(session: Session, ids: Iterable[int]) -> dict[int, Subscription]:
    query = select(Subscription).where(col(Subscription.id).in_(set(ids)))
    return {one.id: one for one in session.exec(query)}


def tokens_ending(session: Session, now: datetime, within: timedelta) -> list[Token]:
    """API tokens that end so soon, of which nobody was told, and which were not made for so short a time."""
    query = select(Token).where(
        Token.kind == "api",
        col(Token.revoked_at).is_(None),
        col(Token.replaced_by).is_(None),
        col(Token.end_told_at).is_(None),
        col(Token.expires_at).between(now, now + within),
    )
    return [one for one in session.exec(query.order_by(col(Token.id))) if one.expires_at - one.created_at > within]


def team_names(session: Session, ids: Iterable[int | None]) -> dict[int | None, str]:
    query = select(Team).where(col(Team.id).in_({one for one in ids if one is not None}))
    return {one.id: one.name for one in session.exec(query)}


def model_names(session: Session, ids: Iterable[int | None]) -> dict[int | None, str]:
    query = select(Model).where(col(Model.id).in_({one for one in ids if one is not None}))
    return {one.id: one.name for one in session.exec(query)}
