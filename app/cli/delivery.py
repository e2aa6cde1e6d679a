"""``assay deploy``, ``assay rollback`` and ``assay deployments``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from app.cli.output import print_json, print_table, split_name
from app.client import Assay, Problem
from app.gate.render import exit_code, render

deployment_commands = typer.Typer(help="Which version serves where.", no_args_is_help=True)

Environment = Annotated[str, typer.Option("--environment", "-e", help="Where.")]
Reason = Annotated[str, typer.Option(help="Why, for those who read the log.")]


class Role(StrEnum):
    STABLE = "stable"
    CANARY = "canary"
    SHADOW = "shadow"


class Outcome(StrEnum):
    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"


def deploy(
    name: Annotated[str, typer.Argument(metavar="MODEL@VERSION")],
    environment: Environment,
    role: Annotated[Role, typer.Option(help="Its part of the traffic.")] = Role.STABLE,
    decision: Annotated[int | None, typer.Option(help="The decision to consume; else the newest usable.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Ask the gate first where a decision is needed.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the gate.")] = 900,
    break_glass: Annotated[bool, typer.Option("--break-glass", help="Without decision; tells everybody.")] = False,
    reason: Reason = "deployed from the command line",
) -> int:
    """Let a version serve. Exits with 0 when it does, 1 refused, 2 when the gate waited for does not know."""
    model, version = split_name(name)
    place: dict[str, Any] = {"environment": environment, "role": role.value, "reason": reason}
    if decision is not None:
        place["decision_id"] = decision
    if break_glass:
        place["break_glass"] = True
    service = Assay()
    try:
        row = service.deploy(model, version, **place)
    except Problem as problem:
        stage = problem.body.get("stage")
        if not wait or stage is None or decision is not None:
            raise
        answer = service.evaluate(model, version, environment=environment, stage=stage, wait=timeout)
        if code := exit_code(answer):
            typer.echo(render(answer, "table"))
            return code
        row = service.deploy(model, version, **place, decision_id=answer["id"])
    _say(row)
    return 0


def roll_back(
    model: str,
    environment: Environment,
    reason: Reason = "rolled back from the command line",
    drill: Annotated[bool, typer.Option("--drill", help="Only try it: there and back.")] = False,
) -> int:
    """Put the last known good version back. A drill exits with 1 when a request or a half of it failed."""
    if drill:
        return _told(Assay().drill(model, environment=environment))
    _say(Assay().roll_back(model, environment=environment, reason=reason))
    return 0


def _told(drill: dict[str, Any]) -> int:
    there, back = drill["there_seconds"], drill["back_seconds"]
    halves = f"there in {there:.1f} s, back in {back:.1f} s" if there and back else "not done"
    typer.echo(f"drill in {drill['environment']}, {drill['back']} to {drill['there']}: {halves}")
    error = f" ({drill['error']})" if drill["error"] else ""
    typer.echo(f"{drill['requests']} requests, {drill['failed_requests']} failed{error}")
    return int(drill["failed_requests"] > 0 or there is None or back is None)


@deployment_commands.command("list")
def list_deployments(
    model: Annotated[str | None, typer.Option()] = None,
    environment: Annotated[str | None, typer.Option("--environment", "-e")] = None,
    serving: Annotated[bool, typer.Option("--serving", help="Only what serves now.")] = False,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TABLE,
) -> None:
    """Deployments, newest first."""
    asked = {"model": model, "environment": environment, "serving": "true" if serving else None}
    rows = Assay().deployments(**{key: value for key, value in asked.items() if value is not None})
    if output is Output.JSON:
        print_json(rows)
        return
    headings = ("ID", "MODEL", "VERSION", "ENVIRONMENT", "ROLE", "BY RIGHT OF", "BY", "SINCE", "ENDED")
    print_table("", headings, [_line(row) for row in rows])


@deployment_commands.command("stop")
def stop(deployment_id: int, reason: Reason = "stopped from the command line") -> None:
    """Take a version out of its environment."""
    row = Assay().stop_deployment(deployment_id, reason)
    typer.echo(f"{row['model']} {row['version']} no longer serves in {row['environment']}")


@deployment_commands.command("review")
def review(
    deployment_id: int,
    outcome: Annotated[Outcome, typer.Option(help="Whether it was right to go past the gate.")],
    note: Annotated[str, typer.Option(help="What was looked at, and what follows from it.")],
) -> None:
    """Record that somebody else has looked at a break-glass deployment."""
    row = Assay().review_deployment(deployment_id, outcome.value, note)
    found = outcome.value.replace("_", " ")
    typer.echo(f"deployment {row['id']} of {row['model']} {row['version']} by {row['actor']} is reviewed: {found}")


def _say(row: dict[str, Any]) -> None:
    right = f"decision {row['decision_id']}" if row["decision_id"] else row["kind"].replace("_", "-")
    place = f"{row['role']} in {row['environment']}"
    typer.echo(f"{row['model']} {row['version']} is {place} (deployment {row['id']}, by {right})")


def _line(row: dict[str, Any]) -> tuple[Any, ...]:
    right = f"decision {row['decision_id']}" if row["decision_id"] else row["kind"]
    ended = f"{row['ended_at']} ({row['outcome']})" if row["ended_at"] else ""
    where = (row["id"], row["model"], row["version"], row["environment"], row["role"])
    return (*where, right, row["actor"], row["started_at"], ended)
