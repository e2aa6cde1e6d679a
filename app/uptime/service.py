"""Rules of endpoints: who is asked, what is told of it, and how available they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlmodel import Session

from app.access import audit_log, idempotency
from app.access.identity import Identity
from app.catalog.queries import find_model
from app.config import Settings
from app.db import database_now
from app.errors import Conflict, FieldError, Invalid
from app.outgoing import Client, Refused
from app.paging import Page, PageParams
from app.tables import Endpoint, Model, Probe
from app.uptime import queries, summary
from app.uptime.schemas import EndpointIn, EndpointOut, ProbeOut, State, UptimeOut, Window, WindowOut

WINDOWS: Mapping[Window, timedelta] = MappingProxyType(
    {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
)
CELLS = 48
"""Of the history of a day, half an hour each."""
MOST_ENDPOINTS = 50
"""Of one model."""


def add(
    session: Session, identity: Identity, model_name: str, given: EndpointIn, key: str | None, settings: Settings
) -> EndpointOut:
    """Ask an address from now on; the same request under the same ``key`` only once.

    Raises:
        NotFound: there is no such model.
        Invalid: the address may not be called.
        Conflict: the model has an endpoint of that name, or too many.
    """
    _require_callable(given.url, settings)  # before the first statement: resolving a name holds no lock
    asked = {"model": model_name, **given.model_dump(mode="json")}
    known = idempotency.once(session, identity, key, asked)
    if known is not None:
        return show(session, known)
    model = find_model(session, model_name)
    there = queries.endpoints_of(session, model.id)
    if given.name in {one.name for one in there}:
        raise Conflict(f"{model.name} has an endpoint named {given.name!r} already")
    if len(there) >= MOST_ENDPOINTS:
        raise Conflict(f"{model.name} has {MOST_ENDPOINTS} endpoints, which is the most there may be")
    now = database_now(session)
    row = Endpoint(**given.model_dump(), model_id=model.id, due_at=now, created_at=now, created_by=identity.name)
    session.add(row)
    session.flush()
    details = {"model": model.name, "name": row.name, "url": row.url, "environment": row.environment}
    audit_log.record(session, identity.name, "endpoint.add", f"endpoint/{row.id}", **details)
    idempotency.remember(session, identity, key, asked, row.id)
    return show(session, row.id)


def _require_callable(url: str, settings: Settings) -> None:
    try:
        Client(settings.outgoing_allowed_hosts).check(url)
    except Refused as error:
        message = (
            f"this URL is not called: {error}; an administrator may allow its host (ASSAY_OUTGOING_ALLOWED_HOSTS)"
        )
        raise Invalid(message, [FieldError("url", message)]) from None


def remove(session: Session, endpoint_id: int, identity: Identity) -> None:
    """Ask no more; the history stays. Raises NotFound."""
    row = queries.get_endpoint(session, endpoint_id)
    if row.removed_at is not None:
        return
    row.removed_at, row.token = database_now(session), None
    session.add(row)
    audit_log.record(session, identity.name, "endpoint.remove", f"endpoint/{row.id}", name=row.name)


def show(session: Session, endpoint_id: int) -> EndpointOut:
    """Raises NotFound."""
    row = queries.get_endpoint(session, endpoint_id)
    return _out(session, queries.model_of(session, row), [row], database_now(session))[0]


def list_endpoints(session: Session, model_name: str, *, removed: bool = False) -> list[EndpointOut]:
    """A model's endpoints as they are now. Raises NotFound."""
    model = find_model(session, model_name)
    return _out(session, model, queries.endpoints_of(session, model.id, removed=removed), database_now(session))


def uptime(session: Session, endpoint_id: int) -> UptimeOut:
    """An endpoint's windows up to now. Raises NotFound."""
    row = queries.get_endpoint(session, endpoint_id)
    return _uptime(session, queries.model_of(session, row), row, database_now(session))


def uptime_of(session: Session, model: Model) -> list[UptimeOut]:
    """The same of all endpoints of a model."""
    now = database_now(session)
    return [_uptime(session, model, row, now) for row in queries.endpoints_of(session, model.id)]


@dataclass(frozen=True)
class Standing:
    """An endpoint as it stood at a time. ``month``: its last 30 days; ``last_probe_at``: within these."""

    model_id: int
    endpoint_id: int
    environment: str
    name: str
    since: datetime
    state: State
    last_probe_at: datetime | None
    month: summary.Summary


def standings(session: Session, model_ids: Sequence[int], as_of: datetime) -> list[Standing]:
    """How the endpoints of models stood at a time, oldest first. What was probed later does not exist."""
    return [_standing(session, row, as_of) for row in queries.endpoints_at(session, model_ids, as_of)]


def _standing(session: Session, row: Endpoint, as_of: datetime) -> Standing:
    since, interval = as_of - WINDOWS["30d"], timedelta(seconds=row.interval_seconds)
    samples = queries.samples(session, row.id, since - summary.REACH * interval, as_of)
    newest = samples[-1] if samples else None
    return Standing(
        model_id=row.model_id,
        endpoint_id=row.id,
        environment=row.environment,
        name=row.name,
        since=row.created_at,
        state=state_of(newest.ok, newest.at, row.interval_seconds, as_of) if newest else "unknown",
        last_probe_at=newest.at if newest else None,
        month=summary.summarise_ordered(samples, since, as_of, interval),
    )


def list_probes(session: Session, endpoint_id: int, params: PageParams) -> Page[ProbeOut]:
    """Raises NotFound."""
    queries.get_endpoint(session, endpoint_id)
    rows, cursor = queries.probes_page(session, endpoint_id, params)
    return Page(items=[ProbeOut(**row.model_dump(exclude={"endpoint_id"})) for row in rows], next_cursor=cursor)


def _uptime(session: Session, model: Model, row: Endpoint, now: datetime) -> UptimeOut:
    interval = timedelta(seconds=row.interval_seconds)
    longest = max(WINDOWS.values()) + summary.REACH * interval
    samples = queries.samples(session, row.id, now - longest, now)
    day = summary.stretches(samples, now - WINDOWS["24h"], now, interval)
    return UptimeOut(
        endpoint=_out(session, model, [row], now)[0],
        windows={
            name: WindowOut.model_validate(asdict(summary.summarise_ordered(samples, now - length, now, interval)))
            for name, length in WINDOWS.items()
        },
        history=summary.strip(day, CELLS),
    )


def _out(session: Session, model: Model, rows: Sequence[Endpoint], now: datetime) -> list[EndpointOut]:
    newest = queries.newest_probes(session, [row.id for row in rows])
    return [
        EndpointOut(
            **row.model_dump(exclude={"token", "model_id"}),
            model=model.name,
            has_token=row.token is not None,
            **_state(row, newest.get(row.id), now),
        )
        for row in rows
    ]


def _state(row: Endpoint, newest: Probe | None, now: datetime) -> dict[str, object]:
    if newest is None:
        return {"state": "unknown", "last_probe_at": None, "last_seconds": None, "error": None}
    told = {"last_probe_at": newest.at, "last_seconds": newest.seconds, "error": newest.error}
    return {"state": state_of(newest.ok, newest.at, row.interval_seconds, now), **told}


def state_of(ok: bool | None, at: datetime, interval_seconds: int, now: datetime) -> State:
    """What a probe says ``now``: unknown when it lies too far back to say anything."""
    fresh = now - at < timedelta(seconds=interval_seconds) * summary.REACH
    return summary.Sample(at, ok).state if fresh else "unknown"
