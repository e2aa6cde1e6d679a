"""``assay pipeline``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from app.catalog.pipelines import parse
from app.cli.ledger import STYLES
from app.cli.output import console, print_json, print_table, read_moment
from app.client import Assay, Body
from app.errors import Invalid

pipeline_commands = typer.Typer(help="Declare pipelines, and read their scorecards.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="PIPELINE")]


@pipeline_commands.command("register")
def register(
    file: Annotated[Path, typer.Option("--file", "-f", help="The declaration.")] = Path("pipeline.yaml"),
) -> None:
    """Declare a pipeline. The same again changes nothing; another declaration replaces the one before."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file}: {error}") from None
    client, form = Assay(), parse(text, str(file))
    client.register_pipeline(form.model_dump(mode="json"))
    typer.echo(f"{form.name} is registered\n{client.url}/pipelines/{form.name}")


@pipeline_commands.command("list")
def list_pipelines() -> None:
    """All pipelines."""
    rows = [(one["name"], one["owner"], one["repository"], one["versions"]) for one in Assay().pipelines()]
    print_table("", ("PIPELINE", "OWNER", "REPOSITORY", "VERSIONS"), rows)


@pipeline_commands.command("show")
def show(
    name: Name,
    as_of: Annotated[str | None, typer.Option(help="As it stood then, in ISO 8601.")] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
) -> None:
    """A pipeline's scorecard: its level of automation, stages, components, lights and chain."""
    card = Assay().pipeline_scorecard(name, read_moment(as_of, "--as-of"))
    if output == "json":
        return print_json(card)
    level = card["automation"]["level"]
    console().print(Text(f"{name}: automation level {'unknown' if level is None else level}", style="bold"))
    for text in card["automation"]["missing"]:
        console().print(Text(f"  Missing: {text}"))
    if card["automation"]["next"]:
        console().print(Text(f"  Next: {card['automation']['next']}"))
    for heading, lines in _parts(card):
        console().print(Text(f"\n{heading}", style="bold"))
        for title, judged in lines:
            _print(title, judged)
    return None


def _parts(card: Body) -> list[tuple[str, list[tuple[str, Body]]]]:
    chain = card["chain"]
    links = [(f"{one['title']} {one['value'][:12]}", one["judged"]) for one in chain["links"]] if chain else []
    of = f" of {chain['model']} {chain['version']}" if chain else ""
    return [
        ("Lights", [(f"{one['name']}  {one['title']}", one["judged"]) for one in card["lights"]]),
        ("Stages", [(f"{one['number']}  {one['name']}", one["judged"]) for one in card["stages"]]),
        ("Components", [(one["title"], one["judged"]) for one in card["components"]]),
        (f"Chain{of}", links),
    ]


def _print(title: str, judged: dict[str, Any]) -> None:
    line = Text("  ")
    line.append(f"{judged['status']:<8}", style=STYLES[judged["status"]])
    console().print(line.append(f" {title}"))
    if judged["missing"]:
        console().print(Text(f"           {judged['missing']}", style="dim"))


@pipeline_commands.command("runs")
def runs(name: Name, limit: Annotated[int, typer.Option(min=1, max=200)] = 50) -> None:
    """Its runs, newest first."""
    rows = [
        (
            one["run"],
            one["state"],
            one["trigger"].replace("_", " "),
            one["orchestrator"],
            one["started_at"][:19],
            (one["data_digest"] or "").removeprefix("sha256:")[:12],
            f"{one['model'] or ''} {one['version'] or ''}".strip(),
            ", ".join(f"{key} {value:.4g}" for key, value in one["metrics"].items()),
        )
        for one in Assay().pipeline_runs(name, limit)
    ]
    print_table("", ("RUN", "STATE", "TRIGGER", "ORCHESTRATOR", "STARTED", "DATA", "MADE", "METRICS"), rows)
