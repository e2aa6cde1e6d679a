"""MLflow, over the REST API of its tracking server: nothing of MLflow is imported.

API: https://mlflow.org/docs/latest/rest-api.html
"""

from __future__ import annotations

import ast
import base64
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal, cast, get_args

from app.errors import Invalid, nearest
from app.evidence.collecting.reading import Reader, pages
from app.evidence.documents import Source
from app.evidence.pipeline_runs import PipelineRunsForm, RunForm, StageForm, State, Trigger
from app.evidence.trials import ParameterForm, TrialForm, TrialsForm

API = "api/2.0/mlflow"
PARENT = "mlflow.parentRunId"
TRIGGER_TAG = "assay.trigger"
PAGE = 1000
MOST_SEARCHED = 5000
"""Runs of an experiment that are read for those of a pipeline."""
MOST_TOLD = 50

Run = Mapping[str, Any]


def connect(url: str) -> Reader:
    """A connection with the credentials that MLflow's own client reads from the environment."""
    return Reader(f"{url.rstrip('/')}/{API}", _authorization())


def _authorization() -> dict[str, str]:
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    user, password = (os.environ.get(f"MLFLOW_TRACKING_{part}", "") for part in ("USERNAME", "PASSWORD"))
    if user or password:
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
    return {}


def trials(
    server: Reader,
    parent: str,
    metric: str,
    direction: Literal["maximize", "minimize"],
    *,
    registered: str | None = None,
    ranges: Sequence[ParameterForm] = (),
) -> TrialsForm:
    """The child runs of ``parent`` as trials.

    Args:
        metric: the one that was searched by, under its name in MLflow.
        registered: NAME@ALIAS or NAME/VERSION of the model registry: the parameters of its run were chosen.
        ranges: what the caller knows of the ranges; MLflow does not record them.

    Raises:
        Invalid: there is no such run or registered version, or the run has no children.
    """
    run = server.get("runs/get", run_id=parent)["run"]
    children = list(search(server, run["info"]["experiment_id"], f"tags.`{PARENT}` = '{quoted(parent)}'"))
    if not children:
        raise Invalid(f"the MLflow run {parent} has no child runs: log each trial as a nested run of it")
    return TrialsForm(
        source=Source(tool="mlflow", name=run["info"].get("run_name") or parent),
        metric=metric,
        direction=direction,
        parameters=list(ranges),
        trials=[_trial(one, metric) for one in children],
        chosen=parameters(_registered_run(server, registered)) if registered else None,
    )


def search(server: Reader, experiment: str, condition: str = "") -> Iterator[Run]:
    """The runs of an experiment, newest first."""
    asked = {"experiment_ids": [experiment], "max_results": PAGE, "order_by": ["attributes.start_time DESC"]}
    asked |= {"filter": condition} if condition else {}
    return pages(lambda token: server.post("runs/search", asked | ({"page_token": token} if token else {})), "runs")


def quoted(text: str) -> str:
    if "'" in text or "\\" in text:
        raise Invalid(f"{text!r} is no id of an MLflow run")
    return text


def _registered_run(server: Reader, registered: str) -> Run:
    """The run that a registered version came from."""
    name, at, alias = registered.rpartition("@")
    if at:
        found = server.get("registered-models/alias", name=name, alias=alias)
    else:
        name, slash, version = registered.rpartition("/")
        if not slash:
            raise Invalid(f"{registered!r}: write NAME@ALIAS or NAME/VERSION")
        found = server.get("model-versions/get", name=name, version=version)
    if not (run_id := found["model_version"].get("run_id")):
        raise Invalid(f"MLflow does not know the run that {registered} came from")
    run: Run = server.get("runs/get", run_id=run_id)["run"]
    return run


def _trial(run: Run, metric: str) -> TrialForm:
    value = next((one.get("value") for one in run["data"].get("metrics", ()) if one["key"] == metric), None)
    number = float("nan") if value is None else float(value)
    state: Literal["complete", "failed", "running"] = "failed"
    if run["info"]["status"] == "FINISHED" and math.isfinite(number):
        state = "complete"
    elif run["info"]["status"] in {"RUNNING", "SCHEDULED"}:
        state = "running"
    return TrialForm(
        id=run["info"]["run_id"],
        state=state,
        value=number if math.isfinite(number) else None,
        parameters=parameters(run),
    )


def parameters(run: Run) -> dict[str, Any]:
    return {one["key"]: _literal(one.get("value", "")) for one in run["data"].get("params", ())}


def _literal(text: str) -> Any:
    """What a text stood for before MLflow, which keeps parameters as text: 200, 0.1, True, None, [64, 32]."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    if isinstance(value, tuple | list) and all(map(_scalar, value)):
        return list(value)
    return value if _scalar(value) else text


def _scalar(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str)


def pipeline_runs(server: Reader, experiment: str, pipeline: str, trigger: Trigger = "unknown") -> PipelineRunsForm:
    """The newest runs of an experiment that have child runs, each child a stage under its name.

    Args:
        trigger: what started those that do not say so by the tag ``assay.trigger`` and ran in no notebook.

    Raises:
        Invalid: there is no such experiment, or a tag names no trigger.
    """
    found = server.get("experiments/get-by-name", experiment_name=experiment)["experiment"]["experiment_id"]
    runs = list(islice(search(server, found), MOST_SEARCHED))
    stages: dict[str, list[Run]] = {}
    for run in reversed(runs):  # the oldest first, so that of two stages of a name the newest counts
        if parent := tags(run).get(PARENT):
            stages.setdefault(parent, []).append(run)
    whole = [run for run in runs if run["info"]["run_id"] in stages and PARENT not in tags(run)]
    return PipelineRunsForm(
        source=Source(tool="mlflow", name=experiment),
        pipeline=pipeline,
        runs=[_pipeline_run(one, stages[one["info"]["run_id"]], trigger) for one in whole[:MOST_TOLD]],
    )


def tags(run: Run) -> dict[str, str]:
    return {one["key"]: one.get("value", "") for one in run["data"].get("tags", ())}


def _pipeline_run(run: Run, children: Sequence[Run], trigger: Trigger) -> RunForm:
    info, own = run["info"], tags(run)
    by_hand = "manual" if own.get("mlflow.source.type") == "NOTEBOOK" else trigger
    named = own.get(TRIGGER_TAG, by_hand)
    if named not in get_args(Trigger):
        raise Invalid(f"the MLflow run {info['run_id']} has the tag {TRIGGER_TAG} {named!r}{_hint(named)}")
    states = {child["info"].get("run_name") or child["info"]["run_id"]: _state(child) for child in children}
    return RunForm(
        id=info["run_id"],
        trigger=cast(Trigger, named),
        orchestrated=False,
        state=_state(run),
        started_at=moment(info.get("start_time")),
        finished_at=moment(info.get("end_time")),
        stages=[StageForm(name=name, state=state) for name, state in states.items()],
    )


def _hint(named: str) -> str:
    choices = get_args(Trigger)
    return f", which is none of {', '.join(choices)}{nearest(named, choices)}"


def _state(run: Run) -> State:
    states: dict[str, State] = {"FINISHED": "succeeded", "RUNNING": "running", "SCHEDULED": "running"}
    return states.get(run["info"]["status"], "failed")


def moment(milliseconds: int | str | None) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds else None
