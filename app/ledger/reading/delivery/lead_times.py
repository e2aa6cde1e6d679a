"""How long it took: from an experiment to a version that may go to production, from a commit to its users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from app.alerts.events import is_production
from app.ledger.events import PipelineRunEvent
from app.ledger.history import VersionFact
from app.ledger.reading.delivery.numbers import Span
from app.ledger.reading.delivery.practice import Practice, makers_of
from app.ledger.reading.delivery.rollouts import Rollout

NO_RUN = "no run is named that made it: version.pipeline.run in its manifest, or version in the run's event"
NEVER_TOLD = "the run that its manifest names was never told (event pipeline_run)"
NO_START = "its run was told without started_at"
LATE_START = "its run is told to have started after it was ready"
NO_COMMIT = "its manifest names no commit"
NO_REPOSITORY = "no pipeline that makes it declares a repository (pipeline.yaml)"
COMMIT_NEVER_TOLD = "its commit was never told (event commit)"
AMBIGUOUS = "its commit is abbreviated, and several commits begin so"
LATE_COMMIT = "its commit is told to be later than its deployment"


def to_ready(practice: Practice) -> tuple[Span, ...]:
    """Of each version that passed the gate for production: since its experiment began."""
    ready: dict[str, datetime] = {}
    for one in practice.decisions:
        if one.status == "pass" and is_production(one.environment):
            ready[one.version] = min(one.at, ready.get(one.version, one.at))
    makers = makers_of(practice)
    starts = _Experiments(practice.runs, makers)
    return tuple(
        _span(version, at, *starts.of(version, makers.get(version.name, [])))
        for version in practice.versions
        if (at := ready.get(version.name)) is not None
    )


def _span(version: VersionFact, ready_at: datetime, started_at: datetime | None, why: str) -> Span:
    subject = f"{version.model}@{version.name}"
    if started_at is None:
        return Span(subject, ready_at, None, why)
    if started_at > ready_at:
        return Span(subject, ready_at, None, LATE_START)
    return Span(subject, ready_at, (ready_at - started_at).total_seconds())


class _Experiments:
    """Where the work on a version began: the first run of its experiment and branch after the run that made the
    version before it.
    """

    def __init__(self, runs: Iterable[PipelineRunEvent], makers: Mapping[str, list[PipelineRunEvent]]) -> None:
        self._starts: dict[tuple[str | None, ...], set[datetime]] = defaultdict(set)
        self._made: dict[tuple[str | None, ...], set[datetime]] = defaultdict(set)
        for run in runs:
            if run.started_at is not None:
                self._starts[_experiment(run)].add(run.started_at)
        for made in makers.values():
            for run in made:
                if run.started_at is not None:
                    self._made[_experiment(run)].add(run.started_at)

    def of(self, version: VersionFact, makers: list[PipelineRunEvent]) -> tuple[datetime | None, str]:
        """When it began, or None and what is missing."""
        begun = [self._began(one, one.started_at) for one in makers if one.started_at is not None]
        if begun:
            return min(begun), ""
        if makers:
            return None, NO_START
        return None, NEVER_TOLD if version.run is not None else NO_RUN

    def _began(self, run: PipelineRunEvent, started_at: datetime) -> datetime:
        if run.experiment is None:
            return started_at
        key = _experiment(run)
        before = max((at for at in self._made[key] if at < started_at), default=None)
        return min(at for at in self._starts[key] if before is None or at > before)


def _experiment(run: PipelineRunEvent) -> tuple[str | None, ...]:
    return run.pipeline, run.experiment, run.branch


def to_production(practice: Practice, rollouts: Iterable[Rollout]) -> tuple[Span, ...]:
    """Of each version, when it reached production for the first time: since its commit."""
    versions = {one.name: one for one in practice.versions}
    return tuple(_from_commit(practice, versions[one.version], one) for one in rollouts if one.first)


def _from_commit(practice: Practice, version: VersionFact, rollout: Rollout) -> Span:
    subject, at = f"{version.model}@{version.name}", rollout.started_at
    if version.commit is None:
        return Span(subject, at, None, NO_COMMIT)
    if not practice.commits:
        return Span(subject, at, None, NO_REPOSITORY)
    meant = {name: when for one in practice.commits for name, when in one.find(version.commit).items()}
    if len(meant) != 1:
        return Span(subject, at, None, AMBIGUOUS if meant else COMMIT_NEVER_TOLD)
    committed_at = min(meant.values())
    if committed_at > at:
        return Span(subject, at, None, LATE_COMMIT)
    return Span(subject, at, (at - committed_at).total_seconds())
