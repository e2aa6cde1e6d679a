"""Schedules that nobody has to set: wherever a version serves, it is monitored, the more often the riskier."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import SCHEDULER
from app.db import insert_new
from app.schedules import queries
from app.tables import Model, Schedule

DEFAULT = "default"

CRON_BY_TIER: Mapping[str, str] = {"high": "{} 5 * * *", "medium": "{} 5 * * mon", "low": "{} 5 1 * *"}
"""Daily, weekly, monthly, in the hour from 5:00 UTC; each model in a minute of its own."""


def default_cron(model: Model) -> str:
    return CRON_BY_TIER[model.risk_tier].format(model.id * 7 % 60)


def schedule_what_serves(session: Session, now: datetime) -> int:
    """Give every environment in which a model serves a schedule unless it has one; how many were made."""
    made = 0
    for model, environment in queries.served_without_schedule(session):
        row = {
            "model_id": model.id,
            "environment": environment,
            "cron": default_cron(model),
            "enabled": True,
            "catch_up": "latest",
            "made_by": DEFAULT,
            "since": now,
            "created_at": now,
        }
        if insert_new(session, Schedule, row):
            made += 1
            subject = f"schedule/{model.name}/{environment}"
            audit_log.record(session, SCHEDULER.name, "schedule.made", subject, cron=row["cron"])
    return made


def tiers_changed(session: Session) -> list[tuple[Schedule, Model]]:
    """Default schedules that are no longer those of their model's risk tier."""
    return [pair for pair in queries.made_by(session, DEFAULT) if pair[0].cron != default_cron(pair[1])]


def follow_tiers(session: Session, now: datetime) -> int:
    """Set these to what their model's risk tier asks for, from now on; how many were set."""
    changed = tiers_changed(session)
    for schedule, model in changed:
        before, schedule.cron, schedule.since = schedule.cron, default_cron(model), now
        session.add(schedule)
        subject = f"schedule/{model.name}/{schedule.environment}"
        changed_to = {"before": before, "after": schedule.cron}
        audit_log.record(session, SCHEDULER.name, "schedule.followed_tier", subject, **changed_to)
    return len(changed)
