"""``assay trainer`` and ``assay training``."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer

from app.cli.output import EXIT_FAIL, EXIT_PASS, EXIT_UNKNOWN, print_json, print_table
from app.client import Assay

trainer_commands = typer.Typer(help="How pipelines are asked to train anew, and when.", no_args_is_help=True)
training_commands = typer.Typer(help="Requests for new versions, and what came of them.", no_args_is_help=True)

Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE")]
Several = list[str] | None
KfpOption = Annotated[
    Several, typer.Option(help="KEY=VALUE: pipeline_version_id, experiment_id, request_parameter ...")
]
Token = Annotated[str, typer.Option(envvar="ASSAY_TRAINER_TOKEN", help="Of Kubeflow or GitHub; never shown.")]
PAUSE_SECONDS = 1.0


@trainer_commands.command("set")
def set_trainer(
    pipeline: Pipeline,
    webhook: Annotated[str, typer.Option(help="URL of a receiver; it is asked by a signed POST.")] = "",
    kfp: Annotated[str, typer.Option(help="URL of a Kubeflow Pipelines API; needs --kfp-pipeline.")] = "",
    kfp_pipeline: Annotated[str, typer.Option(help="Id of the Kubeflow pipeline.")] = "",
    kfp_option: KfpOption = None,
    parameter: Annotated[Several, typer.Option(help="NAME=VALUE of the Kubeflow pipeline; JSON, or text.")] = None,
    github: Annotated[str, typer.Option(help="OWNER/REPOSITORY; a repository_dispatch, or --workflow.")] = "",
    workflow: Annotated[str, typer.Option(help="File of the GitHub workflow, such as train.yml.")] = "",
    ref: Annotated[str, typer.Option(help="Branch or tag that the workflow runs on.")] = "main",
    api: Annotated[str, typer.Option(help="Of GitHub Enterprise: its REST API.")] = "https://api.github.com",
    token: Token = "",
    model: Annotated[Several, typer.Option(help="For this model; may be repeated. None: all it makes.")] = None,
    environment: Annotated[Several, typer.Option(help="For what serves here; may be repeated.")] = None,
    cause: Annotated[Several, typer.Option(help="degradation, distribution_change, new_data, on_demand.")] = None,
    schedule: Annotated[str, typer.Option(help="Cron expression: ask at these times, too.")] = "",
    cool_down_hours: Annotated[float, typer.Option(help="From one request to the next of a model.")] = 24,
    most_open: Annotated[int, typer.Option(help="Unanswered requests of a model.")] = 1,
    deadline_hours: Annotated[float, typer.Option(help="Within which the version is expected.")] = 24,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Note what would be asked, send nothing.")] = False,
) -> None:
    """Say how a pipeline is asked to train anew; give one of --webhook, --kfp, --github."""
    targets = {
        "webhook": webhook and {"url": webhook},
        "kfp": kfp and {"url": kfp, "pipeline_id": kfp_pipeline, **_kfp(kfp_option or [], parameter or [])},
        "github": github and {"url": api, "repository": github, "workflow": workflow or None, "ref": ref},
    }
    target = _only(targets)
    asked: dict[str, Any] = {
        "target": target,
        "models": model or [],
        "environments": environment or [],
        "schedule": schedule or None,
        "cool_down_hours": cool_down_hours,
        "most_open": most_open,
        "deadline_hours": deadline_hours,
        "dry_run": dry_run,
        **({"causes": cause} if cause else {}),
        **({"token": token} if token else {}),
    }
    made = Assay().set_trainer(pipeline, asked)
    typer.echo(f"{pipeline} is asked by {target['kind']}: {', '.join(made['causes'])}")
    if made["secret"]:
        typer.echo(f"signed with (shown this once): {made['secret']}")


def _only(targets: dict[str, Any]) -> dict[str, Any]:
    """The one that was given."""
    given = [{"kind": kind, **target} for kind, target in targets.items() if target]
    if len(given) != 1:
        raise typer.BadParameter("give one of --webhook, --kfp, --github")
    return given[0]


def _kfp(options: list[str], parameters: list[str]) -> dict[str, Any]:
    return {
        **dict(_pair(one) for one in options),
        "parameters": {name: _value(text) for name, text in map(_pair, parameters)},
    }


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{text!r}: write NAME=VALUE")
    return name, value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@trainer_commands.command("show")
def show_trainer(pipeline: Pipeline) -> None:
    """Everything but its secret, as JSON."""
    print_json(Assay().trainer(pipeline))


@trainer_commands.command("remove")
def remove_trainer(pipeline: Pipeline) -> None:
    """Ask it no more. What was sent is followed on."""
    Assay().remove_trainer(pipeline)
    typer.echo(f"{pipeline} is asked no more")


@training_commands.command("list")
def list_requests(
    pipeline: Annotated[str, typer.Option(help="Only of this pipeline.")] = "",
    model: Annotated[str, typer.Option(help="Only for this model.")] = "",
    status: Annotated[str, typer.Option(help="pending, sent, running, answered, succeeded, failed ...")] = "",
) -> None:
    """Newest first."""
    wanted = {"pipeline": pipeline, "model": model, "status": status}
    filters = {key: value for key, value in wanted.items() if value}
    rows = [
        (
            one["id"],
            one["model"],
            one["environment"],
            one["cause"],
            one["status"],
            one["run"],
            one["version"],
            one["decision_status"],
            one["created_at"],
        )
        for one in Assay().training_requests(**filters)
    ]
    headings = ("REQUEST", "MODEL", "ENVIRONMENT", "CAUSE", "STATUS", "RUN", "VERSION", "GATE", "SINCE")
    print_table("", headings, rows)


@training_commands.command("request")
def request(
    pipeline: Pipeline,
    cause: Annotated[str, typer.Option(help="on_demand, or new_data.")] = "on_demand",
    model: Annotated[str, typer.Option(help="Where the trainer is for several.")] = "",
    environment: Annotated[str, typer.Option(help="Where the trainer is for several.")] = "",
    reason: Annotated[str, typer.Option(help="Why, in a sentence.")] = "",
    data_digest: Annotated[str, typer.Option(help="Of the new data; the same data asks once.")] = "",
) -> None:
    """Ask a pipeline for a new version."""
    given = {"cause": cause, "model": model, "environment": environment, "reason": reason}
    given["data_digest"] = data_digest
    print_request(Assay().request_training(pipeline, **{key: value for key, value in given.items() if value}))


@training_commands.command("show")
def show_request(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST")],
    wait: Annotated[float, typer.Option(help="Seconds to wait for its end; then it tells by its exit code.")] = 0,
) -> int:
    """Why it was made, and what came of it. With --wait: 0 a version may go there, 1 none, 2 not known in time."""
    client, deadline = Assay(), time.monotonic() + wait
    one = client.training_request(request_id)
    while one["ended_at"] is None and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        one = client.training_request(request_id)
    print_request(one)
    if not wait or one["status"] == "succeeded":
        return EXIT_PASS
    return EXIT_UNKNOWN if one["ended_at"] is None else EXIT_FAIL


def print_request(one: dict[str, Any]) -> None:
    """Why a request was made, and what came of it so far."""
    typer.echo(f"{one['id']}: {one['pipeline']} for {one['model']} in {one['environment']}, {one['cause']}")
    for line in one["because"]:
        typer.echo(f"  because  {line}")
    typer.echo(f"  status   {one['status']}{': ' + one['reason'] if one['reason'] else ''}")
    told = (("covered by", "covered_by"), ("run", "run"), ("version", "version"), ("audit", "audit_id"))
    for label, key in (*told, ("decision", "decision_id"), ("gate", "decision_status")):
        if one[key] is not None:
            typer.echo(f"  {label:<8} {one[key]}")
