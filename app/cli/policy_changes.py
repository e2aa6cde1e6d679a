"""``assay policy test``: what a change of policy would mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from app.cli.output import EXIT_FAIL, EXIT_PASS, EXIT_USAGE, explain, print_json, print_table, read_moment
from app.cli.policies import read_text
from app.client import Assay, Problem
from app.client.connection import Body
from app.errors import Invalid

Form = Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="table or json.")]


def try_policies(
    files: Annotated[list[Path], typer.Argument(help="Policies in YAML: environments', organisation's, models'.")],
    environment: Annotated[str | None, typer.Option("--environment", "-e", help="Decisions for it alone.")] = None,
    model: Annotated[str | None, typer.Option(help="Decisions on this model alone.")] = None,
    since: Annotated[str | None, typer.Option(help="Decisions of this time or later (ISO 8601).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many.")] = 200,
    output: Form = "table",
) -> int:
    """Replay policies over past decisions: exit with 0 when no answer changes, 1 when one does, 64 for a wrong
    question, 3 without a service.
    """
    asked = {"environment": environment, "model": model, "since": read_moment(since, "--since"), "limit": limit}
    try:
        given = [{"filename": str(file), "text": read_text(file)} for file in files]
        found = Assay().try_policies(given, **asked)
    except (Problem, Invalid) as problem:
        return explain(str(problem), EXIT_USAGE)
    if output == "json":
        print_json(found)
    else:
        _print_trial(found)
    return EXIT_FAIL if found["changes"] else EXIT_PASS


def _print_trial(found: Body) -> None:
    names = ", ".join(f"{one['name']} v{one['version']}" for one in found["policies"])
    beyond = "; there are older ones (--limit)" if found["more"] else ""
    typer.echo(
        f"{names}: {_counted(found['decisions'], 'decision')} replayed, "
        f"{len(found['changes'])} would change{beyond}"
    )
    answers = ("pass", "fail", "unknown")
    rows = [(title, *(found[key][one] for one in answers)) for key, title in TITLES.items()]
    print_table("", ("", *(one.upper() for one in answers)), rows)
    if found["changes"]:
        heads = ("DECISION", "VERSION", "PLACE", "WAS", "WOULD BE", "CONDITION", "WAS", "WOULD BE", "WHY")
        print_table("", heads, [row for one in found["changes"] for row in _rows(one)])
    for one in found["not_replayed"]:
        typer.echo(f"decision {one['decision']} was not replayed: {one['why']}")


TITLES = {"before": "as decided", "after": "by these policies", "once_enforced": "once all is enforced"}


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _rows(change: Body) -> Iterator[tuple[Any, ...]]:
    """One row for each condition; the decision is told once."""
    later = change["once_enforced"]
    will = change["after"] if later == change["after"] else f"{change['after']}, later {later}"
    told: tuple[Any, ...] = (
        change["id"],
        f"{change['model']}@{change['version']}",
        f"{change['environment']}/{change['stage']}",
        change["before"],
        will,
    )
    for one in change["conditions"]:
        yield (*told, one["name"], one["before"] or "not asked", one["after"] or "not asked", one["reason"])
        told = ("",) * len(told)
    if not change["conditions"]:
        yield (*told, "", "", "", "")
