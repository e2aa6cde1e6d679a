"""``/pipelines`` and ``/pipelines/{name}``: all pipelines, and the practice around one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from app.catalog import queries as catalog
from app.db import utcnow
from app.ledger import facts
from app.ledger import service as ledger
from app.ledger.experiments.service import compare
from app.ledger.history import History
from app.ledger.pipelines import service
from app.ledger.pipelines.service import PipelineScorecard
from app.ledger.reading import automation, lights, within
from app.ledger.reading.experiments import Experiments
from app.ledger.reading.lights import Light
from app.ledger.rows import JudgedRow
from app.paging import PageParams, paginate
from app.schedules.queries import models_named
from app.tables import Pipeline


@dataclass(frozen=True)
class PipelineLine:
    """``versions``: how many it made; ``level``: of automation, None where nothing proves one."""

    name: str
    owner: str | None
    repository: str | None
    versions: int
    level: int | None
    lights: Sequence[Light]


@dataclass(frozen=True)
class PipelinesView:
    rows: Sequence[PipelineLine]
    next_cursor: str | None


@dataclass(frozen=True)
class PipelineView:
    """``experiments``: None where no metric is declared to compare them by. ``practice``: the rows of the models
    that it makes.
    """

    card: PipelineScorecard
    experiments: Experiments | None
    practice: Mapping[str, Sequence[JudgedRow]]


def pipelines(session: Session, params: PageParams) -> PipelinesView:
    rows, following = paginate(session, select(Pipeline), col(Pipeline.id), params)
    counts = catalog.version_counts(session, [row.id for row in rows])
    history = facts.of_pipelines(session, rows, utcnow())
    return PipelinesView([_line(row, counts.get(row.id, 0), history) for row in rows], following)


def _line(row: Pipeline, versions: int, history: History) -> PipelineLine:
    own = within.of_pipeline(history, row.name)
    return PipelineLine(row.name, row.owner, row.repository, versions, automation.read(own).level, lights.read(own))


def pipeline(session: Session, name: str, as_of: datetime | None) -> PipelineView:
    """Raises NotFound, naming the nearest."""
    card = service.scorecard(session, name, as_of)
    declared = card.declared
    return PipelineView(
        card=card,
        experiments=compare(session, name, None) if declared and declared.experiment else None,
        practice=ledger.rows_of(session, models_named(session, card.models), card.as_of),
    )
