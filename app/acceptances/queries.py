"""All SQL of acceptances."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.tables import Acceptance

_AGREED = (
    select(Acceptance)
    .where(Acceptance.model_id == bindparam("model_id"), col(Acceptance.agreed_at) <= bindparam("at"))
    .order_by(col(Acceptance.id))
)
"""Every decision asks it, so it is written once."""


def of_model(model_id: int) -> SelectOfScalar[Acceptance]:
    return select(Acceptance).where(Acceptance.model_id == model_id)


def agreed(session: Session, model_id: int, at: datetime) -> Sequence[Acceptance]:
    """All that were agreed to by then, ended ones too, oldest first."""
    return session.exec(_AGREED, params={"model_id": model_id, "at": at}).all()


def holds(one: Acceptance, at: datetime) -> bool:
    """Whether what was agreed to is neither expired nor revoked at that time."""
    return one.expires_at > at and (one.revoked_at is None or one.revoked_at > at)


def holding(session: Session, model_id: int, kind: str, at: datetime) -> Sequence[Acceptance]:
    """Those that were agreed to, not revoked and not expired at that time, oldest first."""
    return [one for one in agreed(session, model_id, at) if one.kind == kind and holds(one, at)]


def agree(session: Session, acceptance_id: int, agreed_by: str, at: datetime) -> bool:
    """Whether it was still open, and now is agreed to. Of two at once one is told no."""
    change = update(Acceptance).where(
        col(Acceptance.id) == acceptance_id,
        col(Acceptance.agreed_at).is_(None),
        col(Acceptance.revoked_at).is_(None),
        col(Acceptance.expires_at) > at,
    )
    return bool(session.connection().execute(change.values(agreed_by=agreed_by, agreed_at=at)).rowcount)


def revoke(session: Session, acceptance_id: int, revoked_by: str, at: datetime, reason: str) -> bool:
    """Whether it was not revoked before, and now is."""
    change = update(Acceptance).where(col(Acceptance.id) == acceptance_id, col(Acceptance.revoked_at).is_(None))
    revoked = change.values(revoked_by=revoked_by, revoked_at=at, revocation_reason=reason)
    return bool(session.connection().execute(revoked).rowcount)
