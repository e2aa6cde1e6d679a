"""All SQL of traffic and labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from app.tables import Label, Prediction, PredictionBatch

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


@dataclass(frozen=True)
class Served:
    """What a model, or one of its versions, answered in an environment from ``start`` (inclusive) to ``end``."""

    model_id: int
    environment: str
    start: datetime
    end: datetime
    version_id: int | None = None

    def holds(self) -> list[Any]:
        """Conditions on a batch."""
        batch = PredictionBatch
        found = [
            col(batch.model_id) == self.model_id,
            col(batch.environment) == self.environment,
            col(batch.first_at) < self.end,
            col(batch.last_at) >= self.start,
        ]
        return found if self.version_id is None else [*found, col(batch.version_id) == self.version_id]

    def inside(self) -> list[Any]:
        """Conditions on a prediction beside its batch's."""
        return [col(Prediction.at) >= self.start, col(Prediction.at) < self.end]


def batches_of(session: Session, served: Served) -> Sequence[PredictionBatch]:
    """Batches with predictions in the window, and perhaps others, oldest first."""
    query = select(PredictionBatch).where(*served.holds())
    return session.exec(query.order_by(col(PredictionBatch.first_at), col(PredictionBatch.id))).all()


def labels_of(session: Session, served: Served) -> dict[str, Any]:
    """The current label of every prediction in the window that has one, by prediction id."""
    query = (
        select(Label.prediction_id, Label.value)
        .join(
            Prediction,
            (col(Prediction.model_id) == Label.model_id) & (col(Prediction.prediction_id) == Label.prediction_id),
        )
        .join(PredictionBatch, col(PredictionBatch.id) == Prediction.batch_id)
        .where(col(Label.current).is_(True), *served.holds(), *served.inside())
    )
    return dict(session.exec(query).all())
