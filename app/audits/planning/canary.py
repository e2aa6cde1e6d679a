"""A version's time as canary in the audit's environment, and what was stable there meanwhile; from the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, or_, select

from app.audits.attempt import CanaryFacts, RoleFacts, Span
from app.audits.planning.operation import file_of
from app.evidence.blobs import BlobStore
from app.tables import Audit, Deployment, PredictionBatch, RequestCount

DAYS = 90
GATEWAY = "gateway"


def canary_of(session: Session, audit: Audit, blobs: BlobStore, at: datetime) -> CanaryFacts | None:
    """As of ``at``, and as far back as 90 days; None when the version was no canary there."""
    since = at - timedelta(days=DAYS)
    mine = [
        Span(start=max(row.started_at, since), end=min(row.ended_at or at, at))
        for row in _stays(session, audit, "canary", since, at)
        if row.version_id == audit.version_id
    ]
    if not mine:
        return None
    others = _stays(session, audit, "stable", mine[0].start, mine[-1].end)
    beside = any(_overlap(row, span) for row in others for span in mine if row.version_id != audit.version_id)
    return CanaryFacts(
        environment=audit.environment or "",
        spans=mine,
        canary=_role(session, audit, "canary", mine, blobs),
        stable=_role(session, audit, "stable", mine, blobs) if beside else None,
    )


def _stays(session: Session, audit: Audit, role: str, start: datetime, end: datetime) -> Sequence[Deployment]:
    """Deployments of the model there in a role that overlap [start, end), oldest first."""
    query = select(Deployment).where(
        Deployment.model_id == audit.model_id,
        Deployment.environment == audit.environment,
        Deployment.role == role,
        Deployment.started_at < end,
        or_(col(Deployment.ended_at).is_(None), col(Deployment.ended_at) > start),
    )
    return session.exec(query.order_by(col(Deployment.id))).all()


def _overlap(row: Deployment, span: Span) -> bool:
    return row.started_at < span.end and (row.ended_at is None or row.ended_at > span.start)


def _role(session: Session, audit: Audit, role: str, spans: Sequence[Span], blobs: BlobStore) -> RoleFacts:
    """What the gateway recorded in the spans: of this version as canary, of any other as stable."""
    requests = errors = 0
    digests: dict[str, None] = {}
    for span in spans:
        counts = select(func.sum(RequestCount.requests), func.sum(RequestCount.errors))
        row = session.exec(counts.where(*_where(RequestCount, audit, role, span))).one()
        requests, errors = requests + (row[0] or 0), errors + (row[1] or 0)
        batches = select(PredictionBatch.digest).where(*_where(PredictionBatch, audit, role, span))
        digests |= dict.fromkeys(session.exec(batches.where(PredictionBatch.source == GATEWAY)))
    return RoleFacts(requests=requests, errors=errors, batches=[file_of(one, "parquet", blobs) for one in digests])


def _where(table: Any, audit: Audit, role: str, span: Span) -> tuple[Any, ...]:
    own = col(table.version_id) == audit.version_id
    return (
        col(table.model_id) == audit.model_id,
        col(table.environment) == audit.environment,
        col(table.role) == role,
        own if role == "canary" else ~own,
        col(table.last_at) >= span.start,
        col(table.first_at) < span.end,
    )
