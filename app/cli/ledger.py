"""``assay ledger``: the practice around all models. ``assay ledger MODEL`` prints a model's 45 rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from typer.core import TyperGroup

from app.cli.output import EXIT_FAIL, console, print_json, print_table
from app.client import Assay
from app.errors import Invalid

STYLES = {"met": "green", "missing": "bold red", "unknown": "yellow"}


class ModelOrCommand(TyperGroup):
    """Takes what is none of its commands for the name of a model, or for an option of ``show``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {*self.commands, *ctx.help_option_names}
        named = ctx.resilient_parsing or (args and args[0] in own)
        return super().parse_args(ctx, args if named else ["show", *args])


ledger_commands = typer.Typer(
    cls=ModelOrCommand,
    help="The practice around models: assay ledger MODEL prints what is met, missing and unknown.",
)


@ledger_commands.command("show")
def show(
    model: Annotated[str, typer.Argument(metavar="MODEL[@VERSION]")] = "",
    status: Annotated[str | None, typer.Option(help="Only these: met, missing or unknown.")] = None,
    team: Annotated[str | None, typer.Option(help="Without a model: of all that this team owns.")] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
) -> None:
    """All rows of a model with their evidence, and what is missing; without one, which rows each model has."""
    name, _, version = model.partition("@")
    with Assay() as assay:
        if not name:
            return _show_fleet(assay.practice(team), status, output)
        told = assay.ledger(name, version or None)
    rows = [row for row in told["rows"] if status in {None, row["status"]}]
    if output == "json":
        return print_json(told | {"rows": rows})
    console().print(Text(f"{model}: {_counted(told['counts'])}", style="bold"))
    for row in rows:
        line = Text(f"{row['number']:>2}  ")
        line.append(f"{row['status']:<8}", style=STYLES[row["status"]])
        console().print(line.append(row["title"]))
        for text in _details(row):
            console().print(Text(f"              {text}", style="dim"))
    return None


def _show_fleet(fleet: list[dict[str, Any]], status: str | None, output: str) -> None:
    shown = [one for one in STYLES if status in {None, one}]
    if output == "json":
        return print_json([one | {"rows": [r for r in one["rows"] if r["status"] in shown]} for one in fleet])
    rows = [(one["model"], one["owner"], *(_numbers(one["rows"], wanted) for wanted in shown)) for one in fleet]
    return print_table("", ("MODEL", "OWNER", *map(str.upper, shown)), rows)


def _numbers(rows: list[dict[str, Any]], status: str) -> str:
    """How many there are, and which: ``3: 7-8, 16``."""
    found = [row["number"] for row in rows if row["status"] == status]
    runs = (list(run) for _, run in groupby(enumerate(found), lambda pair: pair[1] - pair[0]))
    spans = (f"{run[0][1]}-{run[-1][1]}" if len(run) > 1 else f"{run[0][1]}" for run in runs)
    return f"{len(found)}: {', '.join(spans)}" if found else "0"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def _details(row: dict[str, Any]) -> list[str]:
    proofs = [f"{one['text']}{_told(one)}" for one in row["proofs"]]
    missing = [f"Missing: {row['missing']}"] if row["missing"] else []
    return [*proofs, *missing, *([f"Next: {row['remedy']}"] if row["remedy"] else [])]


def _told(proof: dict[str, Any]) -> str:
    """When, and by whom."""
    at, source = proof["at"] or "", proof["source"]
    said = ", ".join(filter(None, (at[:16].replace("T", " "), source and f"told by {source}")))
    return f" ({said})" if said else ""


@ledger_commands.command("push")
def push(
    file: Annotated[Path, typer.Argument(help="Events, one JSON object a line.")],
) -> None:
    """Tell what happened. The same again changes nothing; exits with 1 when an event was refused."""
    tell(_read(file))


def tell(events: Sequence[Mapping[str, Any]]) -> None:
    """Tell the ledger, and say how it took it; exits with 1 when an event was refused."""
    with Assay() as assay:
        taken = assay.tell(events)
    told = [one for one in taken if one["reason"]]
    print_table("", ("KIND", "ID", "STATUS", "REASON"), [tuple(one.values()) for one in told])
    counts = {status: sum(one["status"] == status for one in taken) for status in {one["status"] for one in taken}}
    typer.echo(", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(counts.items())))
    if counts.get("refused"):
        raise typer.Exit(EXIT_FAIL)


def _read(file: Path) -> list[Any]:
    events = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file}: {error}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                events.append(json.loads(line))
            except ValueError as error:
                raise Invalid(f"{file}:{number}: not JSON ({error})") from None
    return events


@ledger_commands.command("events")
def events(
    model: Annotated[str | None, typer.Option()] = None,
    pipeline: Annotated[str | None, typer.Option()] = None,
    repository: Annotated[str | None, typer.Option()] = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="Only what does not count yet.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
) -> None:
    """What was told, newest first."""
    asked = {"model": model, "pipeline": pipeline, "repository": repository, "limit": limit}
    given = {key: value for key, value in asked.items() if value is not None} | (
        {"set_aside": True} if set_aside else {}
    )
    rows = [
        (one["at"][:19], one["source"], one["kind"], one["body"]["id"], one["set_aside"])
        for one in Assay().ledger_events(**given)
    ]
    print_table("", ("AT", "TOLD BY", "KIND", "ID", "SET ASIDE"), rows)
