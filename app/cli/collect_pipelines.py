"""``assay evidence collect mlflow-runs|dvc|kfp``: the runs of the pipeline that made a version."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.evidence import Commit, Destination, Model, Output, Push, Version
from app.cli.output import read_moment
from app.evidence.pipeline_runs import Trigger

Pipeline = Annotated[str, typer.Option(help="Its name in the manifest.")]
Started = Annotated[Trigger, typer.Option(help="What started the runs of which the tool does not know it.")]


def collect_mlflow_runs(
    experiment: Annotated[str, typer.Option(help="Its runs with child runs are the pipeline's, a child a stage.")],
    pipeline: Pipeline,
    trigger: Started = "unknown",
    url: Annotated[str, typer.Option(envvar="MLFLOW_TRACKING_URI", help="The tracking server.")] = "",
    output: Output = None,
    push: Push = False,
    model: Model = None,
    version: Version = None,
    commit: Commit = None,
) -> None:
    """Runs of a pipeline that logs to MLflow (kind pipeline-runs)."""
    from app.evidence.collecting import mlflow

    destination = Destination(output, push, model, version, commit)
    with mlflow.connect(url) as server:
        destination.take("pipeline-runs", mlflow.pipeline_runs(server, experiment, pipeline, trigger))


def collect_dvc(
    pipeline: Pipeline,
    folder: Annotated[Path, typer.Option(help="Where dvc.yaml and dvc.lock lie.")] = Path(),
    trigger: Started = "unknown",
    finished_at: Annotated[
        str | None, typer.Option(help="When `dvc repro` ended; by default when dvc.lock last changed.")
    ] = None,
    output: Output = None,
    push: Push = False,
    model: Model = None,
    version: Version = None,
    commit: Commit = None,
) -> None:
    """The state of a DVC pipeline after `dvc repro` (kind pipeline-runs)."""
    from app.evidence.collecting import dvc

    destination = Destination(output, push, model, version, commit)
    moment = read_moment(finished_at, "--finished-at")
    ended = datetime.fromisoformat(moment) if moment else None
    destination.take("pipeline-runs", dvc.pipeline_runs(folder, pipeline, trigger, ended))


def collect_kfp(
    pipeline_id: Annotated[str, typer.Option(help="Kubeflow's id of the pipeline.")],
    pipeline: Pipeline,
    url: Annotated[str, typer.Option(help="Where the API server answers, before /apis.")],
    namespace: Annotated[str, typer.Option(help="In a multi-user installation.")] = "",
    trigger: Started = "unknown",
    output: Output = None,
    push: Push = False,
    model: Model = None,
    version: Version = None,
    commit: Commit = None,
) -> None:
    """Runs of a pipeline in Kubeflow Pipelines (kind pipeline-runs). Reads KF_PIPELINES_SA_TOKEN_PATH."""
    from app.evidence.collecting import kfp

    destination = Destination(output, push, model, version, commit)
    with kfp.connect(url) as server:
        found = kfp.pipeline_runs(server, pipeline_id, pipeline, namespace=namespace, trigger=trigger)
    destination.take("pipeline-runs", found)
