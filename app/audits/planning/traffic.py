"""What a version answered in an environment within an audit's window, and what turned out to be true."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from app.audits.attempt import File, Traffic
from app.config import Settings
from app.errors import NotFound
from app.evidence.blobs import BlobStore
from app.monitoring import queries
from app.monitoring.queries import Served
from app.tables import Audit

LABELS_FILE = "labels.parquet"


def traffic_of(
    session: Session, audit: Audit, blobs: BlobStore, settings: Settings, folder: Path
) -> Traffic | None:
    """The traffic that the audit looks at, whatever role it had; None when the audit names no environment.

    Labels are written into ``folder``.
    """
    if audit.environment is None:
        return None
    start, end = window_of(audit, settings)
    served = Served(audit.model_id, audit.environment, start, end, audit.version_id)
    return traffic_files(session, served, queries.labels_of(session, served), blobs, folder / LABELS_FILE)


def traffic_files(
    session: Session, served: Served, labels: dict[str, object], blobs: BlobStore, labels_file: Path
) -> Traffic:
    """What was served, and these labels of it, which are written into ``labels_file``."""
    batches = queries.batches_of(session, served)
    return Traffic(
        environment=served.environment,
        start=served.start,
        end=served.end,
        batches=[_batch_file(digest, blobs) for digest in dict.fromkeys(batch.digest for batch in batches)],
        labels=_labels_file(labels, labels_file) if labels else None,
    )


def window_of(audit: Audit, settings: Settings) -> tuple[datetime, datetime]:
    """[start, end) as the audit names it; by default the last ``window_days`` before it was queued."""
    end = audit.window_end or audit.created_at
    return audit.window_start or end - timedelta(days=settings.window_days), end


def _batch_file(digest: str, blobs: BlobStore) -> File:
    try:
        return File(path=str(blobs.path(digest)), format="parquet", digest=digest)
    except NotFound as error:
        return File(path=None, format="parquet", digest=digest, problem=error.detail)


def _labels_file(labels: dict[str, object], path: Path) -> File:
    from app.engines.prediction_log import write_labels

    return File(path=str(path), format="parquet", digest=write_labels(labels, path))
