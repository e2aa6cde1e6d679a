"""Stores what probes found, and tells when an endpoint goes down or is back."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.access import audit_log
from app.alerts.events import Severity, is_production
from app.alerts.outbox import raise_alert
from app.tables import Alert, Endpoint, Model, Probe
from app.uptime import queries
from app.uptime.probing import Outcome

ACTOR = "uptime"


def note(session: Session, endpoint_id: int, at: datetime, outcome: Outcome) -> Alert | None:
    """Store a probe. Returns the alert, if the endpoint went down with it or is back.

    Both are read from the newest probes by the time they were asked: one that is noted late changes nothing.
    """
    endpoint = session.get_one(Endpoint, endpoint_id, with_for_update=True)
    session.add(
        Probe(
            endpoint_id=endpoint_id,
            at=at,
            ok=outcome.ok,
            status=outcome.status,
            seconds=outcome.seconds,
            error=outcome.error,
        )
    )
    session.flush()
    last = queries.last_probes(session, endpoint_id, endpoint.tolerance)
    if endpoint.removed_at is not None or not last:
        return None
    if endpoint.down_since is None and len(last) == endpoint.tolerance and not any(one.ok for one in last):
        return _went_down(session, endpoint, last[-1].at, last[0])
    if endpoint.down_since is not None and last[0].ok:
        return _is_back(session, endpoint, endpoint.down_since, last[0])
    return None


def _went_down(session: Session, endpoint: Endpoint, since: datetime, last: Probe) -> Alert:
    endpoint.down_since = since
    session.add(endpoint)
    details = {"environment": endpoint.environment, "error": last.error, "since": since.isoformat()}
    audit_log.record(session, ACTOR, "endpoint.down", f"endpoint/{endpoint.id}", **details)
    times = "once" if endpoint.tolerance == 1 else f"{endpoint.tolerance} times in a row"
    lines = [
        f"{endpoint.url} failed {times}: {last.error}.",
        f"The first of these was at {since:%Y-%m-%d %H:%M:%S} UTC.",
    ]
    return _tell(session, endpoint, "endpoint.down", "does not answer as it should", lines)


def _is_back(session: Session, endpoint: Endpoint, since: datetime, last: Probe) -> Alert:
    endpoint.down_since = None
    session.add(endpoint)
    seconds = (last.at - since).total_seconds()
    details = {"environment": endpoint.environment, "seconds": seconds, "since": since.isoformat()}
    audit_log.record(session, ACTOR, "endpoint.recovered", f"endpoint/{endpoint.id}", **details)
    lines = [f"{endpoint.url} answered at {last.at:%Y-%m-%d %H:%M:%S} UTC, {seconds:.0f} s after it began to fail."]
    return _tell(session, endpoint, "endpoint.recovered", "answers again", lines)


def _tell(session: Session, endpoint: Endpoint, event: str, what: str, lines: list[str]) -> Alert:
    model = session.get_one(Model, endpoint.model_id)
    bad: Severity = "critical" if is_production(endpoint.environment) else "warning"
    return raise_alert(
        session,
        event=event,
        severity=bad if event == "endpoint.down" else "info",
        title=f"{model.name} in {endpoint.environment}: {endpoint.name} {what}",
        body={
            "lines": lines,
            "path": f"/models/{model.name}/serving",
            "endpoint_id": endpoint.id,
            "url": endpoint.url,
        },
        model_id=model.id,
        environment=endpoint.environment,
    )
