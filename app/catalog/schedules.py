"""When a model is audited without anybody asking: one cron expression a model, in UTC."""

from __future__ import annotations

from sqlmodel import Session, select

from app import cron
from app.errors import FieldError, Invalid
from app.tables import Model, Schedule


def require_cron(expression: str) -> None:
    """Raises Invalid unless ``expression`` is a cron expression that the scheduler can follow."""
    try:
        cron.trigger(expression)
    except Invalid as error:
        raise Invalid(error.detail, [FieldError("model.audit_cron", error.detail)]) from None


def set_schedule(session: Session, model: Model, expression: str) -> Schedule:
    """Audit ``model`` on this (valid) cron expression from now on."""
    schedule = session.exec(select(Schedule).where(Schedule.model_id == model.id)).first()
    if schedule is None:
        schedule = Schedule(model_id=model.id, cron=expression)
    schedule.cron = expression
    session.add(schedule)
    return schedule
