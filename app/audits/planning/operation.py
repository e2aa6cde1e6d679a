"""How a model is operated: rollback drills, and how fast versions answered; from the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from app.audits.attempt import DrillFact, File, HandedInFile, Operated, Operation
from app.errors import NotFound
from app.evidence import queries as evidence
from app.evidence.blobs import BlobStore
from app.evidence.service import cap_of
from app.tables import Audit, Deployment, PredictionBatch, RollbackDrill, Version

DRILL_DAYS = 180
TREND_DAYS = 14
RUNS = "training-run"


def operation_of(session: Session, audit: Audit, blobs: BlobStore, start: datetime, end: datetime) -> Operation:
    """What is known of the model in the audit's environment up to ``end``; [start, end) is the audit's window."""
    version = session.get_one(Version, audit.version_id)
    previous = _previous(session, version, audit.environment, end)
    since = min(start, end - timedelta(days=TREND_DAYS))
    return Operation(
        drills=_drills(session, audit, end),
        window_start=start,
        window_end=end,
        current=_operated(session, version, audit.environment, (start, end), blobs),
        previous=_operated(session, previous, audit.environment, (since, end), blobs) if previous else None,
        all_batches=_batches(session, audit.model_id, None, audit.environment, (since, end), blobs),
    )


def _drills(session: Session, audit: Audit, end: datetime) -> list[DrillFact]:
    query = select(RollbackDrill).where(
        RollbackDrill.model_id == audit.model_id,
        col(RollbackDrill.ended_at).is_not(None),
        col(RollbackDrill.started_at) <= end,
        col(RollbackDrill.started_at) > end - timedelta(days=DRILL_DAYS),
    )
    return [
        DrillFact(
            started_at=row.started_at,
            environment=row.environment,
            there=session.get_one(Version, row.to_version_id).name,
            back=session.get_one(Version, row.from_version_id).name,
            there_seconds=row.there_seconds,
            back_seconds=row.back_seconds,
            requests=row.requests,
            failed_requests=row.failed_requests,
            error=row.error,
            automatic=row.automatic,
        )
        for row in session.exec(query.order_by(col(RollbackDrill.id).desc()))
    ]


def _previous(session: Session, version: Version, environment: str | None, end: datetime) -> Version | None:
    """The version that served stable traffic there before this one."""
    query = (
        select(Version)
        .join(Deployment, col(Deployment.version_id) == Version.id)
        .where(
            Deployment.model_id == version.model_id,
            Deployment.environment == environment,
            Deployment.role == "stable",
            col(Deployment.started_at) < end,
            col(Version.id) != version.id,
        )
    )
    return session.exec(query.order_by(col(Deployment.id).desc()).limit(1)).first()


def _operated(
    session: Session, version: Version, environment: str | None, span: tuple[datetime, datetime], blobs: BlobStore
) -> Operated:
    runs = [row for row in evidence.evidence_of(session, version.id) if row.kind == RUNS]
    return Operated(
        version=version.name,
        batches=_batches(session, version.model_id, version.id, environment, span, blobs),
        training_runs=[
            HandedInFile(**file_of(row.digest, "json", blobs).model_dump(), cap=cap_of(row, version))
            for row in runs
        ],
    )


def _batches(
    session: Session,
    model_id: int,
    version_id: int | None,
    environment: str | None,
    span: tuple[datetime, datetime],
    blobs: BlobStore,
) -> list[File]:
    query: Any = select(PredictionBatch.digest).where(
        PredictionBatch.model_id == model_id,
        PredictionBatch.environment == environment,
        col(PredictionBatch.last_at) >= span[0],
        col(PredictionBatch.first_at) < span[1],
    )
    if version_id is not None:
        query = query.where(PredictionBatch.version_id == version_id)
    digests = session.exec(query.order_by(col(PredictionBatch.id))).all()
    return [file_of(digest, "parquet", blobs) for digest in dict.fromkeys(digests)]


def file_of(digest: str, form: str, blobs: BlobStore) -> File:
    try:
        return File(path=str(blobs.path(digest)), format=form, digest=digest)
    except NotFound as error:
        return File(path=None, format=form, digest=digest, problem=error.detail)
