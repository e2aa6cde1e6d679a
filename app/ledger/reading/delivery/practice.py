"""A history, model by model: what bears on a model is the same whether one is looked at or the whole fleet."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.ledger.events import ABTestEvent, CommitEvent, IncidentEvent, PipelineRunEvent, RegisteredVersionEvent
from app.ledger.history import DecisionFact, DeploymentFact, History, ModelFact, OutageFact, TurnFact, VersionFact


class Commits:
    """When each commit of a repository was made, by its full name or an abbreviation."""

    def __init__(self, events: Iterable[CommitEvent]) -> None:
        self._at: dict[str, datetime] = {}
        for one in events:
            self._at[one.commit] = min(one.at, self._at.get(one.commit, one.at))
        self._names = sorted(self._at)

    def find(self, name: str) -> dict[str, datetime]:
        """Those that ``name`` may mean, by full name."""
        found = {}
        for full in self._names[bisect_left(self._names, name) :]:
            if not full.startswith(name):
                break
            found[full] = self._at[full]
        return found


@dataclass(frozen=True)
class Practice:
    """Everything that bears on one model. ``commits``: of the repositories of its pipelines. ``watched``: whether
    something in production would have shown a failure.
    """

    model: ModelFact
    versions: tuple[VersionFact, ...]
    deployments: tuple[DeploymentFact, ...]
    decisions: tuple[DecisionFact, ...]
    turns: tuple[TurnFact, ...]
    outages: tuple[OutageFact, ...]
    incidents: tuple[IncidentEvent, ...]
    ab_tests: tuple[ABTestEvent, ...]
    registered_versions: tuple[RegisteredVersionEvent, ...]
    runs: tuple[PipelineRunEvent, ...]
    commits: tuple[Commits, ...]
    watched: bool


OF_A_MODEL = (
    "versions",
    "deployments",
    "decisions",
    "turns",
    "outages",
    "incidents",
    "ab_tests",
    "registered_versions",
)


def practices(history: History) -> list[Practice]:
    """By model, in the order of their names."""
    facts = {name: _by_model(getattr(history, name)) for name in OF_A_MODEL}
    runs, pipelines, commits = _runs(history), _pipelines(history), _commits(history)
    found = []
    for model in sorted(history.models, key=lambda one: one.name):
        own = pipelines[model.name]
        keys = [("model", model.name), *(("pipeline", name) for name in sorted(own))]
        found.append(
            Practice(
                model=model,
                runs=tuple(run for key in keys for run in runs[key]),
                commits=tuple(commits[name] for name in sorted({name for name in own.values() if name})),
                watched=model.name in history.watched,
                **{name: tuple(of[model.name]) for name, of in facts.items()},
            )
        )
    return found


def _by_model(facts: Iterable[Any]) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for one in facts:
        found[one.model].append(one)
    return found


def _runs(history: History) -> Mapping[tuple[str, str], list[PipelineRunEvent]]:
    """Of a model, or of a pipeline where no model is named."""
    found: dict[tuple[str, str], list[PipelineRunEvent]] = defaultdict(list)
    for run in history.runs:
        if run.model is not None:
            found["model", run.model].append(run)
        elif run.pipeline is not None:
            found["pipeline", run.pipeline].append(run)
    return found


def _pipelines(history: History) -> Mapping[str, dict[str, str | None]]:
    """Name -> repository of the pipelines that made a model's versions or are declared to, by model."""
    repositories = {one.name: one.form.repository if one.form else None for one in history.pipelines}
    found: dict[str, dict[str, str | None]] = defaultdict(dict)
    for version in history.versions:
        if version.pipeline is not None:
            found[version.model][version.pipeline] = repositories.get(version.pipeline)
    for pipeline in history.pipelines:
        for model in pipeline.form.models if pipeline.form else ():
            found[model][pipeline.name] = repositories[pipeline.name]
    return found


def _commits(history: History) -> Mapping[str, Commits]:
    found: dict[str, list[CommitEvent]] = defaultdict(list)
    for one in history.commits:
        found[one.repository].append(one)
    return defaultdict(lambda: Commits(()), {name: Commits(events) for name, events in found.items()})


def makers_of(practice: Practice) -> Mapping[str, list[PipelineRunEvent]]:
    """The runs that are told to have made a version, by its name: by the run, by a registry, or by its manifest."""
    by_id: dict[str, list[PipelineRunEvent]] = defaultdict(list)
    found: dict[str, list[PipelineRunEvent]] = defaultdict(list)
    for run in practice.runs:
        by_id[run.run].append(run)
        if run.version is not None:
            found[run.version].append(run)
    for one in practice.registered_versions:
        if one.version is not None and one.run is not None:
            found[one.version] += by_id[one.run]
    for version in practice.versions:
        if version.run is not None:
            found[version.name] += [run for run in by_id[version.run] if run.pipeline in {None, version.pipeline}]
    return found
