"""All SQL of alerts but the deliverer's own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_
from sqlmodel import Session, col, select

from app.tables import Subscription


def listening(session: Session, model_id: int | None) -> Sequence[Subscription]:
    """Subscriptions that are open and to all models or to this one."""
    to_this = or_(col(Subscription.model_id).is_(None), col(Subscription.model_id) == model_id)
    query = select(Subscription).where(col(Subscription.enabled).is_(True), to_this)
    return session.exec(query.order_by(col(Subscription.id))).all()
