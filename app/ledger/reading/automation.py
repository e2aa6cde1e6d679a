"""How far the making of models is automated: level 0, 1 or 2, what the next one lacks, and the next step to it.

Levels as in Google's "MLOps: Continuous delivery and automation pipelines in machine learning". Level 1 is reached
when evidence meets all its clauses, level 2 when it meets those of both. Level 0 needs evidence too: runs that
people started and no orchestrator recorded, or runs that speak against a clause of level 1. Else it is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.ledger.history import History
from app.ledger.reading import chain, components, monitoring, stages, training, within
from app.ledger.reading.words import Judged, Status, lacking, met, unknown, worst

NO_RUNS = "no run is known"
TELL_RUNS = (
    "Tell of the pipeline's runs: connect MLflow, DVC or Kubeflow Pipelines, or post pipeline_run events to "
    "/api/v1/ledger/events."
)


@dataclass(frozen=True)
class Clause:
    """One thing that a level asks for."""

    name: str
    title: str
    judged: Judged


@dataclass(frozen=True)
class Automation:
    """``level``: None where nothing proves one. ``missing``: what the level above lacks, or level 1 where there is
    none. ``next``: the cheapest next step, "" at level 2.
    """

    level: int | None
    clauses: Mapping[int, tuple[Clause, ...]]
    missing: tuple[str, ...]
    next: str


def of_pipeline(history: History, name: str) -> Automation:
    return read(within.of_pipeline(history, name))


def of_model(history: History, name: str) -> Automation:
    return read(within.of_model(history, name))


def read(history: History) -> Automation:
    """Args: history: narrowed to a pipeline or a model."""
    clauses = {
        level: tuple(Clause(name, title, judge(history)) for name, title, judge in asked)
        for level, asked in LEVELS.items()
    }
    level = _level(clauses, known=bool(within.recent_runs(history)))
    open_ = [] if level == max(LEVELS) else [one for one in clauses[(level or 0) + 1] if not one.judged.holds]
    return Automation(
        level,
        clauses,
        tuple(f"{one.title}: {one.judged.missing}" for one in open_),
        _next(history, open_),
    )


def _level(clauses: Mapping[int, Sequence[Clause]], *, known: bool) -> int | None:
    if all(one.judged.holds for one in clauses[1]):
        return 2 if all(one.judged.holds for one in clauses[2]) else 1
    by_hand = all(one.judged.holds for one in clauses[0])
    contradicted = any(one.judged.status is Status.MISSING for one in clauses[1])
    return 0 if by_hand or (known and contradicted) else None


def _next(history: History, open_: Sequence[Clause]) -> str:
    """Telling what is done already is cheaper than doing something new; within either, in the clauses' order."""
    if not history.runs:
        return TELL_RUNS
    cheapest = sorted(open_, key=lambda one: one.judged.status is Status.MISSING)
    return cheapest[0].judged.remedy if cheapest else ""


def _by_hand(history: History) -> Judged:
    runs = within.recent_runs(history)
    if not runs:
        return unknown(NO_RUNS, TELL_RUNS)
    automatic = [one for one in runs if one.trigger in training.NOT_A_PERSON]
    if automatic:
        told = f"{len(automatic)} of {len(runs)} runs were started by no person"
        return lacking(told, "", training.proof(history, automatic[-1]))
    manual = [one for one in runs if one.trigger == "manual"]
    if not manual:
        return unknown("no run says what started it", "Tell the `trigger` of every run.")
    return met(training.proof(history, manual[-1]))


def _no_orchestrator(history: History) -> Judged:
    runs = within.recent_runs(history)
    if not runs:
        return unknown(NO_RUNS, TELL_RUNS)
    orchestrated = [one for one in runs if one.orchestrated]
    if orchestrated:
        proof = training.proof(history, orchestrated[-1])
        return lacking(f"{orchestrated[-1].orchestrator or 'an orchestrator'} recorded runs", "", proof)
    return met(training.proof(history, runs[-1]))


def _chain(history: History) -> Judged:
    found = chain.newest(history)
    if found is None:
        return unknown("no version is known", "Register what the pipeline makes: assay model register")
    if found.broken is None:
        return found.judged
    broken = found.broken.judged
    return Judged(broken.status, broken.proofs, f"{found.broken.title}: {broken.missing}", broken.remedy)


def _components(history: History) -> Judged:
    return worst(_named(one.title, one.judged) for one in components.read(history))


def _stages(history: History) -> Judged:
    return worst(_named(one.name, one.judged) for one in stages.read(history))


def _named(name: str, judged: Judged) -> Judged:
    return replace(judged, missing=f"{name}: {judged.missing}" if judged.missing else "")


Asked = tuple[str, str, Callable[[History], Judged]]

LEVELS: Mapping[int, tuple[Asked, ...]] = {
    0: (
        ("by_hand", "People start the runs", _by_hand),
        ("no_orchestrator", "No orchestrator runs the steps", _no_orchestrator),
    ),
    1: (
        ("automatic_trigger", "A schedule, new data or monitoring starts runs", training.automatic_trigger),
        ("new_data", "Runs that nobody starts train on new data each time", training.new_data),
        ("data_validation", "The run validates its data", training.data_validation),
        ("model_validation", "The run validates its model", training.model_validation),
        ("metadata", "Metadata are complete for every run", training.complete_metadata),
        ("same_pipeline", "The same pipeline runs in development and production", training.same_pipeline),
    ),
    2: (
        ("chain", "From the commit to what serves, no link is broken", _chain),
        ("components", "All seven components are at work", _components),
        ("stages", "All six stages leave fresh outputs, each made from the one before", _stages),
        ("monitoring_retrains", "Monitoring starts retrainings", monitoring.retrains),
    ),
}
"""Clauses from the cheapest to the dearest."""
