"""Rows of the prediction log: masked for whoever may read, as they are by a scope of its own, with a trace."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.catalog.declaration import declaration_of
from app.catalog.inspection import checked, in_sandbox
from app.catalog.manifest import Manifest
from app.catalog.organisation import organisation_policy
from app.catalog.queries import find_model
from app.config import Settings
from app.db import Database
from app.evidence.blobs import BlobStore
from app.monitoring.inspector import INSPECTOR, ROWS_FILE
from app.monitoring.personal import queries
from app.monitoring.personal.forgetting import Whom, ids_of, require_reason
from app.monitoring.personal.pseudonyms import digest, key_in
from app.monitoring.personal.schemas import RowOut, RowsOut
from app.monitoring.personal.segments import Facts
from app.tables import Model, PredictionBatch
from checks.personal import MASK
from checks.serving import ID

MOST_ROWS = 1_000


def masked(db: Database, blobs: BlobStore, settings: Settings, model_name: str, prediction: str) -> RowsOut:
    """Every version's answer under this id, without values of declared columns. Raises NotFound: no such model."""
    with db.read() as session:
        model = find_model(session, model_name)
        hidden = _hidden(session, model)
    return _read(db, blobs, settings, model, {prediction}, hidden)


def disclosed(
    db: Database, blobs: BlobStore, settings: Settings, identity: Identity, model_name: str, whom: Whom, reason: str
) -> RowsOut:
    """The rows as they are. Who asked, of whom (a digest) and why is in the audit log before they are read.

    Raises:
        Invalid: no version says which column names a person; or the reason names them.
        NotFound: there is no such model.
    """
    with db.write() as session:
        model = find_model(session, model_name)
        require_reason(whom, reason)
        ids = ids_of(session, model, whom)
        told = {"kind": whom.kind, "digest": digest(key_in(session), whom.id), "reason": reason}
        audit_log.record(session, identity.name, "rows.disclosed", model.name, predictions=len(ids), **told)
    return _read(db, blobs, settings, model, ids, frozenset())


def _hidden(session: Session, model: Model) -> frozenset[str]:
    """Columns that any version of the model declares, or the organisation does."""
    policy = organisation_policy(session)
    found: set[str] = set()
    for manifest in queries.manifests(session, model.id):
        declared = declaration_of(Manifest.model_validate(manifest), None, policy)
        found |= declared.masked | ({ID} if declared.id_column in declared.masked else set())
    return frozenset(found)


def _read(
    db: Database, blobs: BlobStore, settings: Settings, model: Model, ids: Collection[str], hidden: Collection[str]
) -> RowsOut:
    with db.read() as session:
        batches = queries.batches_with(session, model.id, ids)
    rows = [
        RowOut(version=version.name, environment=batch.environment, role=batch.role, values=_shown(values, hidden))
        for batch, version, there in batches
        for values in _rows(blobs, settings, batch, there)
    ]
    return RowsOut(model=model.name, masked=sorted(hidden), rows=rows[:MOST_ROWS])


def _rows(
    blobs: BlobStore, settings: Settings, batch: PredictionBatch, ids: Collection[str]
) -> list[dict[str, Any]]:
    path = blobs.path(batch.digest)
    request = {"what": "shown", "path": str(path), "ids": sorted(ids)}
    with in_sandbox(INSPECTOR, request, path.name, settings) as (answer, folder):
        checked(TypeAdapter(Facts), answer, path.name)
        rows: list[dict[str, Any]] = json.loads((folder / ROWS_FILE).read_text())
        return rows


def _shown(values: dict[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    return {name: MASK if name in hidden and value is not None else value for name, value in values.items()}
