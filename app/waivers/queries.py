"""All SQL of asking for waivers; which of them hold is asked by the gate."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.tables import Waiver


def of_model(model_id: int) -> SelectOfScalar[Waiver]:
    return select(Waiver).where(Waiver.model_id == model_id)


def approve(session: Session, waiver_id: int, approved_by: str, at: datetime) -> bool:
    """Whether it was still open, and now is approved. Of two at once one is told no."""
    change = update(Waiver).where(
        col(Waiver.id) == waiver_id,
        col(Waiver.approved_at).is_(None),
        col(Waiver.revoked_at).is_(None),
        col(Waiver.expires_at) > at,
    )
    return bool(session.connection().execute(change.values(approved_by=approved_by, approved_at=at)).rowcount)


def revoke(session: Session, waiver_id: int, revoked_by: str, at: datetime, reason: str) -> bool:
    """Whether it was not revoked before, and now is."""
    change = update(Waiver).where(col(Waiver.id) == waiver_id, col(Waiver.revoked_at).is_(None))
    revoked = change.values(revoked_by=revoked_by, revoked_at=at, revocation_reason=reason)
    return bool(session.connection().execute(revoked).rowcount)
