"""``assay predictions``, ``assay labels``, ``assay traffic``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import print_table, read_moment, split_name
from app.client import Assay
from app.errors import Invalid

predictions_commands = typer.Typer(help="Logs of what a model answered.", no_args_is_help=True)
labels_commands = typer.Typer(help="What turned out to be true.", no_args_is_help=True)
traffic_commands = typer.Typer(help="What was served, and how much of it has a label.", no_args_is_help=True)

Column = Annotated[str, typer.Option(help="Where the file calls it otherwise than the manifest.")]


@predictions_commands.command("push")
def push_predictions(
    files: Annotated[list[Path], typer.Argument(help="Parquet, CSV, Arrow or JSON lines.")],
    model: Annotated[str, typer.Option(metavar="MODEL@VERSION")],
    environment: Annotated[str, typer.Option(help="Where it was answered.")],
    role: Annotated[str, typer.Option(help="stable, canary or shadow.")] = "stable",
    id_column: Column = "",
    time_column: Column = "",
    prediction_column: Column = "",
    probability_column: Column = "",
    latency_column: Column = "",
) -> None:
    """Store logs of a server elsewhere. What was stored before is left out."""
    name, version = split_name(model)
    columns = {
        "id": id_column,
        "time": time_column,
        "prediction": prediction_column,
        "probability": probability_column,
        "latency": latency_column,
    }
    client = Assay()
    for path in _existing(files):
        answer = client.push_predictions(name, version, path, environment=environment, role=role, columns=columns)
        left_out = f", {answer['forgotten']} left out: forgotten" if answer["forgotten"] else ""
        typer.echo(f"{path}: {answer['new']} stored, {answer['known']} known before{left_out}")


Model = Annotated[str, typer.Option(metavar="MODEL")]
Person = Annotated[str | None, typer.Option(help="As the log's column of persons (columns.person) names them.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit log, so without the id.")]


@predictions_commands.command("show")
def show_predictions(
    prediction: Annotated[str | None, typer.Argument(metavar="[ID]", help="Of a prediction.")] = None,
    *,
    model: Model,
    person: Person = None,
    reason: Annotated[str, typer.Option(help="Shows values as they are. Needs rows:read; is recorded.")] = "",
) -> None:
    """Logged predictions as JSON; without --reason values of personal and sensitive columns are masked."""
    if (person is None) == (prediction is None):
        raise Invalid("give the id of a prediction, or --person")
    if reason:
        found = Assay().disclose(model, reason=reason, person=person, prediction=prediction)
    elif prediction is None:
        raise Invalid("--person needs --reason, and a token with the scope rows:read")
    else:
        found = Assay().prediction(model, prediction)
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))


@predictions_commands.command("forget")
def forget(
    *,
    model: Model,
    reason: Reason,
    person: Person = None,
    prediction: Annotated[str | None, typer.Option(help="One prediction, by its id.")] = None,
) -> None:
    """Delete what is logged of a person, labels too, for good. Needs the scope rows:forget."""
    if (person is None) == (prediction is None):
        raise Invalid("give --person, or --prediction")
    gone = Assay().forget(model, reason=reason, person=person, prediction=prediction)
    typer.echo(f"{gone['predictions']} predictions and {gone['labels']} labels deleted ({gone['digest'][:12]})")
    if gone["files_pending"]:
        typer.echo(f"{gone['files_pending']} files are not written anew yet; the scheduler goes on with it")
    if gone["not_reached"]:
        typer.echo(f"not reached: {'; '.join(gone['not_reached'])}")


@labels_commands.command("push")
def push_labels(
    files: Annotated[list[Path], typer.Argument(help="Parquet, CSV, Arrow or JSON lines.")],
    model: Annotated[str, typer.Option(metavar="MODEL")],
    id_column: Column = "",
    label_column: Column = "",
    observed_column: Column = "",
) -> None:
    """Tell labels by prediction id: late, in bulk, before their predictions, or to correct earlier ones."""
    client = Assay()
    for path in _existing(files):
        columns = {"id": id_column, "label": label_column, "observed": observed_column}
        answer = client.push_label_file(model, path, columns)
        typer.echo(f"{path}: {', '.join(f'{count} {what}' for what, count in answer.items())}")


@traffic_commands.command("show")
def show(
    model: Annotated[str, typer.Argument()],
    environment: Annotated[str, typer.Option()],
    version: Annotated[str, typer.Option(help="Only this version's.")] = "",
    since: Annotated[str | None, typer.Option(help="ISO 8601; by default 30 days ago.")] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601; by default now.")] = None,
) -> None:
    """What was served by day, version and role, and how much of it has a label."""
    given = {
        "version": version,
        "since": read_moment(since, "--since"),
        "until": read_moment(until, "--until"),
    }
    found = Assay().traffic(model, environment, **{key: value for key, value in given.items() if value})
    rows = [
        (one["day"], one["version"], one["role"], one["rows"], one["labelled"], f"{one['coverage']:.1%}")
        for one in found["days"]
    ]
    print_table("", ("DAY", "VERSION", "ROLE", "ROWS", "LABELLED", "COVERAGE"), rows)


def _existing(files: list[Path]) -> list[Path]:
    for path in files:
        if not path.is_file():
            raise Invalid(f"{path}: there is no such file")
    return files
