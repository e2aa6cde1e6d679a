"""What was forgotten does not come back, by whatever way rows arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from app.monitoring.personal import queries
from app.monitoring.personal.pseudonyms import digest


@dataclass(frozen=True)
class Tombstones:
    """Of one model. ``persons``: until when somebody's predictions were deleted, by digest."""

    key: bytes = b""
    predictions: frozenset[str] = frozenset()
    persons: Mapping[str, datetime] = field(default_factory=dict)
    state: tuple[int, datetime | None] = (0, None)

    def bar(self, prediction_id: str, person: str | None = None, at: datetime | None = None) -> bool:
        """Whether a prediction must not be stored. ``person`` is a digest; who came back later is welcome."""
        until = self.persons.get(person) if person else None
        if until is not None and at is not None and at <= until:
            return True
        return bool(self.predictions) and digest(self.key, prediction_id) in self.predictions


def tombstones(session: Session, model_id: int, key: bytes) -> Tombstones:
    rows = queries.forgotten(session, model_id)
    return Tombstones(
        key,
        frozenset(row.digest for row in rows if row.kind == "prediction"),
        {row.digest: row.at for row in rows if row.kind == "person"},
        (len(rows), max((row.at for row in rows), default=None)),
    )


def forgotten_since(session: Session, model_id: int, known: Tombstones) -> bool:
    """Whether somebody was forgotten since these were read, in a session that writes: then nobody is meanwhile."""
    return queries.state_of_forgotten(session, model_id) != known.state
