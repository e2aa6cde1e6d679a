"""All SQL on signing keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select, update

from app.tables import Alert, SigningKey, Subscription

_ACTIVE = select(SigningKey).where(col(SigningKey.retired_at).is_(None))


def active(session: Session) -> SigningKey | None:
    return session.exec(_ACTIVE).first()


def all_keys(session: Session) -> Sequence[SigningKey]:
    """Newest first."""
    return session.exec(select(SigningKey).order_by(col(SigningKey.created_at).desc(), SigningKey.id)).all()


def retire(session: Session, key_id: str, now: datetime) -> None:
    session.exec(update(SigningKey).where(col(SigningKey.id) == key_id).values(retired_at=now))


def waiting_for(session: Session, event: str) -> Sequence[Subscription]:
    """Open subscriptions that name this event."""
    query = select(Subscription).where(col(Subscription.enabled).is_(True)).order_by(col(Subscription.id))
    return [one for one in session.exec(query) if event in one.events]


def newest_alert(session: Session, event: str) -> Alert | None:
    return session.exec(select(Alert).where(Alert.event == event).order_by(col(Alert.id).desc()).limit(1)).first()
