"""All SQL of the register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.register.rules import NOT_CLOSED, SEVERITIES, UNSETTLED
from app.tables import Audit, Deployment, Issue, IssueNote, Model, Retirement, Validation, Version
from checks.contract import Scope
from checks.rubric import TESTS

OF_VERSIONS = tuple(test.id for test in TESTS if test.scope is Scope.VERSION)

# What every decision asks is written once: putting it together takes longer than running it.
_LATER = col(Issue.test_id).in_(OF_VERSIONS) & (func.coalesce(Issue.version_id, 0) > bindparam("version_id"))
_OPEN_COUNTS = (
    select(Issue.severity, func.count())
    .where(Issue.model_id == bindparam("model_id"), col(Issue.status).in_(NOT_CLOSED))
    .group_by(col(Issue.severity))
)
_OPEN_COUNTS_OF_VERSION = _OPEN_COUNTS.where(~func.coalesce(_LATER, False))
_RETIREMENTS = select(Retirement).where(
    col(Retirement.model_id).in_(bindparam("model_ids", expanding=True)), col(Retirement.undone_at).is_(None)
)


def open_counts(session: Session, model_id: int, version: Version | None = None) -> dict[str, int]:
    """How many issues of the model are not closed, by severity; every severity is there.

    With a ``version``, issues of tests of a version that only later versions gave cause for are left out.
    """
    asked = {"model_id": model_id} | ({"version_id": version.id} if version else {})
    found = session.exec(_OPEN_COUNTS_OF_VERSION if version else _OPEN_COUNTS, params=asked)
    return dict.fromkeys(SEVERITIES, 0) | dict(found.all())


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
    query = select(Issue).where(is_overdue(today), ~told, ~is_retired(Issue.model_id)).order_by(col(Issue.id))
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


# --- validations ------------------------------------------------------------------------------------

DUE = "validation-due"
"""What gave cause for an issue about an overdue validation: "validation-due/2026-06-30"."""
APPROVALS = ("approved", "approved_with_conditions")


def validations(model_id: int) -> SelectOfScalar[Validation]:
    return select(Validation).where(Validation.model_id == model_id)


def unsettled_validation_issues(session: Session, model_id: int) -> Sequence[Issue]:
    query = select(Issue).where(
        Issue.model_id == model_id, Issue.source == "validation", col(Issue.status).in_(UNSETTLED)
    )
    return session.exec(query.order_by(col(Issue.id)).with_for_update()).all()


def approved_on(session: Session, model_ids: Sequence[int] | None = None) -> Sequence[tuple[int, date]]:
    """When each model was approved last; None: all models."""
    query = select(Validation.model_id, func.max(Validation.validated_on)).where(
        col(Validation.outcome).in_(APPROVALS)
    )
    if model_ids is not None:
        query = query.where(col(Validation.model_id).in_(model_ids))
    return session.exec(query.group_by(col(Validation.model_id))).all()


def last_approved(session: Session) -> list[tuple[Model, date | None]]:
    """Every model in use, and when it was approved last."""
    approved = dict(approved_on(session))
    models = session.exec(select(Model).where(~is_retired(Model.id)).order_by(col(Model.id)))
    return [(model, approved.get(model.id)) for model in models]


def validations_told(session: Session) -> set[tuple[int, str]]:
    """(model id, cause) of all issues about overdue validations."""
    query = select(Issue.model_id, Issue.failure).where(col(Issue.failure).startswith(DUE + "/"))
    return {(model_id, str(cause)) for model_id, cause in session.exec(query)}


def newest_validations(session: Session, model_ids: Sequence[int]) -> dict[int, Validation]:
    """By model id: the one of the newest day, and of these the one recorded last."""
    query = select(Validation).where(col(Validation.model_id).in_(model_ids))
    rows = session.exec(query.order_by(col(Validation.validated_on), col(Validation.id)))
    return {row.model_id: row for row in rows}


# --- retirement -------------------------------------------------------------------------------------


def is_retired(model_id: Any) -> ColumnElement[bool]:
    """Whether the model of that column is."""
    query = select(Retirement.id).where(Retirement.model_id == model_id, col(Retirement.undone_at).is_(None))
    return query.exists()


def retirement_of(session: Session, model_id: int) -> Retirement | None:
    """The one that holds."""
    return retirements(session, [model_id]).get(model_id)


def retired_at(session: Session, model_id: int) -> datetime | None:
    """Since when the model is not used any more."""
    retirement = retirement_of(session, model_id)
    return retirement.retired_at if retirement else None


def retirements(session: Session, model_ids: Sequence[int]) -> dict[int, Retirement]:
    """Those that hold, by model id."""
    found = session.exec(_RETIREMENTS, params={"model_ids": list(model_ids)})
    return {row.model_id: row for row in found}


def places_of(session: Session, model_id: int) -> list[str]:
    """Where the model serves: "1.1.0 is stable in production"."""
    served = serving(session, [model_id]).get(model_id, [])
    return [f"{version} is {role} in {environment}" for version, environment, role in served]


def serving(session: Session, model_ids: Sequence[int]) -> dict[int, list[tuple[str, str, str]]]:
    """(version, environment, role) of what serves, by model id."""
    query = (
        select(Deployment.model_id, Version.name, Deployment.environment, Deployment.role)
        .join(Version, col(Deployment.version_id) == Version.id)
        .where(col(Deployment.model_id).in_(model_ids), col(Deployment.ended_at).is_(None))
        .order_by(col(Deployment.environment), col(Deployment.id))
    )
    found: dict[int, list[tuple[str, str, str]]] = {}
    for model_id, *place in session.exec(query):
        found.setdefault(model_id, []).append((place[0], place[1], place[2]))
    return found


# --- the inventory ----------------------------------------------------------------------------------


def version_counts(session: Session, model_ids: Sequence[int]) -> dict[int, int]:
    query = select(Version.model_id, func.count()).where(col(Version.model_id).in_(model_ids))
    return dict(session.exec(query.group_by(col(Version.model_id))).all())


def newest_versions(session: Session, model_ids: Sequence[int]) -> dict[int, Version]:
    newest = (
        select(func.max(Version.id)).where(col(Version.model_id).in_(model_ids)).group_by(col(Version.model_id))
    )
    return {row.model_id: row for row in session.exec(select(Version).where(col(Version.id).in_(newest)))}


def last_audits(session: Session, model_ids: Sequence[int]) -> dict[int, datetime | None]:
    """When the newest audit that succeeded ended, by model id."""
    query = select(Audit.model_id, func.max(Audit.finished_at)).where(
        Audit.status == "succeeded", col(Audit.model_id).in_(model_ids)
    )
    return dict(session.exec(query.group_by(col(Audit.model_id))).all())
