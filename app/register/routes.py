"""Issues: what needs work, by when, and who verified it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.deps import CanAccept, CanAttest, CanRead, Config, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page
from app.register import service
from app.register.queries import Filters
from app.register.schemas import (
    ClosureIn,
    IssueChange,
    IssueDetail,
    IssueIn,
    IssueOut,
    ReopeningIn,
    ResolutionIn,
    Severity,
    Status,
)

router = APIRouter(tags=["register"])

Name = Annotated[str | None, Query(max_length=200)]


@router.get("/issues", summary="Issues, newest first", responses=problems(404))
def list_issues(
    session: ReadSession,
    cursor: Cursor,
    _: CanRead,
    model: Name = None,
    status: Status | None = None,
    severity: Severity | None = None,
    owner: Name = None,
    overdue: bool | None = None,
) -> Page[IssueOut]:
    return service.list_issues(session, Filters(model, status, severity, owner, overdue), cursor)


@router.get("/issues/{issue_id}", summary="One issue with its history", responses=problems(404))
def show_issue(issue_id: RowId, session: ReadSession, _: CanRead) -> IssueDetail:
    return service.show(session, issue_id)


@router.post("/models/{model}/issues", status_code=201, summary="Open an issue", responses=problems(404, 409))
def open_issue(
    model: str,
    given: IssueIn,
    session: WriteSession,
    config: Config,
    identity: CanAttest,
    key: IdempotencyKeyHeader = None,
) -> IssueDetail:
    """Tests that fail and attestations with reservations open theirs by themselves."""
    return service.open_issue(session, model, identity, given, config, key)


@router.patch(
    "/issues/{issue_id}",
    summary="Give an issue another owner, due date, plan or severity",
    responses=problems(403, 404, 409),
)
def change_issue(issue_id: RowId, given: IssueChange, session: WriteSession, identity: CanAttest) -> IssueDetail:
    return service.change(session, issue_id, identity, given)


@router.post(
    "/issues/{issue_id}/resolution", summary="Name what shows that it is solved", responses=problems(404, 409)
)
def resolve_issue(issue_id: RowId, given: ResolutionIn, session: WriteSession, identity: CanAttest) -> IssueDetail:
    return service.resolve(session, issue_id, identity, given)


@router.post(
    "/issues/{issue_id}/closure",
    summary="Verify that a resolved issue is solved",
    responses=problems(403, 404, 409),
)
def close_issue(issue_id: RowId, given: ClosureIn, session: WriteSession, identity: CanAccept) -> IssueDetail:
    """Takes somebody who neither made the model nor resolved the issue."""
    return service.close(session, issue_id, identity, given)


@router.post("/issues/{issue_id}/reopening", summary="It is not solved after all", responses=problems(404, 409))
def reopen_issue(
    issue_id: RowId, given: ReopeningIn, session: WriteSession, config: Config, identity: CanAttest
) -> IssueDetail:
    return service.reopen(session, issue_id, identity, given.reason, config)
