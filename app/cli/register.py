"""``assay issue``, ``assay validation``, ``assay inventory``: what model-risk people keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from app.cli.output import print_json, print_table
from app.client import Assay

issue_commands = typer.Typer(help="Issues: what needs work, by when, who verified it.", no_args_is_help=True)
validation_commands = typer.Typer(help="Validations by people who did not make the model.", no_args_is_help=True)
inventory_commands = typer.Typer(help="The inventory of models.", no_args_is_help=True)

Form = Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="table or json.")]
Comment = Annotated[str, typer.Option(help="What was looked at.")]
Reason = Annotated[str, typer.Option(help="Why.")]
COLUMNS = ("id", "status", "severity", "model", "title", "environment", "owner", "due_on")


@issue_commands.command("list")
def list_issues(
    model: Annotated[str | None, typer.Option()] = None,
    status: Annotated[str | None, typer.Option(help="open, in_progress, resolved or closed.")] = None,
    severity: Annotated[str | None, typer.Option(help="low, medium, high or critical.")] = None,
    owner: Annotated[str | None, typer.Option()] = None,
    *,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those that are overdue.")] = False,
    output: Form = "table",
) -> None:
    """Issues, newest first."""
    asked = {"model": model, "status": status, "severity": severity, "owner": owner}
    filters = {name: value for name, value in asked.items() if value} | ({"overdue": "true"} if overdue else {})
    found = Assay().issues(**filters)
    if output == "json":
        print_json(found)
        return
    rows = [(*(one[key] or "" for key in COLUMNS), "overdue" if one["overdue"] else "") for one in found]
    print_table("", ("ID", "STATUS", "SEVERITY", "MODEL", "ISSUE", "ENVIRONMENT", "OWNER", "DUE", ""), rows)


@issue_commands.command("show")
def show(issue_id: int, output: Form = "table") -> None:
    """One issue with its history."""
    one = Assay().issue(issue_id)
    if output == "json":
        print_json(one)
        return
    keys = (
        "status",
        "severity",
        "model",
        "version",
        "test_id",
        "environment",
        "owner",
        "due_on",
        "plan",
        "evidence",
    )
    print_table(f"issue {one['id']}: {one['title']}", ("", ""), [(key, one[key]) for key in keys if one[key]])
    typer.echo(one["description"])
    rows = [
        (note["at"][:16], note["actor"], note["action"], note["evidence"], note["text"]) for note in one["notes"]
    ]
    print_table("", ("WHEN", "WHO", "WHAT", "EVIDENCE", ""), rows)


@issue_commands.command("open")
def open_issue(
    model: str,
    title: str,
    description: Annotated[str, typer.Option(help="What is wrong.")],
    test: Annotated[str | None, typer.Option(help="The test that it is about.")] = None,
    environment: Annotated[str | None, typer.Option(help="Of tests of the system: where.")] = None,
    severity: Annotated[str | None, typer.Option(help="By default from the model's risk tier.")] = None,
    owner: Annotated[str | None, typer.Option(help="By default the model's.")] = None,
    due: Annotated[str | None, typer.Option(help="A day, 2026-06-30 say; by default from the severity.")] = None,
) -> None:
    """Open an issue by hand. Tests that fail open theirs by themselves."""
    asked = {"title": title, "description": description, "test_id": test, "environment": environment}
    _say(Assay().open_issue(model, asked | {"severity": severity, "owner": owner, "due_on": due}))


@issue_commands.command("plan")
def plan(
    issue_id: int,
    text: Annotated[str | None, typer.Argument(help="What will be done.")] = None,
    owner: Annotated[str | None, typer.Option()] = None,
    due: Annotated[str | None, typer.Option(help="A day, 2026-06-30 say; takes a reason.")] = None,
    severity: Annotated[str | None, typer.Option(help="Takes a reason.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why the severity or the due date changes.")] = None,
) -> None:
    """Give an issue a plan, another owner, due date or severity."""
    changes = {"plan": text, "owner": owner, "due_on": due, "severity": severity, "reason": reason}
    _say(Assay().change_issue(issue_id, changes))


@issue_commands.command("resolve")
def resolve(
    issue_id: int,
    evidence: Annotated[str, typer.Option(help="finding/12, attestation/3, or a link where no test is concerned.")],
    comment: Comment,
) -> None:
    """Name what shows that it is solved; somebody else verifies it."""
    _say(Assay().resolve_issue(issue_id, evidence, comment))


@issue_commands.command("close")
def close(
    issue_id: int,
    comment: Comment,
    evidence: Annotated[str | None, typer.Option(help="Other than what resolved it.")] = None,
) -> None:
    """Verify that a resolved issue is solved. Takes somebody who neither made the model nor resolved it."""
    _say(Assay().close_issue(issue_id, comment, evidence))


@issue_commands.command("reopen")
def reopen(issue_id: int, reason: Reason) -> None:
    """It is not solved after all."""
    _say(Assay().reopen_issue(issue_id, reason))


def _say(one: dict[str, Any]) -> None:
    typer.echo(f"issue {one['id']} ({one['title']}) is {one['status']}: {one['severity']}, due {one['due_on']}")


@validation_commands.command("record")
def record(
    model: str,
    outcome: Annotated[str, typer.Argument(help="approved, approved_with_conditions or rejected.")],
    report: Annotated[str, typer.Option(help="The report: a link, or the digest of an uploaded file.")],
    conditions: Annotated[str | None, typer.Option(help="With approved_with_conditions: which.")] = None,
    version: Annotated[str | None, typer.Option(help="By default the newest.")] = None,
    validator: Annotated[str | None, typer.Option(help="By default whose token it is.")] = None,
    on: Annotated[str | None, typer.Option(help="A day, 2026-06-30 say; by default today.")] = None,
) -> None:
    """Record that somebody who did not make it validated a model."""
    given: dict[str, Any] = {"outcome": outcome, "conditions": conditions, "version": version}
    given |= {"validator": validator, "validated_on": on, "link" if "://" in report else "digest": report}
    one = Assay().record_validation(model, given)
    typer.echo(f"validation {one['id']} of {one['model']} {one['version']}: {outcome}, {one['validated_on']}")


@validation_commands.command("list")
def list_validations(model: str) -> None:
    """A model's validations, newest first."""
    keys = ("id", "validated_on", "outcome", "version", "validator", "conditions")
    rows = [tuple(one[key] for key in keys) for one in Assay().validations(model)]
    print_table("", ("ID", "ON", "OUTCOME", "VERSION", "BY", "CONDITIONS"), rows)


@inventory_commands.command("export")
def export(
    output: Annotated[Literal["csv", "json"], typer.Option("--output", "-o", help="csv or json.")] = "csv",
    file: Annotated[Path | None, typer.Option(help="Where to; by default standard output.")] = None,
) -> None:
    """All models, with what serves where, scores, validations and open issues."""
    client = Assay()
    text = client.inventory_csv() if output == "csv" else json.dumps(client.inventory(), indent=2) + "\n"
    if file is None:
        typer.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8", newline="")
        typer.echo(f"written to {file}")


def retire(
    model: str,
    reason: Reason,
    successor: Annotated[str | None, typer.Option(help="The model that takes its place.")] = None,
) -> None:
    """Take a model out of use: the gate says no, schedules stop. Refused while it serves."""
    one = Assay().retire(model, reason, successor)
    typer.echo(f"{one['model']} is retired since {one['retired_at']}; undo: assay model unretire {one['model']}")


def unretire(model: str, reason: Reason) -> None:
    """Take a retired model into use again."""
    typer.echo(f"{Assay().unretire(model, reason)['model']} is in use again")
