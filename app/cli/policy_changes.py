"""``assay policy test`` and ``diff``: what a change of policy would mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from app.cli.output import EXIT_FAIL, EXIT_PASS, EXIT_USAGE, explain, print_json, print_table, read_moment
from app.cli.policies import read_text
from app.client import Assay, Problem
from app.client.connection import Body
from app.errors import Invalid
from app.gate.forms.words import number

Form = Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="table or json.")]
Two = Annotated[list[str], typer.Option(help="Of what binds there; given twice, each of them.")]
TITLES = {"before": "as decided", "after": "by these policies", "once_enforced": "once all is enforced"}
ALL_TIERS = 3


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
        found = Assay().try_policies([_given(file) for file in files], **asked)
    except (Problem, Invalid) as problem:
        return explain(str(problem), EXIT_USAGE)
    if output == "json":
        print_json(found)
    else:
        _print_trial(found)
    return EXIT_FAIL if found["changes"] else EXIT_PASS


def compare_policies(
    name: Annotated[
        str | None, typer.Argument(metavar="[POLICY]", help="An environment, organisation, or models/NAME.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A policy, against what is in force.")] = None,
    before: Annotated[int | None, typer.Option("--from", min=1, help="Default: the one before --to.")] = None,
    after: Annotated[int | None, typer.Option("--to", min=1, help="Default: the newest version.")] = None,
    model: Two = [],  # noqa: B006 - typer copies them
    tier: Two = [],  # noqa: B006
    stage: Two = [],  # noqa: B006
    output: Form = "table",
) -> int:
    """Compare two versions, a file and what is in force, or all that binds two models, risk tiers or stages: exit
    with 0 when they ask for the same, 1 when not, 64 for a wrong question, 3 without a service.
    """
    try:
        if model or tier or stage:
            sides = _binding(name, model, tier, stage)
        elif file is not None:
            sides = {"version": before}, {"policy": name, "file": _given(file)}
        else:
            sides = _versions(name, before, after)
        found = Assay().compare_policies(*sides)
    except (Problem, Invalid) as problem:
        return explain(str(problem), EXIT_USAGE)
    if output == "json":
        print_json(found)
    else:
        _print_comparison(found)
    return EXIT_FAIL if found["changes"] or found["refused"] else EXIT_PASS


def _given(file: Path) -> Body:
    return {"filename": str(file), "text": read_text(file)}


def _binding(
    name: str | None, models: Sequence[str], tiers: Sequence[str], stages: Sequence[str]
) -> tuple[Body, Body]:
    """What differs is given twice, the rest once or not at all."""
    asked = {"model": models, "risk_tier": tiers, "stage": stages or ["admit"]}
    if name is None or max(map(len, asked.values())) != 2:
        raise Invalid("name an environment and two models, two tiers or two stages")
    first, second = ({key: given[i] for key, given in asked.items() if given} for i in (0, -1))
    return {"policy": name, **first}, {"policy": name, **second}


def _versions(name: str | None, before: int | None, after: int | None) -> tuple[Body, Body]:
    if name is None:
        raise Invalid("name a policy, or give a file (-f)")
    return {"version": before}, {"policy": name, "version": after}


def _print_trial(found: Body) -> None:
    names = ", ".join(f"{one['name']} v{one['version']}" for one in found["policies"])
    number, turned = found["decisions"], len(found["changes"])
    beyond = "; there are older ones (--limit)" if found["more"] else ""
    typer.echo(f"{names}: {number} decision{'s' * (number != 1)} replayed, {turned} would change{beyond}")
    answers = ("pass", "fail", "unknown")
    rows = [(title, *(found[key][one] for one in answers)) for key, title in TITLES.items()]
    print_table("", ("", *(one.upper() for one in answers)), rows)
    if found["changes"]:
        heads = ("DECISION", "VERSION", "PLACE", "WAS", "WOULD BE", "CONDITION", "WAS", "WOULD BE", "WHY")
        print_table("", heads, [row for one in found["changes"] for row in _rows(one)])
    for one in found["not_replayed"]:
        typer.echo(f"decision {one['decision']} was not replayed: {one['why']}")


def _rows(change: Body) -> Iterator[tuple[Any, ...]]:
    """One row for each condition; the decision is told once."""
    later = change["once_enforced"]
    will = change["after"] if later == change["after"] else f"{change['after']}, later {later}"
    version, place = f"{change['model']}@{change['version']}", f"{change['environment']}/{change['stage']}"
    told: tuple[Any, ...] = (change["id"], version, place, change["before"], will)
    for one in change["conditions"]:
        yield (*told, one["name"], one["before"] or "not asked", one["after"] or "not asked", one["reason"])
        told = ("",) * len(told)


def _print_comparison(found: Body) -> None:
    typer.echo(f"{found['before']} -> {found['after']}")
    if found["changes"]:
        rows = [
            (one["change"], one["subject"], _said(one["before"]), _said(one["after"]), _where(one["places"]))
            for one in found["changes"]
        ]
        print_table("", ("CHANGE", "OF", "WAS", "WOULD BE", "WHERE"), rows)
    else:
        typer.echo("they ask for the same")
    for one in found["refused"]:
        line = f"line {one['line']}: " if one["line"] else ""
        typer.echo(f"would be refused, {line}{one['path']}: {one['message']}")


def _said(steps: Sequence[Body]) -> str:
    return "; ".join(map(_step, steps)) or "-"


def _step(one: Body) -> str:
    kind, _, _ = one["name"].partition(".")
    what = kind if kind in {"must_pass", "must_not_fail"} else _plainly(one["threshold"])
    since = f" from {one['enforced_from']}" if one["enforced_from"] else ""
    return f"{what}{since}{' (' + one['origin'] + ')' if one['origin'] else ''}"


def _plainly(value: Any) -> str:
    if value is True:
        return "yes"
    return ", ".join(map(str, value)) if isinstance(value, list) else number(value)


def _where(places: Sequence[Body]) -> str:
    """Stages; where not every risk tier is meant, with those that are."""
    tiers: dict[str, list[str]] = {}
    for one in places:
        tiers.setdefault(one["stage"], []).append(one["risk_tier"])
    told = (stage if len(of) == ALL_TIERS else f"{stage} ({', '.join(of)})" for stage, of in tiers.items())
    return ", ".join(told)
