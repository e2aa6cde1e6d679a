"""``assay scorecard`` and ``assay checks``."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer
from rich.text import Text

import checks
from app.cli.output import console, print_json, print_table, split_name, styled
from app.client import Assay
from app.errors import NotFound, nearest
from checks.rubric import BY_ID, TESTS

scorecard_commands = typer.Typer(help="How ready a version is.", no_args_is_help=True)
checks_commands = typer.Typer(help="The 28 tests of the rubric.", no_args_is_help=True)

SHOWN_ADVICE = 3


@scorecard_commands.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="MODEL@VERSION")],
    environment: Annotated[
        str | None, typer.Option(help="Where system tests are looked at; by default anywhere.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="At this time (ISO 8601); by default now.")] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
) -> None:
    """A version's scorecard."""
    given = {"environment": environment, "as_of": as_of}
    card = Assay().scorecard(*split_name(name), **{key: value for key, value in given.items() if value})
    if output == "json":
        print_json(card)
    else:
        print_scorecard(card)


def print_scorecard(card: dict[str, Any]) -> None:
    """The scorecard for a terminal: the score, its sections, every test that has evidence, what would raise it."""
    out = console()
    failures = card["open_failures"]
    headline = Text(f"{card['model']} {card['version']}  ML Test Score {card['score']:g}", style="bold")
    out.print(
        headline, Text(f"· {failures} open failure{'s' * (failures != 1)}", style="red" if failures else "green")
    )
    out.print(f"  {card['band']['sentence']}")
    sections = "   ".join(f"{section['section']} {section['score']:g}" for section in card["sections"])
    out.print(f"  {sections}   (the lowest section is the score)")
    known = [test for test in card["tests"] if test["verdict"] != "none" or test["score"]]
    print_table(
        "",
        ("  TEST", "SCORE", "VERDICT", "REASON"),
        [(f"  {test['id']}", f"{test['score']:g}", test["verdict"], _told(test)) for test in known],
    )
    out.print(f"  {len(card['tests']) - len(known)} of the {len(card['tests'])} tests have no evidence yet.")
    if (held_out := card["holdout"]) and held_out["evaluations"]:
        times, versions = held_out["evaluations"], held_out["versions"]
        told = f"{times} time{'s' * (times != 1)}, on {versions} version{'s' * (versions != 1)}"
        out.print(f"  Its test data was evaluated {told}.")
    for advice in card["raises"][:SHOWN_ADVICE]:
        out.print(styled(f"  + {advice['gain']:g} {advice['section']}"), f"{advice['test_id']}: {advice['action']}")


def _told(test: dict[str, Any]) -> str:
    """The reason and, where something is to be done, what."""
    return f"{test['reason']} To do: {test['remedy']}" if test["remedy"] else str(test["reason"])


@checks_commands.command("list")
def list_checks() -> None:
    """The 28 tests, and how each gets its evidence."""
    automated = checks.discover()
    rows = [(test.id, test.title, "check" if test.id in automated else "attest") for test in TESTS]
    print_table("", ("TEST", "TITLE", "HOW"), rows)


@checks_commands.command("show")
def show_check(test_id: str) -> None:
    """What a test asks, what is measured and judged, and how to fix a failure."""
    test = BY_ID.get(test_id.upper())
    if test is None:
        raise NotFound(f"{test_id!r} is not a test of the rubric{nearest(test_id.upper(), BY_ID)}")
    check = checks.discover().get(test.id)
    if check is None:
        typer.echo(f"{test.id}  {test.title}\n\nNo automated check yet; it can be attested (assay attest).")
        return
    typer.echo(f"{test.id}  {inspect.getdoc(type(check))}\n\nDefault thresholds:")
    for name, value in check.thresholds.items():
        typer.echo(f"  {name}: {value}")
