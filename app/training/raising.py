"""From what went wrong to a request: once for each alert, whoever sees it and however often."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlmodel import Session

from app import cron
from app.access import audit_log
from app.access.identity import ROLE_SCOPES, Identity
from app.db import Database, database_now
from app.tables import Model, Trainer, TrainingRequest
from app.training import causes, queries
from app.training.causes import Asked

TRAINER = Identity("trainer", "ci", ROLE_SCOPES["ci"])
"""Asks for new versions, and audits and gates them; nobody can sign in as it."""


def raise_due(db: Database) -> int:
    """Look at the alerts and times that no trainer has looked at. Returns how many requests were made.

    A trainer's place among the alerts moves on in the transaction of its requests, so each alert counts once.
    """
    with db.read() as session:
        if not _something_is_due(session):
            return 0
    with db.write() as session:
        now, newest = database_now(session), queries.newest_alert_id(session)
        return sum(_follow(session, trainer, newest, now) for trainer in queries.trainers(session))


def _something_is_due(session: Session) -> bool:
    trainers = queries.trainers(session)
    if not trainers:
        return False
    now, newest = database_now(session), queries.newest_alert_id(session)
    return any(one.seen_alert_id < newest or _slot(one, now) for one in trainers)


def _slot(trainer: Trainer, now: datetime) -> datetime | None:
    return cron.newest_slot(trainer.schedule, trainer.seen_slot, now) if trainer.schedule else None


def _follow(session: Session, trainer: Trainer, newest: int, now: datetime) -> int:
    models = {model.id: model for model in queries.models_of(session, trainer)}
    made = 0
    for alert in queries.alerts_after(session, trainer.seen_alert_id, models, causes.EVENTS):
        asked, where = causes.read(alert, trainer.causes), alert.environment or ""
        if asked and where in (trainer.environments or [where]):
            made += add(session, trainer, models[alert.model_id or 0], where, asked, TRAINER)[1]
    if slot := _slot(trainer, now):
        asked = Asked("schedule", f"slot/{slot.isoformat()}", (f"It is due at {slot:%Y-%m-%d %H:%M} UTC.",), {})
        for model in models.values():
            made += sum(add(session, trainer, model, where, asked, TRAINER)[1] for where in trainer.environments)
        trainer.seen_slot = slot
    trainer.seen_alert_id = newest
    session.add(trainer)
    return made


def add(
    session: Session, trainer: Trainer, model: Model, environment: str, asked: Asked, identity: Identity
) -> tuple[TrainingRequest, bool]:
    """Note a request, to be sent when the cool-down is over; what waits already covers what comes after it.

    Returns:
        The request, and whether it is new.
    """
    place = (trainer.pipeline_id, model.id, environment)
    if known := queries.request_about(session, *place, asked.subject):
        return known, False
    now = database_now(session)
    last = queries.last_sent(session, trainer.pipeline_id, model.id)
    covering = queries.waiting(session, *place)
    row = TrainingRequest(
        key=f"tr_{secrets.token_hex(12)}",
        pipeline_id=trainer.pipeline_id,
        model_id=model.id,
        environment=environment,
        cause=asked.cause,
        subject=asked.subject,
        alert_id=asked.alert_id,
        detail={"because": list(asked.because), **asked.detail},
        status="pending",
        due_at=max(now, last + timedelta(hours=trainer.cool_down_hours)) if last else now,
        actor=identity.name,
        automatic=identity.automatic,
        created_at=now,
    )
    if trainer.dry_run:
        row.status, row.ended_at, row.reason = "dry_run", now, "the trainer is on trial: nothing was sent"
    elif covering:
        row.status, row.ended_at, row.covered_by = "superseded", now, covering.id
        row.reason = f"{covering.key} waits to be sent, and its run will see the same data"
    session.add(row)
    session.flush()
    details = {"model": model.name, "environment": environment, "cause": row.cause, "status": row.status}
    audit_log.record(session, identity.name, "training.request", f"training-request/{row.key}", **details)
    return row, True
