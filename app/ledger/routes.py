"""The ledger over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.db import utcnow
from app.deps import CanPushEvidence, CanRead, ReadSession, WriteSession
from app.http.problems import problems
from app.ledger import service
from app.ledger.schemas import EventOut, EventsIn, EventsOut, LedgerOut, PracticeOut, Team
from app.paging import Cursor, Page
from app.scorecards.schemas import AsOf

router = APIRouter(tags=["ledger"])

Named = Annotated[str | None, Query(max_length=250)]


@router.post("/ledger/events", summary="Tell what happened; the same again changes nothing")
def record(given: EventsIn, session: WriteSession, identity: CanPushEvidence) -> EventsOut:
    """In any order. Each event is answered: recorded, known, set aside (it names what is not registered yet, and
    counts as soon as it is), or refused with the reason.
    """
    return EventsOut(events=service.record(session, identity.name, identity, given.events))


@router.get("/ledger/events", summary="What was told, newest first")
def list_events(
    session: ReadSession,
    cursor: Cursor,
    _: CanRead,
    model: Named = None,
    pipeline: Named = None,
    repository: Named = None,
    kind: Named = None,
    set_aside: Annotated[bool, Query(description="Only what does not count yet.")] = False,
) -> Page[EventOut]:
    filters = {"model": model, "pipeline": pipeline, "repository": repository, "kind": kind}
    return service.list_events(session, filters, cursor, aside=set_aside)


@router.get("/ledger", summary="What the practice around each model shows", responses=problems(404))
def fleet_ledger(
    session: ReadSession, cursor: Cursor, _: CanRead, team: Team = None, as_of: AsOf = None
) -> Page[PracticeOut]:
    """The 45 rows of every model, the one registered last first: met, missing or unknown, and what is missing. A
    model's own ledger names the evidence.
    """
    return service.of_fleet(session, team, cursor, as_of or utcnow())


@router.get("/models/{model}/ledger", summary="What the practice around a model shows", responses=problems(404))
def model_ledger(
    model: str, session: ReadSession, _: CanRead, version: Named = None, as_of: AsOf = None
) -> LedgerOut:
    """45 rows, each met, missing or unknown, with its evidence and what to do next."""
    return service.ledger_of(session, model, version, as_of or utcnow())
