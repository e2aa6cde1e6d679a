"""Registered models, their versions and runs, over the REST API of MLflow's tracking server.

https://mlflow.org/docs/latest/rest-api.html
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast, get_args

from app.connections.importing import identified
from app.errors import Invalid, nearest
from app.evidence.collecting import mlflow
from app.evidence.collecting import mlflow_registry as registry
from app.evidence.collecting.mlflow import PARENT, TRIGGER_TAG, Run
from app.evidence.collecting.mlflow_registry import Registered
from app.evidence.collecting.reading import Reader
from app.ledger.events import (
    MOST_ITEMS,
    Event,
    PipelineRunEvent,
    RegisteredVersionEvent,
    Stage,
    State,
    Trigger,
)
from app.ledger.registries import MLFLOW, VERSION_TAG

STATES: Mapping[str, State] = {
    "RUNNING": "running",
    "SCHEDULED": "queued",
    "FINISHED": "succeeded",
    "FAILED": "failed",
    "KILLED": "cancelled",
}
COMMIT_TAG, BRANCH_TAG = "mlflow.source.git.commit", "mlflow.source.git.branch"
DATA_TAGS = {"training": "assay.data_digest", "evaluation": "assay.evaluation_digest"}
"""On a run: the digest of its data, where that is known; the key is MLflow's context of a data set."""
CONTEXT_TAG = "mlflow.data.context"
REQUEST_TAG = "assay.request"
DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{32,64}")
COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
T = TypeVar("T")


@dataclass
class Source:
    """What is read of a server.

    Args:
        models: names in Assay by those of registered models; empty: all, under their own names.
        experiments: whose runs are read beside those that registered versions came from.
        pipeline: of which the runs without a parent are.

    A child run is a stage of its parent, and an event of its own only where a registered version came from it. A
    parent that tells no parameters or no training data of its own is told with those of its children.
    """

    server: Reader
    models: Mapping[str, str] = field(default_factory=dict)
    experiments: Sequence[str] = ()
    pipeline: str | None = None
    _experiment_names: dict[str, str] = field(default_factory=dict)

    def events(self) -> list[Event]:
        """Raises Invalid: no such model or experiment, or an answer that is none of MLflow's."""
        versions = [one for model in self._registered() for one in self._versions(model)]
        made = {one.run: one for one in versions if one.run}
        runs = {one["info"]["run_id"]: one for name in self.experiments for one in self._runs_of(name)}
        for run_id in made:
            if run_id not in runs:
                runs[run_id] = self.server.get("runs/get", run_id=run_id)["run"]
        children = defaultdict(list)
        for run in runs.values():
            if parent := mlflow.tags(run).get(PARENT):
                children[parent].append(run)
        found = [
            self._run(run, children[run_id], made.get(run_id))
            for run_id, run in runs.items()
            if run_id in made or PARENT not in mlflow.tags(run)
        ]
        return [*found, *versions]

    def _registered(self) -> Iterator[Registered]:
        found = {one["name"]: one for one in registry.models(self.server)}
        for name in self.models or found:
            if name not in found:
                raise Invalid(f"MLflow has no registered model {name!r}{nearest(name, found)}")
            yield found[name]

    def _versions(self, model: Registered) -> Iterator[RegisteredVersionEvent]:
        name, aliases = model["name"], registry.aliases(model)
        for version in registry.versions(self.server, name):
            number = str(version["version"])
            event = RegisteredVersionEvent(
                kind="registered_version",
                id="-",
                at=_moment(version.get("last_updated_timestamp") or version.get("creation_timestamp")),
                registry=MLFLOW,
                model=self.models.get(name, name),
                name=name,
                number=number,
                run=version.get("run_id") or None,
                version=registry.tags(version).get(VERSION_TAG) or None,
                aliases=sorted(alias for alias, named in aliases.items() if named == number),
            )
            yield identified(event, name, number)

    def _runs_of(self, experiment: str) -> Iterator[Run]:
        found = self.server.get("experiments/get-by-name", experiment_name=experiment)["experiment"]
        self._experiment_names[found["experiment_id"]] = experiment
        return mlflow.search(self.server, found["experiment_id"])

    def _experiment(self, experiment_id: str) -> str:
        if experiment_id not in self._experiment_names:
            found = self.server.get("experiments/get", experiment_id=experiment_id)["experiment"]
            self._experiment_names[experiment_id] = found["name"]
        return self._experiment_names[experiment_id]

    def _run(self, run: Run, children: Sequence[Run], made: RegisteredVersionEvent | None) -> Event:
        info, tags = run["info"], mlflow.tags(run)
        state = STATES.get(info["status"], "unknown")
        started, ended = mlflow.moment(info.get("start_time")), mlflow.moment(info.get("end_time"))
        commit = tags.get(COMMIT_TAG, "")
        event = PipelineRunEvent(
            kind="pipeline_run",
            id="-",
            at=ended or _last_metric(run) or started or _moment(None),
            run=info["run_id"],
            pipeline=None if PARENT in tags else self.pipeline,
            experiment=self._experiment(info["experiment_id"])[:250],
            tool=MLFLOW,
            state=state,
            trigger=_trigger(info["run_id"], tags),
            commit=commit if COMMIT.fullmatch(commit) else None,
            branch=tags.get(BRANCH_TAG, "").strip()[:250] or None,
            data_digest=_told_first(lambda one: _digest(one, "training"), run, children),
            evaluation_digest=_told_first(lambda one: _digest(one, "evaluation"), run, children),
            stages=_stages(children),
            parameters=_parameters(run, children),
            features=_told_first(_features, run, children) or [],
            metrics=_metrics(run),
            model=made.model if made else None,
            version=made.version if made else None,
            started_at=started,
            finished_at=ended,
            request=tags.get(REQUEST_TAG) or None,
            url=f"{self.server.url.removesuffix(mlflow.API)}#/experiments/{info['experiment_id']}/runs/{info['run_id']}",
        )
        return identified(event, info["run_id"])


