"""The six stages of a pipeline and what each leaves: there, fresh, and made from what the stage before it left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.ledger.history import History
from app.ledger.reading import outputs, within
from app.ledger.reading.outputs import Output
from app.ledger.reading.words import Judged, Status, lacking, unknown, worst

CODE_DAYS = 90.0
"""Code, packages and pipelines are fresh for so long, whatever the cadence: what works need not change."""


@dataclass(frozen=True)
class Stage:
    """``output``: what the newest one is, None where none is known. ``linked``: to the stage before it.

    ``fresh``: None where there is no output; ``limit_days``: until when one is fresh.
    """

    number: int
    name: str
    leaves: str
    output: str | None
    at: datetime | None
    fresh: bool | None
    limit_days: float
    linked: Status
    judged: Judged


def of_pipeline(history: History, name: str) -> tuple[Stage, ...]:
    return read(within.of_pipeline(history, name))


def of_model(history: History, name: str) -> tuple[Stage, ...]:
    return read(within.of_model(history, name))


def read(history: History) -> tuple[Stage, ...]:
    """All six. Args: history: narrowed to a pipeline or a model."""
    return tuple(
        _stage(history, number, name, leaves, newest(history))
        for number, (name, leaves, newest) in enumerate(STAGES, 1)
    )


def _stage(history: History, number: int, name: str, leaves: str, newest: Output | Judged) -> Stage:
    by_cadence = within.fresh_days(history)
    limit = max(CODE_DAYS, by_cadence) if number in CODE_STAGES else by_cadence
    if isinstance(newest, Judged):
        return Stage(number, name, leaves, None, None, None, limit, Status.UNKNOWN, newest)
    proof = newest.proof
    fresh = proof.at is not None and within.age_days(history, proof.at) <= limit
    present = Judged(Status.MET, (proof,)) if fresh else _stale(history, newest, limit)
    return Stage(
        number, name, leaves, proof.text, proof.at, fresh, limit, newest.link.status, worst([present, newest.link])
    )


def _stale(history: History, newest: Output, limit: float) -> Judged:
    at = newest.proof.at
    if at is None:
        return unknown(f"it is not known when there was {newest.proof.text}", newest.again, newest.proof)
    missing = (
        f"the newest is {within.age_days(history, at):.0f} days old, {limit:g} are allowed: {newest.proof.text}"
    )
    return lacking(missing, newest.again, newest.proof)


CODE_STAGES = (1, 2, 3)

STAGES: Sequence[tuple[str, str, Callable[[History], Output | Judged]]] = (
    ("Development and experimentation", "source code of the pipeline", outputs.source_code),
    ("Pipeline continuous integration", "packages and executables", outputs.packages),
    ("Pipeline continuous delivery", "a deployed pipeline", outputs.deployed_pipeline),
    ("Automated triggering", "a trained model in the model registry", outputs.trained_model),
    ("Model continuous delivery", "a deployed prediction service", outputs.prediction_service),
    ("Monitoring", "data about the model's performance on live traffic", outputs.performance),
)
