"""The ledger over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.deps import CanPushEvidence, CanRead, ReadSession, WriteSession
from app.ledger import service
from app.ledger.schemas import EventOut, EventsIn, EventsOut
from app.paging import Cursor, Page

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
