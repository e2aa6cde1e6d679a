"""Reads the experiments of a stored pipeline."""

from __future__ import annotations

from sqlmodel import Session

from app.catalog.queries import find_pipeline
from app.db import database_now
from app.ledger import facts
from app.ledger.history import History, PipelineFact
from app.ledger.reading.experiments import Difference, Experiments, difference, experiments


def compare(session: Session, pipeline: str, evaluation: str | None) -> Experiments:
    """Raises NotFound (no such pipeline) and what ``experiments`` raises."""
    history, fact = _history(session, pipeline)
    return experiments(history, fact, evaluation)


def differ(session: Session, pipeline: str, one: str, other: str) -> Difference:
    """Raises NotFound (no such pipeline) and what ``difference`` raises."""
    history, fact = _history(session, pipeline)
    return difference(history, fact, one, other)


def _history(session: Session, pipeline: str) -> tuple[History, PipelineFact]:
    history = facts.of_pipeline(session, find_pipeline(session, pipeline), database_now(session), ("runs",))
    return history, history.pipelines[0]
