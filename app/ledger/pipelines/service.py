"""Reads a pipeline's history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.catalog import queries as catalog
from app.db import database_now
from app.ledger import facts
from app.ledger.reading import automation, within
from app.ledger.reading.automation import Automation


@dataclass(frozen=True)
class PipelineScorecard:
    """What is practised around a pipeline, as it stood at ``as_of``."""

    pipeline: str
    as_of: datetime
    automation: Automation


def scorecard(session: Session, name: str, as_of: datetime | None = None) -> PipelineScorecard:
    """Raises NotFound, naming the nearest pipeline."""
    row = catalog.find_pipeline(session, name)
    moment = as_of or database_now(session)
    history = within.of_pipeline(facts.of_pipeline(session, row, moment), name)
    return PipelineScorecard(name, moment, automation.read(history))
