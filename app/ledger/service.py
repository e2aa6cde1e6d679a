"""Takes in what tools tell, each event once and nothing from the future, and reads what it adds up to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.catalog.queries import find_model, find_version
from app.db import database_now
from app.ledger import facts, queries
from app.ledger.events import Event, body_of
from app.ledger.queries import Registered
from app.ledger.reading import within
from app.ledger.reading.words import Status
from app.ledger.rows import JudgedRow, walk
from app.ledger.schemas import EventOut, LedgerOut, MarkOut, PracticeOut, RowOut, TakenOut
from app.paging import Page, PageParams
from app.tables import LedgerEvent, Model

AHEAD = timedelta(minutes=5)
"""How much another clock may be ahead of the database's."""


def record(session: Session, source: str, identity: Identity, given: Sequence[Event]) -> list[TakenOut]:
    """Store events, in one transaction and in any order.

    Args:
        source: who tells; an event's id is its own.

    Returns:
        How each was taken, in their order. Refused: from the future, or known with other content;
        of whoever is bound to teams also what names something that they do not have.
    """
    now = database_now(session)
    digests = queries.known(session, source, {(one.kind, one.id) for one in given})
    registered = queries.registered(session)
    taken, rows = [], []
    for event in given:
        row = _row(source, identity, event, now)
        status, reason = _judge(row, event, digests.get((row.kind, row.key)), now)
        if status == "recorded":
            if identity.reach is not None and (missing := unregistered(row, registered)):
                status, reason = "refused", missing
            else:
                digests[row.kind, row.key] = row.digest
                rows.append(row)
        if status != "refused" and (aside := unregistered(row, registered)):
            status, reason = "set_aside", aside  # told again, it counts no more than before
        taken.append(TakenOut(kind=event.kind, id=event.id, status=status, reason=reason))
    session.add_all(rows)
    session.flush()
    if rows:
        audit_log.record(session, identity.name, "ledger.record", f"ledger/{source}", events=len(rows))
    return taken


def _row(source: str, identity: Identity, event: Event, now: datetime) -> LedgerEvent:
    body = body_of(event)
    return LedgerEvent(
        source=source,
        kind=event.kind,
        key=event.id,
        digest=hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
        at=event.at,
        model=getattr(event, "model", None),
        pipeline=getattr(event, "pipeline", None),
        repository=getattr(event, "repository", None),
        body=body,
        actor=identity.name,
        automatic=identity.automatic,
        received_at=now,
    )


def is_early(event: Event, now: datetime) -> bool:
    """Whether it tells of a time that has not come yet, however wrong the teller's clock may be."""
    return event.latest > now + AHEAD


def _judge(row: LedgerEvent, event: Event, known: str | None, now: datetime) -> tuple[str, str]:
    if known == row.digest:
        return "known", "it was told before"
    if known is not None:
        return "refused", f"{row.source} told of the {row.kind} {row.key} before, with other content"
    if is_early(event, now):
        return "refused", f"it tells of {event.latest:%Y-%m-%d %H:%M %Z}, which has not come yet"
    return "recorded", ""


def unregistered(row: LedgerEvent, registered: Registered) -> str:
    """Why the event does not count yet; "" when all that it names is registered."""
    named = (
        ("model", row.model, registered.models),
        ("pipeline", row.pipeline, registered.pipelines),
        ("repository", row.repository, registered.repositories),
    )
    missing = [f"no {what} is registered as {name!r}" for what, name, names in named if name and name not in names]
    if not (row.model or row.pipeline or row.repository):
        missing.append("it names no model and no pipeline, so nothing would read it")
    request = row.body.get("request")
    if request and (row.pipeline, request) not in registered.requests:
        missing.append(f"{row.pipeline or 'nobody'} was never asked for a new version as {request!r}")
    return "; ".join(missing)


def list_events(
    session: Session, filters: dict[str, str | None], params: PageParams, *, aside: bool
) -> Page[EventOut]:
    asked = {column: value for column, value in filters.items() if value is not None}
    rows, cursor = queries.page(session, asked, params, aside=aside)
    registered = queries.registered(session)
    items = [EventOut(**row.model_dump(), set_aside=unregistered(row, registered)) for row in rows]
    return Page(items=items, next_cursor=cursor)


def ledger_of(session: Session, model: str, version: str | None, as_of: datetime) -> LedgerOut:
    """All rows of a model, for a version of it or for what serves. Raises NotFound, naming the nearest."""
    row = find_version(session, model, version)[0] if version else find_model(session, model)
    rows = walk(replace(facts.of_models(session, [row], as_of), subject=version))
    return LedgerOut(
        model=model,
        version=version,
        as_of=as_of,
        counts=_counts(rows),
        rows=[RowOut.model_validate(asdict(row)) for row in rows],
    )


def rows_of(session: Session, models: Sequence[Model], as_of: datetime) -> dict[str, list[JudgedRow]]:
    """All rows of each model, for what serves; read in one go."""
    history = facts.of_models(session, models, as_of)
    return {one.name: walk(within.of_model(history, one.name)) for one in models}


def of_fleet(session: Session, team: str | None, params: PageParams, as_of: datetime) -> Page[PracticeOut]:
    """The rows of all models, or of a team's, by pages. Raises NotFound, naming the nearest team."""
    models, following = queries.models_page(session, team, params)
    found = rows_of(session, models, as_of)
    items = [
        PracticeOut(
            model=one.name,
            owner=one.owner,
            counts=_counts(found[one.name]),
            rows=[MarkOut.model_validate(row, from_attributes=True) for row in found[one.name]],
        )
        for one in models
    ]
    return Page(items=items, next_cursor=following)


def _counts(rows: Iterable[JudgedRow]) -> dict[Status, int]:
    found = Counter(row.status for row in rows)
    return {status: found[status] for status in Status}
