"""The newest measurements of a model: of each quantity the one made last, whatever version it came with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.db import database_now
from app.evidence import queries
from app.evidence.measurements import MeasurementsForm
from app.tables import HandedInEvidence, Measurement


@dataclass(frozen=True)
class Measured:
    """A value, when it was measured, by what, and which evidence of which version holds it.

    ``automatic``: handed in by an identity with the ci role.
    """

    name: str
    value: float
    unit: str
    at: datetime
    tool: str
    query: str
    evidence_id: int
    version_id: int
    automatic: bool


def row_of(evidence: HandedInEvidence, model_id: int, form: MeasurementsForm) -> Measurement:
    """The row by which the newest sample of a file is found again."""
    return Measurement(
        evidence_id=evidence.id,
        model_id=model_id,
        name=form.name,
        value=form.newest.value,
        unit=form.unit,
        at=form.newest.at,
        tool=form.source.tool,
        query=form.query,
    )


def newest_measurement(
    session: Session, model_id: int, name: str, as_of: datetime | None = None
) -> Measured | None:
    """The measurement ``name`` of the model that was made last; None when there is none.

    Args:
        as_of: what was handed in later does not exist.
    """
    found = queries.newest_measurement(session, model_id, name, as_of or database_now(session))
    if found is None:
        return None
    row, evidence = found
    told = row.model_dump(exclude={"model_id"})
    return Measured(**told, version_id=evidence.version_id, automatic=evidence.automatic)


def newest_measurements(session: Session, model_id: int, as_of: datetime | None = None) -> list[Measured]:
    """The same of every quantity that was measured, by name."""
    moment = as_of or database_now(session)
    found = (
        newest_measurement(session, model_id, name, moment)
        for name in queries.measured_names(session, model_id, moment)
    )
    return [one for one in found if one]
