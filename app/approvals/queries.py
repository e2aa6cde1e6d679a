"""All SQL of giving approvals; which of them hold is asked by the gate."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.tables import Approval


def of_model(model_id: int, version_id: int | None) -> SelectOfScalar[Approval]:
    query = select(Approval).where(Approval.model_id == model_id)
    return query if version_id is None else query.where(Approval.version_id == version_id)


def given(session: Session, new: Approval) -> Approval | None:
    """The one that holds already by this person, for the same."""
    query = select(Approval).where(
        Approval.version_id == new.version_id,
        Approval.digest == new.digest,
        Approval.environment == new.environment,
        Approval.person == new.person,
        col(Approval.stage) == new.stage if new.stage else col(Approval.stage).is_(None),
        col(Approval.revoked_at).is_(None),
    )
    return session.exec(query.limit(1)).first()


def revoke(session: Session, approval_id: int, revoked_by: str, at: datetime, reason: str) -> bool:
    """Whether it was not revoked before, and now is."""
    change = update(Approval).where(col(Approval.id) == approval_id, col(Approval.revoked_at).is_(None))
    revoked = change.values(revoked_by=revoked_by, revoked_at=at, revocation_reason=reason)
    return bool(session.connection().execute(revoked).rowcount)
