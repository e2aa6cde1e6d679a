"""Kubeflow Pipelines, over its v2beta1 REST API, from the published schema: nothing of kfp is imported.

Schema: https://www.kubeflow.org/docs/components/pipelines/reference/api/kubeflow-pipeline-api-spec/

kfp's local runner keeps no record of its runs: there is nothing to collect of it, and such a run proves nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from app.errors import Invalid
from app.evidence.collecting.reading import Reader, pages
from app.evidence.documents import Source
from app.evidence.pipeline_runs import PipelineRunsForm, RunForm, StageForm, State, Trigger

API = "apis/v2beta1"
TOKEN_PATH = "KF_PIPELINES_SA_TOKEN_PATH"
PAGE = 100
MOST_SEARCHED, MOST_TOLD = 2000, 50

STATES: Mapping[str, State] = {
    "SUCCEEDED": "succeeded",
    "SKIPPED": "skipped",
    "FAILED": "failed",
    "CANCELED": "failed",
    "CANCELING": "failed",
    "PENDING": "running",
    "RUNNING": "running",
    "PAUSED": "running",
}
"""Others are unknown. A run that was cancelled did not go through."""

Run = Mapping[str, Any]


def connect(url: str) -> Reader:
    """A connection with the token in the file that ``KF_PIPELINES_SA_TOKEN_PATH`` names, if it is set."""
    path = os.environ.get(TOKEN_PATH)
    try:
        token = Path(path).read_text(encoding="utf-8").strip() if path else ""
    except OSError as error:
        raise Invalid(f"{TOKEN_PATH}: {path}: {error.strerror}") from None
    return Reader(f"{url.rstrip('/')}/{API}", {"Authorization": f"Bearer {token}"} if token else {})


def pipeline_runs(
    server: Reader, pipeline_id: str, pipeline: str, *, namespace: str = "", trigger: Trigger = "unknown"
) -> PipelineRunsForm:
    """The newest runs of a pipeline, each task a stage under its name.

    Args:
        pipeline_id: Kubeflow's id of it; ``pipeline`` is its name in the manifest.
        trigger: what started the runs that are of no recurring run. Kubeflow does not record that.
    """
    return PipelineRunsForm(
        source=Source(tool="kfp", name=pipeline_id),
        pipeline=pipeline,
        runs=[form_of(one, trigger) for one in runs(server, pipeline_id, namespace)],
    )


def runs(server: Reader, pipeline_id: str, namespace: str = "") -> Iterator[Run]:
    """The newest runs of a pipeline, with their details."""
    own = (run for run in _newest(server, namespace) if pipeline_of(run) == pipeline_id)
    return (server.get(f"runs/{run['run_id']}") for run in islice(own, MOST_TOLD))


def recurring_runs(server: Reader, pipeline_id: str, namespace: str = "") -> list[Run]:
    """What starts a pipeline by a schedule."""
    asked: dict[str, str | int] = {"page_size": PAGE} | ({"namespace": namespace} if namespace else {})

    def ask(token: str) -> Mapping[str, Any]:
        return server.get("recurringruns", **asked, **({"page_token": token} if token else {}))

    return [one for one in islice(pages(ask, "recurringRuns"), MOST_SEARCHED) if pipeline_of(one) == pipeline_id]


def _newest(server: Reader, namespace: str) -> Iterator[Run]:
    asked: dict[str, str | int] = {"page_size": PAGE, "sort_by": "created_at desc"}
    asked |= {"namespace": namespace} if namespace else {}
    found = pages(lambda token: server.get("runs", **asked, **({"page_token": token} if token else {})), "runs")
    return islice(found, MOST_SEARCHED)


def pipeline_of(run: Run) -> str | None:
    found: str | None = (run.get("pipeline_version_reference") or {}).get("pipeline_id")
    return found


def form_of(run: Run, trigger: Trigger) -> RunForm:
    state = STATES.get(run.get("state", ""), "unknown")
    finished = run.get("finished_at")
    if finished and finished.startswith("1970-"):  # what the API says of a run that goes on
        finished = None
    states: dict[str, StageForm] = {}
    for task in (run.get("run_details") or {}).get("task_details") or ():
        name = task.get("display_name") or task["task_id"]
        told = str((task.get("error") or {}).get("message", ""))[:1000]
        stage = StageForm(name=name, state=STATES.get(task.get("state", ""), "unknown"), detail=told)
        states[name] = _worse(stage, states.get(name))
    return RunForm(
        id=run["run_id"],
        trigger="schedule" if run.get("recurring_run_id") else trigger,
        orchestrated=True,
        state="unknown" if state == "succeeded" and not finished else state,
        started_at=run.get("created_at"),
        finished_at=finished,
        stages=list(states.values()),
    )


def _worse(one: StageForm, other: StageForm | None) -> StageForm:
    """Of two tasks of a name, as in a loop, the one that did not succeed."""
    return other if other is not None and other.state != "succeeded" else one
