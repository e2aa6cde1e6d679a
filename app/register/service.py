"""What people do with issues. Services never commit."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session, col

from app.access.idempotency import once, remember
from app.access.identity import Identity
from app.catalog.queries import find_model
from app.config import Settings
from app.db import database_now
from app.errors import Conflict, FieldError, Invalid, NotFound, nearest
from app.paging import Page, PageParams, paginate
from app.register import history, queries, rules
from app.register.following import resolve as settle
from app.register.following import unsettle
from app.register.people import makers, require_other
from app.register.proofs import proof_of
from app.register.queries import Filters
from app.register.schemas import ClosureIn, IssueChange, IssueDetail, IssueIn, IssueOut, NoteOut, ResolutionIn
from app.tables import Issue, Model
from checks.contract import Scope
from checks.rubric import BY_ID


def open_issue(
    session: Session, model_name: str, identity: Identity, given: IssueIn, settings: Settings, key: str | None
) -> IssueDetail:
    """Open an issue by hand.

    Raises:
        NotFound: no such model.
        Invalid: no such test, an environment where none is due, or a due date in the past.
        Conflict: the test has an issue already, which is named.
    """
    model = find_model(session, model_name)
    asked = {"model": model_name, **given.model_dump(mode="json")}
    if (known := once(session, identity, key, asked)) is not None:
        return show(session, known)
    now = database_now(session)
    _require_sense(session, model, given, now.date())
    severity = given.severity or _severity(model, given.test_id)
    issue = Issue(
        **given.model_dump(include={"title", "description", "test_id"}),
        model_id=model.id,
        environment=given.environment or "",
        source="person",
        severity=severity,
        status="in_progress" if given.plan else "open",
        owner=given.owner or model.owner,
        due_on=given.due_on or rules.due(severity, now.date(), settings),
        plan=given.plan or "",
        failed_at=now,
        opened_at=now,
        opened_by=identity.name,
    )
    session.add(issue)
    session.flush()
    remember(session, identity, key, asked, issue.id)
    history.note(session, issue, identity.name, "opened", given.description, before={})
    return show(session, issue.id)


def _severity(model: Model, test_id: str | None) -> str:
    if test_id is None:
        return rules.severity_of_model(model.risk_tier)
    return rules.severity_of(model.risk_tier, BY_ID[test_id])


def _require_sense(session: Session, model: Model, given: IssueIn, today: date) -> None:
    _require_future(given.due_on, today)
    if given.test_id is None:
        if given.environment:
            raise _wrong("environment", "only an issue of a test of the system has an environment")
        return
    if given.test_id not in BY_ID:
        raise _wrong("test_id", f"{given.test_id!r} is not a test of the rubric{nearest(given.test_id, BY_ID)}")
    if given.environment and BY_ID[given.test_id].scope is Scope.VERSION:
        raise _wrong("environment", f"{given.test_id} is a test of a version and knows no environment")
    known = queries.issue_about(session, model.id, given.test_id, given.environment or "")
    if known is not None:
        what = "reopen it" if known.status == "closed" else "add to it"
        raise Conflict(f"{given.test_id} has the issue {known.id} ({known.status}): {what}")


def change(session: Session, issue_id: int, identity: Identity, given: IssueChange) -> IssueDetail:
    """Change owner, due date, plan or severity. The first plan puts the issue in progress.

    Raises:
        NotFound: no such issue.
        Conflict: it is closed.
        Invalid: a severity or due date without a reason, or nothing to change.
        Forbidden: a maker of the model makes it milder or due later.
    """
    issue = _locked(session, issue_id)
    if issue.status == "closed":
        raise Conflict(f"issue {issue.id} is closed: reopen it first")
    wanted = given.model_dump(exclude_none=True, exclude={"reason"})
    if not wanted:
        raise _wrong("plan", "name what is to change: owner, due_on, plan or severity")
    if wanted.keys() & {"severity", "due_on"} and given.reason is None:
        raise _wrong("reason", "say why the severity or the due date changes")
    _require_future(given.due_on, database_now(session).date())
    if _eases(issue, given):
        model = session.get_one(Model, issue.model_id)
        require_other(identity, makers(session, model, issue.version_id), "make an issue milder or due later")
    before = history.state(issue)
    issue.sqlmodel_update(wanted)
    if issue.plan and issue.status == "open":
        issue.status = "in_progress"
    session.add(issue)
    action = "planned" if given.plan else "changed"
    history.note(session, issue, identity.name, action, given.reason or given.plan or "", before=before)
    return show(session, issue.id)


def _eases(issue: Issue, given: IssueChange) -> bool:
    milder = given.severity and rules.worst(given.severity, issue.severity) != given.severity
    return bool(milder or (given.due_on and given.due_on > issue.due_on))


def resolve(session: Session, issue_id: int, identity: Identity, given: ResolutionIn) -> IssueDetail:
    """Name what shows that it is solved. Somebody else has to verify it.

    Raises:
        NotFound: no such issue.
        Conflict: it is resolved or closed.
        Invalid: the evidence does not show it.
    """
    issue = _locked(session, issue_id)
    if issue.status not in rules.UNSETTLED:
        raise Conflict(f"issue {issue.id} is {issue.status} already")
    proof = proof_of(session, issue, given.evidence)
    settle(session, issue, identity.name, proof.ref, given.comment, proof.version)
    return show(session, issue.id)


def close(session: Session, issue_id: int, identity: Identity, given: ClosureIn) -> IssueDetail:
    """Verify what resolved it. Takes somebody who neither made the model nor resolved the issue.

    Raises:
        NotFound: no such issue.
        Conflict: it is not resolved.
        Forbidden: it takes another person.
        Invalid: the evidence does not show that it is solved.
    """
    issue = _locked(session, issue_id)
    if issue.status != "resolved":
        hint = "" if issue.status == "closed" else "; evidence that it is solved comes first (its resolution)"
        raise Conflict(f"issue {issue.id} is {issue.status}, not resolved{hint}")
    model = session.get_one(Model, issue.model_id)
    involved = makers(session, model, issue.version_id) | {issue.resolved_by or ""}
    if given.evidence is not None:
        proof = proof_of(session, issue, given.evidence)
        involved |= {proof.actor or "", *(makers(session, model, proof.version.id) if proof.version else ())}
    require_other(identity, involved, "verify that it is solved")
    before = history.state(issue)
    issue.status, issue.evidence = "closed", given.evidence or issue.evidence
    issue.closed_by, issue.closed_at = identity.name, database_now(session)
    session.add(issue)
    history.note(session, issue, identity.name, "closed", given.comment, evidence=issue.evidence, before=before)
    return show(session, issue.id)


def reopen(session: Session, issue_id: int, identity: Identity, reason: str, settings: Settings) -> IssueDetail:
    """It is not solved after all. One that was closed gets a new due date.

    Raises:
        NotFound: no such issue.
        Conflict: nobody resolved it yet.
    """
    issue = _locked(session, issue_id)
    if issue.status in rules.UNSETTLED:
        raise Conflict(f"issue {issue.id} is {issue.status}: there is nothing to reopen")
    before, now = history.state(issue), database_now(session)
    if issue.status == "closed":
        issue.due_on = rules.due(issue.severity, now.date(), settings)
    issue.failed_at = now  # what passed until now did not show it
    unsettle(issue)
    session.add(issue)
    history.note(session, issue, identity.name, "reopened", reason, before=before)
    return show(session, issue.id)


def show(session: Session, issue_id: int) -> IssueDetail:
    """Raises NotFound."""
    issue = session.get(Issue, issue_id)
    if issue is None:
        raise NotFound(f"there is no issue {issue_id}")
    session.flush()
    notes = [NoteOut.model_validate(one) for one in queries.notes(session, issue.id)]
    return IssueDetail(**shown(session, [issue])[0].model_dump(), notes=notes)


def list_issues(session: Session, filters: Filters, params: PageParams) -> Page[IssueOut]:
    """Newest first. Raises NotFound where the filter names no model that there is."""
    if filters.model is not None:
        find_model(session, filters.model)
    query = queries.issues(filters, database_now(session).date())
    rows, following = paginate(session, query, col(Issue.id), params)
    return Page(items=shown(session, rows), next_cursor=following)


def shown(session: Session, rows: list[Issue]) -> list[IssueOut]:
    today, names = database_now(session).date(), queries.names(session, rows)
    return [_out(row, names[row.id], today) for row in rows]


def _out(row: Issue, names: tuple[str, str | None], today: date) -> IssueOut:
    fields: dict[str, Any] = row.model_dump(include=set(IssueOut.model_fields))
    fields |= {"model": names[0], "version": names[1], "environment": row.environment or None}
    return IssueOut(**fields, overdue=row.status in rules.UNSETTLED and row.due_on < today)


def _locked(session: Session, issue_id: int) -> Issue:
    issue = session.get(Issue, issue_id, with_for_update=True)
    if issue is None:
        raise NotFound(f"there is no issue {issue_id}")
    return issue


def _require_future(due_on: date | None, today: date) -> None:
    if due_on is not None and due_on < today:
        raise _wrong("due_on", f"{due_on} is over: name a day to come")


def _wrong(path: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(path, message)])
