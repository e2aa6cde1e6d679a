"""Exceptions of a model, and who agreed to them."""

from __future__ import annotations

from fastapi import APIRouter

from app.acceptances import service
from app.acceptances.schemas import AcceptanceIn, AcceptanceOut
from app.deps import CanAccept, CanAttest, CanRead, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page
from app.revocation import RevocationIn

router = APIRouter(tags=["acceptances"])


@router.post(
    "/models/{model}/acceptances",
    status_code=201,
    summary="Ask for an acceptance, or that a test be not applicable",
    responses=problems(404),
)
def request_acceptance(
    model: str,
    given: AcceptanceIn,
    session: WriteSession,
    identity: CanAttest,
    key: IdempotencyKeyHeader = None,
) -> AcceptanceOut:
    """It holds once another person has agreed to it."""
    return service.request(session, model, identity, given, key)


@router.get(
    "/models/{model}/acceptances",
    summary="What was asked for, agreed to and ended, newest first",
    responses=problems(404),
)
def list_acceptances(model: str, session: ReadSession, cursor: Cursor, _: CanRead) -> Page[AcceptanceOut]:
    return service.list_acceptances(session, model, cursor)


@router.post(
    "/acceptances/{acceptance_id}/agreement",
    summary="Agree to what another person asked for",
    responses=problems(403, 404, 409),
)
def agree(acceptance_id: RowId, session: WriteSession, identity: CanAccept) -> AcceptanceOut:
    return service.agree(session, acceptance_id, identity)


@router.post("/acceptances/{acceptance_id}/revocation", summary="Take it back", responses=problems(404, 409))
def revoke(acceptance_id: RowId, given: RevocationIn, session: WriteSession, identity: CanAttest) -> AcceptanceOut:
    return service.revoke(session, acceptance_id, identity, given.reason)
