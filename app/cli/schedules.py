"""``assay schedule``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.output import print_table
from app.client import Assay

schedule_commands = typer.Typer(help="Audits that nobody has to ask for.", no_args_is_help=True)

Model = Annotated[str, typer.Argument(metavar="MODEL")]
Environment = Annotated[str, typer.Option(help="Where it serves; without it the newest version is meant.")]


@schedule_commands.command("list")
def list_schedules(model: Annotated[str, typer.Option(help="Only this model's.")] = "") -> None:
    """Every schedule: what became of its last slot, what was missed, when the next one is due."""
    rows = [
        (
            s["model"],
            s["environment"] or "(newest version)",
            s["cron"],
            "on" if s["enabled"] else "paused",
            _last(s),
            f"{s['missed']} in 30 days" if s["missed"] else "",
            s["next_slot"],
        )
        for s in Assay().schedules(model)
    ]
    print_table("", ("MODEL", "ENVIRONMENT", "CRON (UTC)", "STATE", "LAST SLOT", "MISSED", "NEXT SLOT"), rows)


def _last(schedule: dict[str, Any]) -> str:
    if schedule["overdue"]:
        return f"OVERDUE since {schedule['overdue']}: does a worker run?"
    return f"{schedule['last_slot']} {schedule['last_outcome']}" if schedule["last_slot"] else ""


@schedule_commands.command("set")
def set_schedule(
    model: Model,
    cron: Annotated[str, typer.Option(help='Five fields in UTC, such as "0 6 * * *".')],
    environment: Environment = "",
    catch_up: Annotated[str, typer.Option(help="Missed slots: latest, all or none of them.")] = "latest",
) -> None:
    """Audit a model on a cron expression from now on."""
    asked = {"model": model, "environment": environment or None, "cron": cron, "catch_up": catch_up}
    made = Assay().put_schedule(asked)
    typer.echo(f"{_name(made)}: {made['cron']}, next {made['next_slot'] or 'never while paused'}")


@schedule_commands.command("pause")
def pause(model: Model, environment: Environment = "") -> None:
    """Queue nothing until it is resumed."""
    client = Assay()
    paused = client.change_schedule(_id(client, model, environment), "pause")
    typer.echo(f"{_name(paused)}: paused")


@schedule_commands.command("resume")
def resume(model: Model, environment: Environment = "") -> None:
    """Follow it again; slots of the pause were not missed."""
    client = Assay()
    resumed = client.change_schedule(_id(client, model, environment), "resume")
    typer.echo(f"{_name(resumed)}: next {resumed['next_slot']}")


@schedule_commands.command("run")
def run(model: Model, environment: Environment = "") -> None:
    """Queue the audit at once; the slots stay as they are."""
    client = Assay()
    audit = client.change_schedule(_id(client, model, environment), "run")
    typer.echo(f"audit {audit['id']} of {audit['model']}@{audit['version']} is {audit['status']}")


@schedule_commands.command("slots")
def slots(model: Model, environment: Environment = "") -> None:
    """What became of the last slots, newest first."""
    client = Assay()
    rows = [
        (s["slot"], s["outcome"], "late" if s["status"] == "caught_up" else "", s["audit_id"], s["reason"])
        for s in client.schedule_slots(_id(client, model, environment))
    ]
    print_table("", ("SLOT (UTC)", "OUTCOME", "", "AUDIT", "REASON"), rows)


def _id(client: Assay, model: str, environment: str) -> int:
    found = client.schedules(model)
    for schedule in found:
        if schedule["environment"] == (environment or None):
            return int(schedule["id"])
    known = ", ".join(s["environment"] or "the newest version" for s in found)
    where = f"in {environment}" if environment else "for its newest version"
    raise typer.BadParameter(f"{model} has no schedule {where}{f'; there are: {known}' if known else ''}")


def _name(schedule: dict[str, Any]) -> str:
    return f"{schedule['model']} in {schedule['environment']}" if schedule["environment"] else schedule["model"]
