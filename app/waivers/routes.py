"""Waivers of the gate's conditions."""

from __future__ import annotations

from fastapi import APIRouter

from app.deps import CanAttest, CanRead, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page
from app.revocation import RevocationIn
from app.waivers import service
from app.waivers.schemas import WaiverIn, WaiverOut

router = APIRouter(tags=["gate"])


@router.post(
    "/models/{model}/waivers",
    status_code=201,
    summary="Ask that a condition be excused for a while",
    responses=problems(403, 404),
)
def request_waiver(
    model: str,
    given: WaiverIn,
    session: WriteSession,
    identity: CanAttest,
    key: IdempotencyKeyHeader = None,
) -> WaiverOut:
    """It holds once another person, in a role that the policy names, has approved it."""
    return service.request(session, model, identity, given, key)


@router.get(
    "/models/{model}/waivers",
    summary="What was asked for, approved and ended, newest first",
    responses=problems(404),
)
def list_waivers(model: str, session: ReadSession, cursor: Cursor, _: CanRead) -> Page[WaiverOut]:
    return service.list_waivers(session, model, cursor)


@router.post(
    "/waivers/{waiver_id}/approval",
    summary="Approve what another person asked for",
    responses=problems(403, 404, 409),
)
def approve_waiver(waiver_id: RowId, session: WriteSession, identity: CanAttest) -> WaiverOut:
    return service.approve(session, waiver_id, identity)


@router.post("/waivers/{waiver_id}/revocation", summary="Take a waiver back", responses=problems(404, 409))
def revoke_waiver(waiver_id: RowId, given: RevocationIn, session: WriteSession, identity: CanAttest) -> WaiverOut:
    return service.revoke(session, waiver_id, identity, given.reason)
