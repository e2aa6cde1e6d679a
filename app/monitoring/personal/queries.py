"""All SQL of forgetting and of expiry."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from app.db import insert_new, rows_changed
from app.monitoring.queries import chunks
from app.tables import (
    Blob,
    Forgotten,
    HandedInEvidence,
    Label,
    Model,
    Prediction,
    PredictionBatch,
    Version,
    VersionDataset,
)


def forgotten(session: Session, model_id: int) -> Sequence[Forgotten]:
    return session.exec(select(Forgotten).where(Forgotten.model_id == model_id)).all()


def state_of_forgotten(session: Session, model_id: int) -> tuple[int, datetime | None]:
    """How many were forgotten, and when the last was: changes whenever one more is."""
    query = select(func.count(), func.max(Forgotten.at)).where(Forgotten.model_id == model_id)
    return session.exec(query).one()


def forget(session: Session, model_id: int, kind: str, digests: Collection[str], at: datetime) -> int:
    """Note what must not come back; a person who was noted before is noted until now. How many are new."""
    new = 0
    for one in sorted(digests):
        row = {"model_id": model_id, "digest": one, "kind": kind, "at": at}
        if insert_new(session, Forgotten, row):
            new += 1
        else:
            session.get_one(Forgotten, (model_id, one)).at = at
    return new


def manifests(session: Session, model_id: int) -> Sequence[Mapping[str, Any]]:
    return session.exec(select(Version.manifest).where(Version.model_id == model_id)).all()


def predictions_of(session: Session, model_id: int, person: str) -> set[str]:
    """The ids of the predictions whose person has this digest."""
    query = select(Prediction.prediction_id).where(Prediction.model_id == model_id, Prediction.person == person)
    return set(session.exec(query))


def batches_with(
    session: Session, model_id: int, ids: Collection[str]
) -> list[tuple[PredictionBatch, Version, set[str]]]:
    """Each batch that has some of these predictions, its version, and which."""
    found: dict[int, set[str]] = {}
    for chunk in chunks(sorted(ids)):
        these = Prediction.model_id == model_id, col(Prediction.prediction_id).in_(chunk)
        for batch_id, one in session.exec(select(Prediction.batch_id, Prediction.prediction_id).where(*these)):
            found.setdefault(batch_id, set()).add(one)
    query = select(PredictionBatch, Version).join(Version, col(Version.id) == PredictionBatch.version_id)
    return [
        (*session.exec(query.where(PredictionBatch.id == batch_id)).one(), there)
        for batch_id, there in sorted(found.items())
    ]


def with_rows_elsewhere(session: Session, model_id: int) -> list[str]:
    """Data sets and handed-in files of the model's versions, which are what they were registered as."""
    data = select(Version.name, VersionDataset.role).join(Version, col(Version.id) == VersionDataset.version_id)
    files = select(Version.name, HandedInEvidence.kind).join(
        Version, col(Version.id) == HandedInEvidence.version_id
    )
    found = [f"data set {role} of {name}" for name, role in session.exec(data.where(Version.model_id == model_id))]
    of_people = col(HandedInEvidence.kind).in_(("recomputed-features", "staleness-predictions"))
    kinds = session.exec(files.where(Version.model_id == model_id, of_people))
    return sorted({*found, *(f"{kind} of {name}" for name, kind in kinds)})


def delete_predictions(session: Session, model_id: int, ids: Collection[str]) -> int:
    """Delete predictions by id, of all versions; their batches are reduced. How many there were."""
    gone = 0
    for chunk in chunks(sorted(ids)):
        these = col(Prediction.model_id) == model_id, col(Prediction.prediction_id).in_(chunk)
        counts = session.exec(
            select(Prediction.batch_id, func.count()).where(*these).group_by(col(Prediction.batch_id))
        )
        for batch_id, rows in counts.all():
            _reduce(session, batch_id, rows)
        gone += rows_changed(session.execute(delete(Prediction).where(*these)))
    return gone


def _reduce(session: Session, batch_id: int, rows: int) -> None:
    changed = {"rows": col(PredictionBatch.rows) - rows, "reduce": True}
    session.execute(update(PredictionBatch).where(col(PredictionBatch.id) == batch_id).values(**changed))


