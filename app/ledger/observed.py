"""What the service observes by itself, as a history has it: schedules, endpoints, measurements, readers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

import app.access.watchers as who
from app import cron
from app.alerts import outbox
from app.alerts.events import is_production
from app.errors import Invalid
from app.evidence import measured
from app.ledger.events import WATCHING
from app.ledger.history import EndpointFact, ListenerFact, MeasurementFact, ScheduleFact, WatcherFact
from app.schedules import queries
from app.tables import Endpoint, Finding
from app.uptime import service as uptime

MISSED_WITHIN = timedelta(days=30)


def schedules(session: Session, names: Mapping[int, str], as_of: datetime) -> Iterator[ScheduleFact]:
    """As they are now: what a schedule was earlier is not kept."""
    rows = queries.schedules_of(session, list(names))
    ids = [row.id for row in rows]
    last, missed = queries.last_slots(session, ids), queries.missed_since(session, ids, as_of - MISSED_WITHIN)
    for row in rows:
        slot, audit = last.get(row.id, (None, None))
        try:
            interval = cron.interval_days(row.cron)
        except Invalid:  # which the worker does not follow either
            continue
        yield ScheduleFact(
            model=names[row.model_id],
            environment=row.environment or None,
            interval_days=interval,
            enabled=row.enabled,
            last_slot=slot.slot if slot else None,
            outcome=(audit.status if audit else slot.status) if slot else None,
            missed=missed.get(row.id, 0),
            since=row.since or row.created_at,
        )


def listeners(session: Session, names: Mapping[int, str], as_of: datetime) -> Iterator[ListenerFact]:
    """As they are now; the mildest word of a missed audit is a warning."""
    for model_id, model in names.items():
        for one in outbox.listeners(session, model_id, "schedule.missed", "warning"):
            if one.created_at <= as_of:
                yield ListenerFact(model, one.name, one.created_at)


def endpoints(session: Session, names: Mapping[int, str], as_of: datetime) -> Iterator[EndpointFact]:
    for one in uptime.standings(session, list(names), as_of):
        yield EndpointFact(
            model=names[one.model_id],
            environment=one.environment,
            name=one.name,
            state=one.state,
            probed_at=one.last_probe_at,
            availability=one.month.availability,
            p95=one.month.p95,
        )


def watched(session: Session, names: Mapping[int, str], as_of: datetime) -> Iterator[str]:
    """Models that a monitoring test had a verdict on in production, or an endpoint of which is probed there."""
    tested = select(Finding.model_id, Finding.environment).where(
        col(Finding.model_id).in_(names),
        col(Finding.check_id).in_(WATCHING),
        col(Finding.verdict).in_(("pass", "fail")),
        col(Finding.created_at) <= as_of,
    )
    probed = select(Endpoint.model_id, Endpoint.environment).where(
        col(Endpoint.model_id).in_(names), col(Endpoint.created_at) <= as_of
    )
    rows = {*session.exec(tested.distinct()), *session.exec(probed.distinct())}
    yield from sorted({names[model_id] for model_id, environment in rows if is_production(environment)})


def measurements(session: Session, names: Mapping[int, str], as_of: datetime) -> Iterator[MeasurementFact]:
    """The newest of each quantity."""
    for model_id, model in names.items():
        for one in measured.newest_measurements(session, model_id, as_of):
            yield MeasurementFact(
                model, one.name, one.value, one.unit, one.at, one.tool, one.query, one.evidence_id
            )


def watchers(session: Session, as_of: datetime) -> Iterator[WatcherFact]:
    for what in (who.METRICS, who.AUDIT_LOG):
        for one in who.watchers(session, what, as_of):
            yield WatcherFact(what, one.actor, min(one.last_at, as_of))
