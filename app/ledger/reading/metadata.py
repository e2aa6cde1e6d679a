"""What a metadata store holds of every run: model name, parameters, training data, test data, metric results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.ledger.events import PipelineRunEvent
from app.ledger.history import History
from app.ledger.reading import within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown

SHOWN = 20
"""Incomplete runs that are listed by name."""

REMEDY = "Tell `model`, `parameters`, `data_digest`, `evaluation_digest` and `metrics` with every pipeline_run."


@dataclass(frozen=True)
class Incomplete:
    run: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Metadata:
    """Of the recent runs that succeeded: how many, and the newest of those of which something is not known."""

    judged: Judged
    runs: int
    complete: int
    incomplete: tuple[Incomplete, ...]


def read(history: History) -> Metadata:
    """Args: history: narrowed to a pipeline or a model."""
    runs = within.succeeded(within.recent_runs(history))
    found = [Incomplete(one.run, what) for one in reversed(runs) if (what := _missing(one))]
    return Metadata(_judge(history, runs, found), len(runs), len(runs) - len(found), tuple(found[:SHOWN]))


def _missing(run: PipelineRunEvent) -> tuple[str, ...]:
    told = {
        "model name": run.model,
        "parameters": run.parameters,
        "training data": run.data_digest,
        "test data": run.evaluation_digest,
        "metric results": run.metrics,
    }
    return tuple(name for name, value in told.items() if not value)


def _judge(history: History, runs: Sequence[PipelineRunEvent], found: Sequence[Incomplete]) -> Judged:
    if not runs:
        return unknown("no run that succeeded is known", "Connect what runs the pipeline, or tell of its runs.")
    newest = runs[-1]
    proof = Proof(
        f"{len(runs) - len(found)} of {len(runs)} runs have all five metadata, the newest is {newest.run}",
        newest.at,
        within.by_whom(history, newest.kind, newest.id),
    )
    if not found:
        return met(proof)
    told = f"run {found[0].run} lacks {', '.join(found[0].missing)}"
    more = f", and {len(found) - 1} more are incomplete" if len(found) > 1 else ""
    return lacking(told + more, REMEDY, proof)
