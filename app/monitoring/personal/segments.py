"""Files of the prediction log without the rows that were deleted. Any process may call it, at any time, again."""

from __future__ import annotations

import hashlib
import logging

from pydantic import BaseModel, TypeAdapter

from app.catalog.inspection import checked, in_sandbox
from app.config import Settings
from app.db import Database, utcnow
from app.errors import AssayError
from app.evidence import blobs as blob_rows
from app.evidence.blobs import BlobStore
from app.monitoring.inspector import INSPECTOR, LOG_FILE
from app.monitoring.personal import queries
from app.tables import Blob, PredictionBatch

log = logging.getLogger(__name__)


class Facts(BaseModel):
    rows: int


def finish(db: Database, blobs: BlobStore, settings: Settings) -> int:
    """Write marked batches anew and delete the files that they replace. How many batches are still marked."""
    with db.read() as session:
        marked = queries.to_reduce(session)
    for batch_id in marked:
        try:
            _reduce(db, blobs, settings, batch_id)
        except AssayError as error:  # its file is gone, or nobody can look into it now: it stays marked
            log.warning("a batch could not be written anew: %s", error.detail, extra={"assay.batch.id": batch_id})
    _remove(db, blobs)
    with db.read() as session:
        return len(queries.to_reduce(session))


def _reduce(db: Database, blobs: BlobStore, settings: Settings, batch_id: int) -> None:
    with db.read() as session:
        batch, kept = session.get(PredictionBatch, batch_id), queries.ids_in(session, batch_id)
    if batch is None or not batch.reduce:
        return
    content = _without_others(blobs, settings, batch.digest, kept) if kept else None
    with db.write() as session:
        row = session.get(PredictionBatch, batch_id)
        if row is None or row.digest != batch.digest or queries.ids_in(session, batch_id) != kept:
            return  # somebody else was here; it stays marked for the next
        if content is None:
            session.delete(row)
        else:
            stored = blob_rows.Stored(hashlib.sha256(content).hexdigest(), len(content))
            blob_rows.remember(session, stored)
            blobs.put([content], expect=stored.digest)
            row.digest, row.rows, row.reduce = stored.digest, len(kept), False
            row.first_at, row.last_at = queries.span_of(session, batch_id)
        queries.doom(session, batch.digest)


def _without_others(blobs: BlobStore, settings: Settings, digest: str, kept: set[str]) -> bytes:
    """The rows with these ids. What others once uploaded is read in a limited process, as on its way in."""
    path = blobs.path(digest)
    request = {"what": "kept", "path": str(path), "ids": sorted(kept)}
    with in_sandbox(INSPECTOR, request, path.name, settings) as (answer, folder):
        checked(TypeAdapter(Facts), answer, path.name)
        return (folder / LOG_FILE).read_bytes()


def _remove(db: Database, blobs: BlobStore) -> None:
    """Delete files of doomed content, each within a transaction: nobody stores the same content meanwhile."""
    with db.read() as session:
        digests = [row.digest for row in queries.doomed(session)]
    for digest in digests:
        with db.write() as session:
            row = session.get_one(Blob, digest)
            if row.doomed and row.removed_at is None:
                blobs.remove(digest)
                row.removed_at = utcnow()
