"""All SQL of traffic and labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from app.tables import Prediction

AT_ONCE = 10_000
"""Values bound in one statement: SQLite takes 32,766, PostgreSQL 65,535."""


def chunks(values: Iterable[Any], size: int = AT_ONCE) -> Iterator[list[Any]]:
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def known_predictions(session: Session, model_id: int, ids: Iterable[str]) -> set[str]:
    """Which of these predictions of the model are stored."""
    found: set[str] = set()
    for chunk in chunks(ids):
        query = select(Prediction.prediction_id).where(
            Prediction.model_id == model_id, col(Prediction.prediction_id).in_(chunk)
        )
        found.update(session.exec(query))
    return found


def insert_predictions(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose key is not there; how many these were."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    table = Prediction.__table__  # type: ignore[attr-defined]
    insert: Any = sqlite.insert(table) if on_sqlite else postgresql.insert(table)
    inserted = 0
    for chunk in chunks(rows):
        inserted += session.connection().execute(insert.on_conflict_do_nothing(), chunk).rowcount
    return inserted
