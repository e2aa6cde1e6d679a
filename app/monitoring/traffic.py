"""How much was served, and how much of it has a label."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session

from app.catalog.queries import find_model, find_version
from app.db import utcnow
from app.errors import FieldError, Invalid
from app.monitoring import queries
from app.monitoring.queries import Served
from app.monitoring.schemas import LabelHistoryOut, RevisionOut, TrafficOut, TrafficRow

DAYS = timedelta(days=30)


def report(
    session: Session,
    model_name: str,
    environment: str,
    version_name: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> TrafficOut:
    """By day, version and role; by default the last 30 days. Raises NotFound, Invalid."""
    model = find_model(session, model_name)
    version = find_version(session, model_name, version_name)[1] if version_name else None
    until = until or utcnow()
    since = since or until - DAYS
    if since >= until:
        raise Invalid("since must be before until", [FieldError("query.since", "must be before until")])
    served = Served(model.id, environment, since, until, version.id if version else None)
    days = [
        TrafficRow(
            day=date.fromisoformat(day), version=name, role=role, rows=rows, labelled=known, coverage=known / rows
        )
        for day, name, role, rows, known in queries.traffic_by_day(session, served)
    ]
    rows, labelled = sum(one.rows for one in days), sum(one.labelled for one in days)
    return TrafficOut(
        model=model_name,
        environment=environment,
        since=since,
        until=until,
        rows=rows,
        labelled=labelled,
        coverage=labelled / rows if rows else None,
        days=days,
    )


def label_history(session: Session, model_name: str, prediction_id: str) -> LabelHistoryOut:
    """Raises NotFound: there is no such model. A prediction without labels has no revisions."""
    model = find_model(session, model_name)
    revisions = queries.revisions_of(session, model.id, {prediction_id})
    return LabelHistoryOut(
        model=model_name,
        id=prediction_id,
        predicted=bool(queries.known_predictions(session, model.id, {prediction_id})),
        revisions=[RevisionOut(**one.model_dump(), label=one.value) for one in reversed(revisions)],
    )
