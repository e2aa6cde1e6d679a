"""When a model is audited without anybody asking: one cron expression a model, in UTC."""

from __future__ import annotations

from sqlmodel import Session, select

from app.errors import FieldError, Invalid
from app.tables import Model, Schedule


def require_cron(expression: str) -> None:
    """Raises Invalid unless ``expression`` is a cron expression of five fields."""
    from apscheduler.triggers.cron import CronTrigger

    try:
        CronTrigger.from_crontab(expression, timezone="UTC")
    except ValueError as error:
        message = f"{expression!r} is not a cron expression: {error}"
        raise Invalid(message, [FieldError("model.audit_cron", message)]) from None


def set_schedule(session: Session, model: Model, cron: str) -> Schedule:
    """Audit ``model`` on this (valid) cron expression from now on."""
    schedule = session.exec(select(Schedule).where(Schedule.model_id == model.id)).first()
    if schedule is None:
        schedule = Schedule(model_id=model.id, cron=cron)
    schedule.cron = cron
    session.add(schedule)
    return schedule
