"""``/pipelines`` and ``/pipelines/{name}``: all pipelines, and the practice around one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from app.catalog import queries as catalog
from app.ledger.pipelines import service
from app.ledger.pipelines.service import PipelineScorecard
from app.paging import PageParams, paginate
from app.tables import Pipeline


@dataclass(frozen=True)
class PipelinesView:
    """``versions``: how many each made, by id."""

    rows: Sequence[Pipeline]
    versions: Mapping[int, int]
    next_cursor: str | None


@dataclass(frozen=True)
class PipelineView:
    card: PipelineScorecard


def pipelines(session: Session, params: PageParams) -> PipelinesView:
    rows, following = paginate(session, select(Pipeline), col(Pipeline.id), params)
    return PipelinesView(rows, catalog.version_counts(session, [row.id for row in rows]), following)


def pipeline(session: Session, name: str, as_of: datetime | None) -> PipelineView:
    """Raises NotFound, naming the nearest."""
    return PipelineView(service.scorecard(session, name, as_of))
