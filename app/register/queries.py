"""All SQL of the register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.register.rules import NOT_CLOSED, SEVERITIES, UNSETTLED
from app.tables import Deployment, Issue, IssueNote, Model, Version
from checks.contract import Scope
from checks.rubric import TESTS

OF_VERSIONS = tuple(test.id for test in TESTS if test.scope is Scope.VERSION)


def open_counts(session: Session, model_id: int, version: Version | None = None) -> dict[str, int]:
    """How many issues of the model are not closed, by severity; every severity is there.

    With a ``version``, issues of tests of a version that only later versions gave cause for are left out.
    """
    query = select(Issue.severity, func.count()).where(
        Issue.model_id == model_id, col(Issue.status).in_(NOT_CLOSED)
    )
    if version is not None:
        later = col(Issue.test_id).in_(OF_VERSIONS) & (func.coalesce(Issue.version_id, 0) > version.id)
        query = query.where(~func.coalesce(later, False))
    return dict.fromkeys(SEVERITIES, 0) | dict(session.exec(query.group_by(col(Issue.severity))).all())


def counts_of(session: Session, model_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """``open_counts`` of many models; those without an issue are left out."""
    query = (
        select(Issue.model_id, Issue.severity, func.count())
        .where(col(Issue.model_id).in_(list(model_ids)), col(Issue.status).in_(NOT_CLOSED))
        .group_by(col(Issue.model_id), col(Issue.severity))
    )
    found: dict[int, dict[str, int]] = {}
    for model_id, severity, count in session.exec(query):
        found.setdefault(model_id, dict.fromkeys(SEVERITIES, 0))[severity] = count
    return found


@dataclass(frozen=True)
class Filters:
    """Which issues; None: whatever it is. ``overdue``: on the day ``today``."""

    model: str | None = None
    status: str | None = None
    severity: str | None = None
    owner: str | None = None
    overdue: bool | None = None


def issues(filters: Filters, today: date) -> SelectOfScalar[Issue]:
    query = select(Issue)
    if filters.model is not None:
        query = query.join(Model, col(Issue.model_id) == Model.id).where(Model.name == filters.model)
    for column, value in ((Issue.severity, filters.severity), (Issue.owner, filters.owner)):
        if value is not None:
            query = query.where(column == value)
    if filters.status is not None:
        query = query.where(Issue.status == filters.status)
    if filters.overdue is not None:
        late = is_overdue(today)
        query = query.where(late if filters.overdue else ~late)
    return query


def is_overdue(today: date) -> ColumnElement[bool]:
    """Of issues somebody still has to work on: yesterday was the last day in time, or earlier."""
    return col(Issue.status).in_(UNSETTLED) & (col(Issue.due_on) < today)


def issue_about(session: Session, model_id: int, test_id: str, environment: str) -> Issue | None:
    query = select(Issue).where(
        Issue.model_id == model_id, Issue.test_id == test_id, Issue.environment == environment
    )
    return session.exec(query.with_for_update()).first()


def to_escalate(session: Session, today: date, *, lock: bool = False) -> Sequence[Issue]:
    """Overdue issues whose due date nobody was told of; those that another process tells of now are left out."""
    told = col(Issue.escalated_for).is_not(None) & (col(Issue.escalated_for) == col(Issue.due_on))
    query = select(Issue).where(is_overdue(today), ~told).order_by(col(Issue.id))
    return session.exec(query.with_for_update(skip_locked=True) if lock else query).all()


def notes(session: Session, issue_id: int) -> Sequence[IssueNote]:
    """The history, oldest first."""
    return session.exec(select(IssueNote).where(IssueNote.issue_id == issue_id).order_by(col(IssueNote.id))).all()


def names(session: Session, rows: Sequence[Issue]) -> dict[int, tuple[str, str | None]]:
    """(model, version) by issue id."""
    query = (
        select(Issue.id, Model.name, Version.name)
        .join(Model, col(Issue.model_id) == Model.id)
        .join(Version, col(Issue.version_id) == Version.id, isouter=True)
        .where(col(Issue.id).in_([row.id for row in rows]))
    )
    return {issue_id: (model, version) for issue_id, model, version in session.exec(query)}


def serves(session: Session, version_id: int) -> bool:
    query = select(Deployment.id).where(Deployment.version_id == version_id, col(Deployment.ended_at).is_(None))
    return session.exec(query.limit(1)).first() is not None
