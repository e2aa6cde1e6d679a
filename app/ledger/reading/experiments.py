"""Experiments, compared by the one metric that their pipeline declares, on the same evaluation data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.catalog.pipelines import ExperimentPart
from app.errors import Conflict, FieldError, Invalid, NotFound, nearest
from app.ledger.events import PipelineRunEvent
from app.ledger.history import History, PipelineFact
from app.ledger.reading.within import by_whom, started
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown

NO_BRANCH = "(no branch)"
DECLARE = "experiment: {metric: roc_auc, direction: maximize}"
AT_LEAST = 2
"""Branches that are compared."""


@dataclass(frozen=True)
class Candidate:
    """A run that can be compared; ``value`` is that of the declared metric."""

    run: str
    branch: str
    value: float
    at: datetime
    url: str


@dataclass(frozen=True)
class Branch:
    """``beside``: other branches on which there were experiments at the same time. ``best``: None where no run can
    be compared.
    """

    name: str
    runs: int
    running: int
    first_at: datetime
    last_at: datetime
    best: Candidate | None
    beside: tuple[str, ...]


@dataclass(frozen=True)
class SetAside:
    """A run that cannot be compared, and why not."""

    run: str
    branch: str
    why: str


@dataclass(frozen=True)
class Experiments:
    """Of one pipeline. ``evaluation_digest``: of the data on which those that are compared were measured, None
    where there are none. ``best``: of all branches.
    """

    pipeline: str
    metric: str
    direction: str
    evaluation_digest: str | None
    best: Candidate | None
    branches: tuple[Branch, ...]
    set_aside: tuple[SetAside, ...]


@dataclass(frozen=True)
class Change:
    """``one`` and ``other`` are None where a run has no such thing."""

    name: str
    one: Any
    other: Any


@dataclass(frozen=True)
class Difference:
    """From ``one`` to ``other``: what was added, removed and changed. ``better``: by the declared metric, None
    where they are equal.
    """

    pipeline: str
    metric: str
    direction: str
    evaluation_digest: str
    one: Candidate
    other: Candidate
    better: str | None
    features_added: tuple[str, ...]
    features_removed: tuple[str, ...]
    parameters: tuple[Change, ...]
    metrics: tuple[Change, ...]


def experiments(history: History, pipeline: PipelineFact, evaluation: str | None = None) -> Experiments:
    """The best run of each branch.

    Args:
        evaluation: compare what was measured on this data; by default that of the newest run that tells it.

    Raises:
        Invalid: no metric is declared.
    """
    declared, runs = declared_of(pipeline), runs_of(history, pipeline)
    digest = evaluation or _newest_evaluation(runs, declared.metric)
    judged = [(one, unlike(one, declared.metric, digest)) for one in runs]
    aside = tuple(SetAside(one.run, _branch(one), why) for one, why in judged if why)
    compared = [_candidate(one, declared.metric) for one, why in judged if not why]
    return Experiments(
        pipeline=pipeline.name,
        metric=declared.metric,
        direction=declared.direction,
        evaluation_digest=digest,
        best=_best(compared, declared),
        branches=tuple(_branches(runs, compared, declared)),
        set_aside=aside,
    )


def difference(history: History, pipeline: PipelineFact, one: str, other: str) -> Difference:
    """What is different between two runs.

    Raises:
        Invalid: no metric is declared.
        NotFound: there is no such run; with the nearest.
        Conflict: they cannot be compared, with all reasons.
    """
    declared, runs = declared_of(pipeline), runs_of(history, pipeline)
    old, new = _find(runs, one), _find(runs, other)
    reasons = [f"{run.run}: {why}" for run in (old, new) if (why := unlike(run, declared.metric, None))]
    if not reasons and old.evaluation_digest != new.evaluation_digest:
        told = f"{old.run} on {old.evaluation_digest}, {new.run} on {new.evaluation_digest}"
        reasons = [f"they were measured on different evaluation data: {told}"]
    if reasons:
        raise Conflict(f"{one} and {other} cannot be compared: {'; '.join(reasons)}.")
    before, after = _candidate(old, declared.metric), _candidate(new, declared.metric)
    best = _best([before, after], declared)
    return Difference(
        pipeline=pipeline.name,
        metric=declared.metric,
        direction=declared.direction,
        evaluation_digest=old.evaluation_digest or "",
        one=before,
        other=after,
        better=best.run if best and before.value != after.value else None,
        features_added=tuple(sorted(set(new.features) - set(old.features))),
        features_removed=tuple(sorted(set(old.features) - set(new.features))),
        parameters=_changes(old.parameters, new.parameters),
        metrics=_changes(old.metrics, new.metrics),
    )


def declared_of(pipeline: PipelineFact) -> ExperimentPart:
    """The metric by which a pipeline's experiments are compared. Raises Invalid where none is declared."""
    if pipeline.form is None or pipeline.form.experiment is None:
        message = f"{pipeline.name} declares no metric to compare experiments by: add `{DECLARE}` to pipeline.yaml"
        raise Invalid(message, [FieldError("experiment", message)])
    return pipeline.form.experiment


def runs_of(history: History, pipeline: PipelineFact) -> list[PipelineRunEvent]:
    """The pipeline's runs, and experiments outside of it for the models that it makes; the oldest first."""
    models = set(pipeline.form.models) if pipeline.form else set()
    found = [
        one
        for one in history.runs
        if one.pipeline == pipeline.name or (one.pipeline is None and one.model in models)
    ]
    return sorted(found, key=lambda one: (started(one), one.run, one.id))


