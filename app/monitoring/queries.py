"""All SQL of traffic and labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Select, func, text
from sqlalchemy import select as select_columns
from sqlalchemy.dialects import sqlite
from sqlmodel import Session, col, select

from app.tables import Label, Prediction, PredictionBatch, Version

AT_ONCE = 10_000
"""Values bound in one statement: SQLite takes 32,766, PostgreSQL 65,535."""


def chunks(values: Iterable[Any], size: int = AT_ONCE) -> Iterator[list[Any]]:
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def known_predictions(
    session: Session, model_id: int, ids: Iterable[str], version_id: int | None = None
) -> set[str]:
    """Which of these predictions of the model, or of one of its versions, are stored."""
    found: set[str] = set()
    for chunk in chunks(ids):
        query = select(Prediction.prediction_id).where(
            Prediction.model_id == model_id, col(Prediction.prediction_id).in_(chunk)
        )
        if version_id is not None:
            query = query.where(Prediction.version_id == version_id)
        found.update(session.exec(query))
    return found


def insert_predictions(
    session: Session, batch: PredictionBatch, rows: Sequence[tuple[str, datetime, str | None]]
) -> int:
    """Insert the predictions (id, time, person) of a batch that are not there; how many these were."""
    if session.get_bind().dialect.name == "sqlite":
        table = Prediction.__table__  # type: ignore[attr-defined]
        of = {"model_id": batch.model_id, "version_id": batch.version_id, "batch_id": batch.id}
        given = [{**of, "prediction_id": one, "at": at, "person": person} for one, at, person in rows]
        session.connection().execute(sqlite.insert(table).on_conflict_do_nothing(), given)
    else:
        ids, times, persons = map(list, zip(*rows, strict=True))
        of = {"model": batch.model_id, "version": batch.version_id, "batch": batch.id}
        given_at_once = of | {"ids": ids, "times": times, "persons": persons}
        session.connection().execute(_INSERT_ON_POSTGRESQL, given_at_once)
    query = select(func.count()).select_from(Prediction).where(Prediction.batch_id == batch.id)
    return session.exec(query).one()


_INSERT_ON_POSTGRESQL = text(
    "INSERT INTO prediction (model_id, prediction_id, version_id, batch_id, at, person) "
    "SELECT :model, given.id, :version, :batch, given.at, given.person "
    "FROM unnest(CAST(:ids AS text[]), CAST(:times AS timestamptz[]), CAST(:persons AS text[])) "
    "AS given(id, at, person) ON CONFLICT DO NOTHING"
)
"""Ten times as fast as a statement a row."""


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


def newest_traffic(session: Session, model_id: int, before: datetime | None = None) -> dict[str, datetime]:
    """When the model's last prediction (before that time, by whole batches) was made, by environment."""
    newest = func.max(PredictionBatch.last_at)
    query = select(PredictionBatch.environment, newest).where(PredictionBatch.model_id == model_id)
    if before is not None:
        query = query.where(col(PredictionBatch.last_at) < before)
    return dict(session.exec(query.group_by(PredictionBatch.environment)).all())


def labels_of(session: Session, served: Served) -> dict[str, Any]:
    """The current label of every prediction in the window that has one, by prediction id."""
    query = _labelled(select_columns(col(Label.prediction_id), col(Label.value)), served)
    return dict(session.execute(query).all())


def _labelled(columns: Select[Any], served: Served) -> Select[Any]:
    """These columns of labels that are current, of their predictions and batches."""
    return (
        columns.join(
            Prediction,
            (col(Prediction.model_id) == Label.model_id) & (col(Prediction.prediction_id) == Label.prediction_id),
        )
        .join(PredictionBatch, col(PredictionBatch.id) == Prediction.batch_id)
        .where(col(Label.current).is_(True), *served.holds(), *served.inside())
    )


def newest_labels_of(session: Session, served: Served, most: int) -> list[tuple[str, Any, datetime]]:
    """(prediction id, current label, time of the prediction) of the newest predictions that have one."""
    newest = _labelled(select_columns(col(Label.prediction_id), col(Label.value), col(Prediction.at)), served)
    order = col(Prediction.at).desc(), col(Prediction.prediction_id)
    return [tuple(row) for row in session.execute(newest.order_by(*order).limit(most))]


def versions_served(session: Session, served: Served, most: int) -> Sequence[Version]:
    """The newest versions that answered in the window, newest first."""
    answered = select(PredictionBatch.version_id).where(*served.holds())
    query = select(Version).where(col(Version.id).in_(answered))
    return session.exec(query.order_by(col(Version.id).desc()).limit(most)).all()


def revisions_of(session: Session, model_id: int, ids: Iterable[str]) -> list[Label]:
    """All revisions of the labels of these predictions, by prediction and revision."""
    found: list[Label] = []
    for chunk in chunks(sorted(ids)):
        query = select(Label).where(Label.model_id == model_id, col(Label.prediction_id).in_(chunk))
        found += session.exec(query.order_by(col(Label.prediction_id), col(Label.revision)))
    return found


def traffic_by_day(session: Session, served: Served) -> list[tuple[str, str, str, int, int]]:
    """(day as ISO date in UTC, version, role, rows, labelled rows), newest day first."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    at: Any = col(Prediction.at)
    day = func.strftime("%Y-%m-%d", at) if on_sqlite else func.to_char(func.timezone("UTC", at), "YYYY-MM-DD")
    query = (
        select_columns(day, col(Version.name), col(PredictionBatch.role), func.count(), func.count(col(Label.id)))
        .select_from(PredictionBatch)
        .join(Prediction, col(Prediction.batch_id) == PredictionBatch.id)
        .join(Version, col(Version.id) == PredictionBatch.version_id)
        .outerjoin(
            Label,
            (col(Label.model_id) == Prediction.model_id)
            & (col(Label.prediction_id) == Prediction.prediction_id)
            & col(Label.current).is_(True),
        )
        .where(*served.holds(), *served.inside())
        .group_by(text("1"), col(Version.name), col(PredictionBatch.role))
        .order_by(text("1 DESC"), col(Version.name), col(PredictionBatch.role))
    )
    return [tuple(row) for row in session.execute(query)]
