"""The newest measurement of a quantity, among all that was handed in for a model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlmodel import Session

from app.evidence import queries
from app.evidence.blobs import BlobStore
from app.evidence.measurements import MeasurementsForm, parse
from app.tables import HandedInEvidence

MOST_READ = 500
"""Files of a model, those handed in last."""


@dataclass(frozen=True)
class Measured:
    """A value, when it was measured, by what, and which evidence of which version holds it."""

    name: str
    value: float
    unit: str
    at: datetime
    tool: str
    query: str
    evidence_id: int
    version_id: int
    automatic: bool


def newest_measurement(
    session: Session, blobs: BlobStore, model_id: int, name: str, as_of: datetime | None = None
) -> Measured | None:
    """The measurement ``name`` of any version of the model that was made last; None when there is none.

    Args:
        as_of: what was handed in or measured later does not exist.
    """
    rows = queries.of_model(session, model_id, "measurements", as_of, MOST_READ)
    found = [one for row in rows if (one := _measured(row, blobs.path(row.digest), name, as_of))]
    return max(found, key=lambda one: (one.at, one.evidence_id), default=None)


def _measured(row: HandedInEvidence, path: Path, name: str, as_of: datetime | None) -> Measured | None:
    form = _read(path)
    if form.name != name:
        return None
    sample = next((one for one in reversed(form.samples) if as_of is None or one.at <= as_of), None)
    if sample is None:
        return None
    return Measured(
        name=name,
        value=sample.value,
        unit=form.unit,
        at=sample.at,
        tool=form.source.tool,
        query=form.query,
        evidence_id=row.id,
        version_id=row.version_id,
        automatic=row.automatic,
    )


@lru_cache(maxsize=1024)
def _read(path: Path) -> MeasurementsForm:
    """A blob never changes, so it is read once."""
    return parse(path.read_bytes())