def unlike(run: PipelineRunEvent, metric: str, evaluation: str | None) -> str:
    """Why a run cannot be compared by ``metric`` on ``evaluation`` (None: on any data), "" where it can."""
    if run.state != "succeeded":
        return f"it has not succeeded: {run.state}"
    if metric not in run.metrics:
        return f"it tells no {metric}{nearest(metric, run.metrics)}"
    if run.evaluation_digest is None:
        return "it does not tell on which evaluation data it was measured (evaluation_digest)"
    if evaluation is not None and run.evaluation_digest != evaluation:
        return f"it was measured on other evaluation data ({run.evaluation_digest})"
    return ""


def _newest_evaluation(runs: Sequence[PipelineRunEvent], metric: str) -> str | None:
    return next((one.evaluation_digest for one in reversed(runs) if not unlike(one, metric, None)), None)


def _branch(run: PipelineRunEvent) -> str:
    return run.branch or NO_BRANCH


def _candidate(run: PipelineRunEvent, metric: str) -> Candidate:
    return Candidate(run.run, _branch(run), run.metrics[metric], run.finished_at or run.at, run.url)


def _best(compared: Iterable[Candidate], declared: ExperimentPart) -> Candidate | None:
    """Of equals the one that was there first."""
    sign = -1 if declared.direction == "maximize" else 1
    return min(compared, key=lambda one: (sign * one.value, one.at, one.run), default=None)


def _branches(
    runs: Sequence[PipelineRunEvent], compared: Sequence[Candidate], declared: ExperimentPart
) -> Iterable[Branch]:
    groups: dict[str, list[PipelineRunEvent]] = defaultdict(list)
    for run in runs:
        groups[_branch(run)].append(run)
    spans = {
        name: (min(started(one) for one in group), max(one.finished_at or one.at for one in group))
        for name, group in groups.items()
    }
    for name in sorted(groups):
        first, last = spans[name]
        yield Branch(
            name=name,
            runs=len(groups[name]),
            running=sum(one.state in {"queued", "running"} for one in groups[name]),
            first_at=first,
            last_at=last,
            best=_best([one for one in compared if one.branch == name], declared),
            beside=tuple(o for o in sorted(groups) if o != name and spans[o][0] <= last and first <= spans[o][1]),
        )


def _find(runs: Sequence[PipelineRunEvent], name: str) -> PipelineRunEvent:
    """The newest run of that name."""
    for run in reversed(runs):
        if run.run == name:
            return run
    raise NotFound(f"no run {name!r} is known{nearest(name, [one.run for one in runs])}")


def _changes(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Change, ...]:
    names = sorted(one.keys() | other.keys())
    return tuple(Change(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name))


# --- rows 27 and 28 of the ledger -----------------------------------------------------------------


def in_parallel(history: History) -> Judged:
    """Row 27: experiments on several branches are compared by one declared metric on the same evaluation data."""
    pipelines = [one for one in history.pipelines if runs_of(history, one)]
    if not pipelines:
        return unknown("no experiment is known", "Tell of runs with their branch, metrics and evaluation_digest.")
    declared = [one for one in pipelines if one.form and one.form.experiment]
    if not declared:
        names = ", ".join(one.name for one in pipelines)
        return lacking(
            f"{names}: no metric is declared to compare experiments by", f"Add `{DECLARE}` to pipeline.yaml."
        )
    return max((_parallel(history, experiments(history, one)) for one in declared), key=lambda one: one.holds)


def _parallel(history: History, found: Experiments) -> Judged:
    tellers = {one.run: by_whom(history, one.kind, one.id) for one in history.runs}
    compared = [one.best for one in found.branches if one.best]
    path = f"/api/v1/pipelines/{found.pipeline}/experiments"
    proofs = [
        Proof(f"{one.branch}: {found.metric} {one.value:g} (run {one.run})", one.at, tellers[one.run], path)
        for one in compared
    ]
    if len(compared) >= AT_LEAST:
        return met(*proofs)
    where = f"on {compared[0].branch} only" if compared else "on no branch"
    missing = f"{found.pipeline}: experiments that can be compared by {found.metric} are known {where}"
    remedy = "Tell branch, evaluation_digest and the metric with every run; assay experiments list says what lacks."
    make = lacking if compared else unknown
    return make(missing, remedy, *proofs)


def recorded(history: History) -> Judged:
    """Row 28: of every experiment features and hyperparameters are known, so that two can be told apart."""
    runs = [run for one in history.pipelines for run in runs_of(history, one) if run.state == "succeeded"]
    if not runs:
        return unknown("no run that succeeded is known", "Tell of runs with their features and parameters.")
    poor = [one for one in runs if not (one.features and one.parameters)]
    newest = runs[-1]
    proof = Proof(
        f"{len(runs) - len(poor)} of {len(runs)} runs tell features and parameters",
        newest.at,
        by_whom(history, newest.kind, newest.id),
    )
    if not poor:
        return met(proof)
    missing = f"{len(poor)} of {len(runs)} runs lack features or parameters, such as {poor[-1].run}"
    return lacking(missing, "Tell `features` and `parameters` with every pipeline_run.", proof)
