"""Approvals of versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.approvals import service
from app.approvals.schemas import ApprovalIn, ApprovalOut
from app.deps import CanAttest, CanRead, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page
from app.revocation import RevocationIn

router = APIRouter(tags=["gate"])


@router.post(
    "/models/{model}/versions/{version}/approvals",
    status_code=201,
    summary="Approve that a version goes to an environment",
    responses=problems(403, 404, 409),
)
def give_approval(
    model: str,
    version: str,
    given: ApprovalIn,
    session: WriteSession,
    identity: CanAttest,
    key: IdempotencyKeyHeader = None,
) -> ApprovalOut:
    """It counts in every decision on this very artifact until it is revoked, where the policy asks for the role."""
    return service.give(session, model, version, identity, given, key)


@router.get(
    "/models/{model}/approvals",
    summary="Who approved what, and took it back, newest first",
    responses=problems(404),
)
def list_approvals(
    model: str,
    session: ReadSession,
    cursor: Cursor,
    _: CanRead,
    version: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[ApprovalOut]:
    return service.list_approvals(session, model, version, cursor)


@router.post(
    "/approvals/{approval_id}/revocation", summary="Take an approval back", responses=problems(403, 404, 409)
)
def revoke_approval(
    approval_id: RowId, given: RevocationIn, session: WriteSession, identity: CanAttest
) -> ApprovalOut:
    """By whoever gave it, an administrator, or somebody in a role whose approvals the policy asks for there.
    Decisions that counted it cannot be used from now on.
    """
    return service.revoke(session, approval_id, identity, given.reason)
