"""Stores logged predictions, each once: the gateway's own and those of servers elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.access import audit_log
from app.db import Database
from app.engines.prediction_log import Row, index_of, parquet, table_of
from app.errors import Unavailable
from app.evidence import blobs as blob_rows
from app.evidence.blobs import BlobStore
from app.monitoring import queries
from app.monitoring.personal.pseudonyms import digest, key_of
from app.monitoring.personal.tombstones import Tombstones, forgotten_since, tombstones
from app.tables import Model, PredictionBatch, Version
from checks.serving import ID

TRIES = 5
"""A try fails only when somebody else stored some of the same predictions in the meantime."""


@dataclass(frozen=True)
class Destination:
    """Whose predictions they are. ``role``: stable, canary or shadow. ``source``: gateway or push."""

    model: Model
    version: Version
    environment: str
    role: str
    source: str
    actor: str


@dataclass(frozen=True)
class Stored:
    """How many rows were stored, had been stored before, and are of what was forgotten."""

    new: int
    known: int
    forgotten: int = 0


class Log(Protocol):
    """Predictions on their way in: (n,) ``ids``, ``times`` and ``persons``, and the Parquet file of some rows."""

    @property
    def ids(self) -> Sequence[str]: ...
    @property
    def times(self) -> Sequence[datetime]: ...
    @property
    def persons(self) -> Sequence[str | None]: ...

    def content(self, keep: Sequence[int] | None) -> bytes:
        """The rows at these positions (None: all) as Parquet (``app.engines.prediction_log``)."""


@dataclass(frozen=True)
class _Rows:
    """Rows in memory as a ``Log``."""

    table: Any
    ids: Sequence[str]
    times: Sequence[datetime]
    persons: Sequence[str | None]

    def content(self, keep: Sequence[int] | None) -> bytes:
        return parquet(self.table, keep)


def store_rows(db: Database, blobs: BlobStore, to: Destination, rows: Sequence[Row]) -> Stored:
    """Store predictions given as plain values; of rows with one id the first counts.

    Any thread may call it; it makes its own transactions. Loads pyarrow.
    """
    if not rows:
        return Stored(0, 0)
    types = {feature["name"]: feature["type"] for feature in to.version.manifest["features"]}
    table = table_of(rows, types, to.role)
    persons = index_of(table, person_in_log(to.version.manifest))["persons"]
    return store(db, blobs, to, _Rows(table, [row.id for row in rows], [row.at for row in rows], persons))


def person_in_log(manifest: Mapping[str, Any]) -> str | None:
    """The column of the log that names a person, which may be the id's own; None where none is declared."""
    columns = manifest["columns"]
    person: str | None = columns.get("person")
    return ID if person is not None and person == columns.get("id") else person


def store(db: Database, blobs: BlobStore, to: Destination, log: Log) -> Stored:
    """Store the predictions whose id the version does not know yet: one blob, one batch, all or nothing.

    Rows of what was forgotten are left out. Nobody is locked out meanwhile: when another stored some of the same
    predictions first, or somebody was forgotten, it is tried again without these.

    Raises:
        Unavailable: the same happened several times.
    """
    first_of_each = {one: position for position, one in reversed(list(enumerate(log.ids)))}
    key = key_of(db)
    people = [None if one is None else digest(key, one) for one in log.persons]
    for _ in range(TRIES):
        with db.read() as session:
            known = queries.known_predictions(session, to.model.id, first_of_each, to.version.id)
            barred = tombstones(session, to.model.id, key)
        absent = [position for one, position in first_of_each.items() if one not in known]
        new = sorted(i for i in absent if not barred.bar(log.ids[i], people[i], log.times[i]))
        gone = len(absent) - len(new)
        if not new:
            return Stored(0, len(log.ids) - gone, gone)
        try:
            _store_new(db, blobs, to, log, new, people, barred)
        except _Raced:
            continue
        return Stored(len(new), len(log.ids) - len(new) - gone, gone)
    raise Unavailable("Others keep storing the same predictions; push the file again.")


class _Raced(Exception):
    """Somebody stored some of these predictions, or was forgotten, since they were looked up."""


def _store_new(
    db: Database,
    blobs: BlobStore,
    to: Destination,
    log: Log,
    new: list[int],
    people: Sequence[str | None],
    barred: Tombstones,
) -> None:
    content = log.content(None if len(new) == len(log.ids) else new)
    name = hashlib.sha256(content).hexdigest()
    with db.write() as session:
        if forgotten_since(session, to.model.id, barred):
            raise _Raced
        blob_rows.remember(session, blob_rows.Stored(name, len(content)))
        batch = _batch(to, log, new, name)
        session.add(batch)
        session.flush()
        in_order = sorted(new, key=log.ids.__getitem__)  # one order for all, so that none waits in a circle
        rows = [(log.ids[i], log.times[i], people[i]) for i in in_order]
        if queries.insert_predictions(session, batch, rows) != len(rows):
            raise _Raced
        if to.source == "push":
            subject = f"{to.model.name}@{to.version.name}"
            details = {"environment": to.environment, "rows": len(new), "batch": batch.id}
            audit_log.record(session, to.actor, "predictions.stored", subject, **details)
        blobs.put([content], expect=name)


def _batch(to: Destination, log: Log, new: list[int], name: str) -> PredictionBatch:
    times = [log.times[i] for i in new]
    return PredictionBatch(
        model_id=to.model.id,
        version_id=to.version.id,
        environment=to.environment,
        role=to.role,
        source=to.source,
        digest=name,
        rows=len(new),
        first_at=min(times),
        last_at=max(times),
        actor=to.actor,
    )
