"""Logged predictions and labels that are older than they may be kept; and whatever deletion was cut off."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlmodel import Session

from app.access import audit_log
from app.config import Settings
from app.db import Database, database_now
from app.evidence.blobs import BlobStore
from app.monitoring.personal import queries, segments
from app.tables import Model

KEEPER = "retention"
EVERY_MODEL = "*"


def look_after(db: Database, settings: Settings) -> None:
    """The leader's job; done twice it does nothing twice. Reads only, while nothing is due."""
    for model, before in _limits(db, settings):
        expire(db, model, before)
    segments.finish(db, BlobStore(settings.blob_dir), settings)


def _limits(db: Database, settings: Settings) -> list[tuple[Model, datetime]]:
    """Before when the predictions of each model are due, in whole days (UTC): files are written anew once a day."""
    days = settings.prediction_days
    if not days:
        return []
    with db.read() as session:
        now = database_now(session)
        known = [(model, days.get(model.name, days.get(EVERY_MODEL))) for model in queries.models(session)]
    today = datetime.combine(now.date(), time(), now.tzinfo)
    return [(model, today - timedelta(days=kept)) for model, kept in known if kept is not None]


def expire(db: Database, model: Model, before: datetime) -> None:
    """Delete the model's predictions of before that time with their labels, a batch a transaction."""
    with db.read() as session:
        due = queries.batches_before(session, model.id, before)
        parked = queries.parked_labels_before(session, model.id, before)
    for batch_id in due:
        with db.write() as session:
            predictions, labels = queries.expire(session, batch_id, before)
            _note(session, model, before, batch=batch_id, predictions=predictions, labels=labels)
    if parked:
        with db.write() as session:
            labels = queries.expire_parked_labels(session, model.id, before)
            _note(session, model, before, labels=labels)


def _note(session: Session, model: Model, before: datetime, **counts: int) -> None:
    if counts.get("predictions") or counts["labels"]:
        audit_log.record(session, KEEPER, "predictions.expired", model.name, before=before.isoformat(), **counts)