def _moment(milliseconds: int | str | None) -> datetime:
    return mlflow.moment(milliseconds) or datetime.fromtimestamp(0, UTC)


def _last_metric(run: Run) -> datetime | None:
    return mlflow.moment(max((int(one.get("timestamp", 0)) for one in run["data"].get("metrics", ())), default=0))


def _trigger(run_id: str, tags: Mapping[str, str]) -> Trigger:
    by_hand = "manual" if tags.get("mlflow.source.type") == "NOTEBOOK" else "unknown"
    named = tags.get(TRIGGER_TAG, by_hand)
    named = "on_demand" if named == "event" else named  # as evidence of pipeline runs calls it
    if named not in get_args(Trigger):
        choices = ", ".join(get_args(Trigger))
        hint = nearest(named, get_args(Trigger))
        raise Invalid(
            f"the MLflow run {run_id} has the tag {TRIGGER_TAG} {named!r}, which is none of {choices}{hint}"
        )
    return cast(Trigger, named)


def _stages(children: Sequence[Run]) -> list[Stage]:
    """Child runs by name, the newest of a name; children come newest first."""
    states = {
        (one["info"].get("run_name") or one["info"]["run_id"])[:250]: STATES.get(one["info"]["status"], "unknown")
        for one in reversed(children)
    }
    return [Stage(name=name, state=state) for name, state in list(states.items())[:MOST_ITEMS]]


def _told_first(tell: Callable[[Run], T], run: Run, children: Sequence[Run]) -> T | None:
    """What the run itself tells, else the newest of its children that tells any."""
    return next((found for one in (run, *children) if (found := tell(one))), None)


def _parameters(run: Run, children: Sequence[Run]) -> dict[str, Any]:
    """Its own; where it has none, those of all its children, the newest of a name."""
    found = mlflow.parameters(run)
    for child in () if found else reversed(children):
        found |= mlflow.parameters(child)
    return dict(list(found.items())[:MOST_ITEMS])


def _metrics(run: Run) -> dict[str, float]:
    found = ((one["key"], float(one.get("value", "nan"))) for one in run["data"].get("metrics", ()))
    return {key: value for key, value in list(found)[:MOST_ITEMS] if math.isfinite(value)}


def _datasets(run: Run, context: str) -> Iterator[Mapping[str, Any]]:
    """Those that the run read in a context; what says none was trained on."""
    for one in (run.get("inputs") or {}).get("dataset_inputs") or ():
        tags = {tag["key"]: tag.get("value", "") for tag in one.get("tags") or ()}
        if tags.get(CONTEXT_TAG, "training") in {context, {"evaluation": "eval", "training": "train"}[context]}:
            yield one["dataset"]


def _digest(run: Run, context: str) -> str | None:
    """As the run's tag says, else of its data sets. MLflow's own digests are too short to compare with others: what
    stands for them is the md5 of names and digests, which tells the same data from other data.
    """
    if named := mlflow.tags(run).get(DATA_TAGS[context]):
        return named
    parts = sorted((one.get("name", ""), one.get("digest", "")) for one in _datasets(run, context))
    if len(parts) == 1 and DIGEST.fullmatch(str(parts[0][1])):
        return str(parts[0][1])
    return hashlib.md5(json.dumps(parts).encode(), usedforsecurity=False).hexdigest() if parts else None


def _features(run: Run) -> list[str]:
    """The columns of the data that was trained on, its target among them where MLflow does not tell it apart."""
    names: dict[str, None] = {}
    for one in _datasets(run, "training"):
        try:
            columns = json.loads(one.get("schema") or "{}").get("mlflow_colspec") or ()
            names |= {str(column["name"])[:250]: None for column in columns if column.get("name")}
        except (ValueError, AttributeError, TypeError):
            continue
    return list(names)[:5000]
