"""Issues, validations, retirement, the inventory."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from app.deps import (
    Blobs,
    CanAccept,
    CanAttest,
    CanRead,
    CanRegister,
    Config,
    IdempotencyKeyHeader,
    ReadSession,
    RowId,
    WriteSession,
)
from app.http.problems import problems
from app.paging import Cursor, Page
from app.register import inventory, retirement, service, validations
from app.register.queries import Filters
from app.register.schemas import (
    ClosureIn,
    InventoryRow,
    IssueChange,
    IssueDetail,
    IssueIn,
    IssueOut,
    ReopeningIn,
    ResolutionIn,
    RetirementIn,
    RetirementOut,
    Severity,
    Status,
    ValidationIn,
    ValidationOut,
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


@router.post(
    "/models/{model}/validations",
    status_code=201,
    summary="Record that somebody who did not make it validated a model",
    responses=problems(403, 404, 409),
)
def record_validation(
    model: str,
    given: ValidationIn,
    session: WriteSession,
    blobs: Blobs,
    config: Config,
    identity: CanAccept,
    key: IdempotencyKeyHeader = None,
) -> ValidationOut:
    """Conditions, and a rejection, open an issue; an approval resolves those of earlier validations."""
    return validations.record(session, model, identity, given, blobs, config, key)


@router.get("/models/{model}/validations", summary="A model's validations, newest first", responses=problems(404))
def list_validations(model: str, session: ReadSession, cursor: Cursor, _: CanRead) -> Page[ValidationOut]:
    return validations.list_validations(session, model, cursor)


@router.post(
    "/models/{model}/retirement", status_code=201, summary="Retire a model", responses=problems(403, 404, 409)
)
def retire_model(model: str, given: RetirementIn, session: WriteSession, identity: CanRegister) -> RetirementOut:
    """It must not serve anywhere. Its schedules stop, and the gate says no."""
    return retirement.retire(session, model, identity, given)


@router.post(
    "/models/{model}/retirement/undoing", summary="Take a model into use again", responses=problems(403, 404, 409)
)
def undo_retirement(model: str, given: ReopeningIn, session: WriteSession, identity: CanRegister) -> RetirementOut:
    return retirement.undo(session, model, identity, given.reason)


CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get(
    "/inventory",
    summary="All models, as model-risk people list them",
    responses=CSV,
    response_model=Page[InventoryRow],
)
def show_inventory(
    session: ReadSession,
    cursor: Cursor,
    config: Config,
    _: CanRead,
    form: Annotated[
        Literal["json", "csv"], Query(alias="format", description="CSV is all of it at once.")
    ] = "json",
) -> Page[InventoryRow] | Response:
    if form == "json":
        return inventory.inventory(session, cursor, config)
    name = {"Content-Disposition": 'attachment; filename="inventory.csv"'}
    return Response(inventory.as_csv(session, config), media_type="text/csv; charset=utf-8", headers=name)
