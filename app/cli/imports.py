"""``assay ledger import mlflow|dvc|kfp|git`` and ``assay gate publish``: between other tools and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from app.cli.connections import read_names
from app.cli.ledger import tell
from app.client import Assay
from app.evidence import pipeline_runs
from app.ledger.events import Event, Trigger, body_of

import_commands = typer.Typer(
    help="Read what a tool holds, and tell the ledger; the same again changes nothing.", no_args_is_help=True
)

Pipeline = Annotated[str | None, typer.Option(help="In Assay; of which the runs are.")]
MLflowUrl = Annotated[str, typer.Option(envvar="MLFLOW_TRACKING_URI", help="The tracking server.")]
Branch = Annotated[str, typer.Option(help="The protected branch.")]
Most = Annotated[int, typer.Option(min=1, max=10_000, help="How many of the newest.")]


def _tell(events: Sequence[Event]) -> None:
    if not events:
        typer.echo("there is nothing to tell")
        return
    tell([body_of(event) for event in events])


@import_commands.command("mlflow")
def import_mlflow(
    url: MLflowUrl = "",
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="[THEIRS=]OURS", help="A registered model, and its name in Assay; by default all."),
    ] = None,
    experiment: Annotated[list[str] | None, typer.Option(help="All of its runs, too; may be repeated.")] = None,
    pipeline: Pipeline = None,
) -> None:
    """Registered models, their versions and aliases, and the runs that these came from."""
    from app.connections.importing.mlflow import Source
    from app.evidence.collecting import mlflow

    with mlflow.connect(url) as server:
        found = Source(server, read_names(model or []), experiment or [], pipeline).events()
    _tell(found)


@import_commands.command("dvc")
def import_dvc(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Where dvc.yaml and dvc.lock lie.")],
    pipeline: Annotated[str, typer.Option(help="In Assay; of which the runs are.")],
    branch: Branch = "main",
    model: Annotated[str | None, typer.Option(help="In Assay; that the pipeline trains.")] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="The training data; by default what no stage made and git does not hold."),
    ] = None,
    evaluation: Annotated[str | None, typer.Option(help="The data that the metrics are of.")] = None,
    trigger: Annotated[Trigger, typer.Option(help="What started the runs; DVC does not record it.")] = "unknown",
    most: Most = 200,
) -> None:
    """Each commit that changed dvc.lock, as a run: stages, data, parameters, metrics."""
    from app.connections.importing.dvc import Source

    _tell(Source(folder, pipeline, branch, data or [], evaluation, model, trigger, most).events())


@import_commands.command("git")
def import_git(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A checkout.")],
    repository: Annotated[str, typer.Option(help="Its name at the forge: OWNER/NAME.")],
    branch: Branch = "main",
    most: Most = 200,
) -> None:
    """The newest commits of a branch."""
    from app.connections.importing import git

    _tell(git.events(folder, repository, branch, most))


@import_commands.command("kfp")
def import_kfp(
    url: Annotated[str, typer.Option(help="Where the API server answers, before /apis.")],
    pipeline_id: Annotated[str, typer.Option(help="Kubeflow's id of the pipeline.")],
    pipeline: Annotated[str, typer.Option(help="In Assay; of which the runs are.")],
    namespace: Annotated[str, typer.Option(help="In a multi-user installation.")] = "",
    trigger: Annotated[
        pipeline_runs.Trigger, typer.Option(help="What started the runs of no recurring run.")
    ] = "unknown",
) -> None:
    """Runs and recurring runs of a pipeline. Reads KF_PIPELINES_SA_TOKEN_PATH."""
    from app.connections.importing import kfp
    from app.evidence.collecting.kfp import connect

    with connect(url) as server:
        found = kfp.events(server, pipeline_id, pipeline, namespace=namespace, trigger=trigger)
    _tell(found)


def publish(
    decision: Annotated[int, typer.Argument(help="Of the gate.")],
    mlflow: MLflowUrl,
    name: Annotated[str, typer.Option(help="Of the registered model; by default the model's in Assay.")] = "",
    number: Annotated[
        str | None, typer.Option(help="Of its version; by default the one whose tag assay.version names it.")
    ] = None,
) -> None:
    """Write a decision to MLflow: tags of the version, and the alias assay-ENVIRONMENT while it passes."""
    from app.connections import publishing
    from app.evidence.collecting.mlflow import connect

    with Assay() as assay:
        made = assay.decision(decision)
    with connect(mlflow) as server:
        version, alias = publishing.publish(server, made, name or made["model"], number)
    pointed = f", which {alias} points to" if alias else ""
    typer.echo(f"decision {decision} ({made['status']}) is on {name or made['model']} {version}{pointed}")
