"""The inventory of models: one row each, as JSON page by page or as one CSV file that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from app.config import Settings
from app.db import database_now
from app.paging import MAX_LIMIT, Page, PageParams, decode_cursor, paginate
from app.register import queries, rules
from app.register.schemas import InventoryRow, Serving
from app.scorecards.service import scorecard
from app.tables import Model, Retirement, Validation, Version

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet takes a cell that begins so for a formula."""


def inventory(session: Session, params: PageParams, settings: Settings) -> Page[InventoryRow]:
    """One page, the model registered last first; retired ones too."""
    models, following = paginate(session, select(Model), col(Model.id), params)
    return Page(items=_rows(session, models, settings), next_cursor=following)


def as_csv(session: Session, settings: Settings) -> str:
    """The whole inventory."""
    rows: list[InventoryRow] = []
    before = None
    while True:
        page = inventory(session, PageParams(MAX_LIMIT, before), settings)
        rows += page.items
        if page.next_cursor is None:
            return _written(rows)
        before = decode_cursor(page.next_cursor)


def _rows(session: Session, models: Sequence[Model], settings: Settings) -> list[InventoryRow]:
    ids = [model.id for model in models]
    shared: dict[str, dict[int, Any]] = {
        "counts": queries.version_counts(session, ids),
        "newest": queries.newest_versions(session, ids),
        "serving": queries.serving(session, ids),
        "audited": queries.last_audits(session, ids),
        "approved": dict(queries.approved_on(session, ids)),
        "validated": queries.newest_validations(session, ids),
        "issues": queries.counts_of(session, ids),
        "retired": queries.retirements(session, ids),
    }
    today = database_now(session).date()
    return [
        _row(session, model, today, settings, {name: found.get(model.id) for name, found in shared.items()})
        for model in models
    ]


def _row(session: Session, model: Model, today: date, settings: Settings, known: dict[str, Any]) -> InventoryRow:
    newest: Version | None = known["newest"]
    validated: Validation | None = known["validated"]
    retired: Retirement | None = known["retired"]
    successor = session.get(Model, retired.successor_id) if retired and retired.successor_id else None
    due_on = rules.validation_due(model, known["approved"], settings)
    return InventoryRow(
        **model.model_dump(include={"owner", "purpose", "users", "risk_tier", "task", "problem_type"}),
        model=model.name,
        registered_at=model.created_at,
        versions=known["counts"] or 0,
        newest_version=newest.name if newest else None,
        serving=[Serving(version=v, environment=e, role=r) for v, e, r in known["serving"] or []],
        score=scorecard(session, model, newest).score if newest else None,
        last_audit_at=known["audited"],
        last_validated_on=validated.validated_on if validated else None,
        last_validation_outcome=validated.outcome if validated else None,
        next_validation_on=due_on,
        validation_overdue=due_on < today and retired is None,
        open_issues=known["issues"] or dict.fromkeys(rules.SEVERITIES, 0),
        retired_at=retired.retired_at if retired else None,
        retirement_reason=retired.reason if retired else None,
        successor=successor.name if successor else None,
    )


def _written(rows: Iterable[InventoryRow]) -> str:
    file = io.StringIO(newline="")
    columns = [name for name in InventoryRow.model_fields if name != "open_issues"]
    writer = csv.writer(file)
    writer.writerow([*columns, *(f"open_issues_{severity}" for severity in rules.SEVERITIES)])
    for row in rows:
        fields = row.model_dump(mode="json")
        fields["serving"] = "; ".join(f"{one.version} {one.role} in {one.environment}" for one in row.serving)
        writer.writerow(safe(value) for value in [*map(fields.get, columns), *row.open_issues.values()])
    return file.getvalue()


def safe(value: Any) -> Any:
    """A cell that is read as text: what would be a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value
