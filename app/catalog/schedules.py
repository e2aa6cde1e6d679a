"""The schedule that a manifest declares: when the newest version is audited without anybody asking."""

from __future__ import annotations

from sqlmodel import Session, select

from app import cron
from app.db import utcnow
from app.errors import FieldError, Invalid
from app.tables import Model, Schedule


def require_cron(expression: str) -> None:
    """Raises Invalid unless ``expression`` is a cron expression that the scheduler can follow."""
    try:
        cron.trigger(expression)
    except Invalid as error:
        raise Invalid(error.detail, [FieldError("model.audit_cron", error.detail)]) from None


def set_schedule(session: Session, model: Model, expression: str) -> Schedule:
    """Audit the newest version of ``model`` on this (valid) cron expression from now on."""
    query = select(Schedule).where(Schedule.model_id == model.id, Schedule.environment == "")
    schedule = session.exec(query).first() or Schedule(model_id=model.id, cron="")
    if schedule.cron != expression:
        schedule.cron, schedule.since = expression, utcnow()
        schedule.made_by = "manifest"
    session.add(schedule)
    return schedule
