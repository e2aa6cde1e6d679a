"""The register's pages."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from app.config import Settings
from app.paging import PageParams
from app.register import queries, service, validations
from app.register.queries import Filters
from app.register.schemas import IssueDetail, IssueOut, ValidationState
from app.tables import Model, Retirement


@dataclass(frozen=True)
class IssuesView:
    issues: list[IssueOut]
    next_cursor: str | None
    filters: Filters


@dataclass(frozen=True)
class RegisterView:
    """What a model's page shows: issues that are not closed by severity, validation, retirement."""

    counts: dict[str, int]
    validation: ValidationState
    retirement: Retirement | None


def issues(session: Session, filters: Filters, params: PageParams) -> IssuesView:
    """Raises NotFound where the filter names no model that there is."""
    page = service.list_issues(session, filters, params)
    return IssuesView(page.items, page.next_cursor, filters)


def issue(session: Session, issue_id: int) -> IssueDetail:
    """Raises NotFound."""
    return service.show(session, issue_id)


def of_model(session: Session, model: Model, settings: Settings) -> RegisterView:
    return RegisterView(
        queries.open_counts(session, model.id),
        validations.state(session, model, settings),
        queries.retirement_of(session, model.id),
    )