def delete_labels(session: Session, model_id: int, ids: Collection[str]) -> int:
    """Every revision. How many there were."""
    return sum(
        rows_changed(
            session.execute(
                delete(Label).where(col(Label.model_id) == model_id, col(Label.prediction_id).in_(chunk))
            )
        )
        for chunk in chunks(sorted(ids))
    )


# --- files ---------------------------------------------------------------------------------------


def to_reduce(session: Session) -> Sequence[int]:
    return session.exec(select(PredictionBatch.id).where(col(PredictionBatch.reduce).is_(True))).all()


def ids_in(session: Session, batch_id: int) -> set[str]:
    return set(session.exec(select(Prediction.prediction_id).where(Prediction.batch_id == batch_id)))


def span_of(session: Session, batch_id: int) -> tuple[datetime, datetime]:
    """First and last time of a batch's predictions."""
    first = select(Prediction.at).where(Prediction.batch_id == batch_id).order_by(col(Prediction.at)).limit(1)
    last = select(Prediction.at).where(Prediction.batch_id == batch_id).order_by(col(Prediction.at).desc()).limit(1)
    return session.exec(first).one(), session.exec(last).one()


def doom(session: Session, digest: str) -> None:
    """Mark the content as to be deleted, unless another batch has the same."""
    session.flush()
    others = select(PredictionBatch.id).where(PredictionBatch.digest == digest).limit(1)
    if session.exec(others).first() is None:
        session.execute(update(Blob).where(col(Blob.digest) == digest).values(doomed=True))


def doomed(session: Session) -> Sequence[Blob]:
    """Content whose file may still be there."""
    return session.exec(select(Blob).where(col(Blob.doomed).is_(True), col(Blob.removed_at).is_(None))).all()


# --- expiry --------------------------------------------------------------------------------------


def models(session: Session) -> Sequence[Model]:
    return session.exec(select(Model).order_by(col(Model.id))).all()


def batches_before(session: Session, model_id: int, before: datetime) -> Sequence[int]:
    """Those with a prediction of before that time; one whose rows all went waits for its file only."""
    due = PredictionBatch.model_id == model_id, PredictionBatch.first_at < before, PredictionBatch.rows > 0
    query = select(PredictionBatch.id).where(*due)
    return session.exec(query.order_by(col(PredictionBatch.id))).all()


def expire(session: Session, batch_id: int, before: datetime) -> tuple[int, int]:
    """Delete a batch's predictions of before that time, and labels left without any: how many of each."""
    batch = session.get_one(PredictionBatch, batch_id)
    old = col(Prediction.batch_id) == batch_id, col(Prediction.at) < before
    ids = set(session.exec(select(Prediction.prediction_id).where(*old)))
    gone = rows_changed(session.execute(delete(Prediction).where(*old)))
    if gone:
        _reduce(session, batch_id, gone)
    return gone, delete_labels(session, batch.model_id, ids - _kept(session, batch.model_id, ids))


def _kept(session: Session, model_id: int, ids: Collection[str]) -> set[str]:
    """Those that another version, or another batch, still has."""
    found: set[str] = set()
    for chunk in chunks(sorted(ids)):
        query = select(Prediction.prediction_id)
        found.update(
            session.exec(query.where(Prediction.model_id == model_id, col(Prediction.prediction_id).in_(chunk)))
        )
    return found


def _parked(model_id: int, before: datetime) -> list[Any]:
    """Labels observed before that time whose prediction never came."""
    known = select(Prediction.prediction_id).where(
        Prediction.model_id == model_id, Prediction.prediction_id == Label.prediction_id
    )
    return [col(Label.model_id) == model_id, col(Label.observed_at) < before, ~known.exists()]


def parked_labels_before(session: Session, model_id: int, before: datetime) -> bool:
    return session.exec(select(Label.id).where(*_parked(model_id, before)).limit(1)).first() is not None


def expire_parked_labels(session: Session, model_id: int, before: datetime) -> int:
    return rows_changed(session.execute(delete(Label).where(*_parked(model_id, before))))
