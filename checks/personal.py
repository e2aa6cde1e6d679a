"""Evidence about personal data: what was found, whose must be gone, who may read what. No I/O happens here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.evidence import Declaration, HandedIn

MASK = "•••"
"""What stands for a value of a masked column (``Declaration.masked``)."""


def shown_id(declared: Declaration, prediction_id: Any) -> str:
    """The id of a prediction, unless its column is masked."""
    return MASK if declared.id_column in declared.masked else str(prediction_id)


@dataclass(frozen=True)
class EntityHits:
    """Cells of one column that look like one kind of personal data.

    ``candidates``: cells of its shape; ``hits``: those that pass the entity's own check as well. ``chance``: the
    share of candidates that pass it where nothing is personal (0 where the shape alone says it). ``first_row``: the
    position of the first hit in the data; the value itself is kept nowhere.
    """

    entity: str
    candidates: int
    hits: int
    chance: float
    first_row: int | None


@dataclass(frozen=True)
class ColumnScan:
    """What was found in ``looked_at`` of a column's ``filled`` cells, a seeded sample where they are fewer."""

    column: str
    filled: int
    looked_at: int
    found: tuple[EntityHits, ...] = ()


@dataclass(frozen=True)
class PersonalDataScan:
    """Text and id columns of the training data. ``entities``: all that were looked for; ``rows`` of the data."""

    rows: int
    columns: tuple[ColumnScan, ...]
    entities: tuple[str, ...]
    library: str


@dataclass(frozen=True)
class DeletedIds(HandedIn):
    """Ids of people whose data was to be deleted, as the lower-case SHA-256 of each id's text."""

    hashes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Forgotten:
    """People and predictions that were deleted of the model's log: HMAC-SHA-256 of each id under ``key``, hex."""

    key: bytes = field(repr=False)
    digests: frozenset[str]

    def has(self, one: str) -> bool:
        return hmac.new(self.key, one.encode(), hashlib.sha256).hexdigest() in self.digests


@dataclass(frozen=True)
class AccessList(HandedIn):
    """Who may read each layer of the data: "raw", and those made from it."""

    layers: Mapping[str, frozenset[str]] = field(default_factory=dict)
