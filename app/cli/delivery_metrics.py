"""``assay delivery-metrics`` and ``assay experiments``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter

from app.cli.output import print_json, print_table
from app.client import Assay
from app.ledger.reading.delivery.bands import REPORT, TWINS
from app.ledger.reading.delivery.metrics import DeliveryMetrics, Group, Metrics
from app.ledger.reading.delivery.telling import Told, tell

experiment_commands = typer.Typer(help="Experiments of pipelines, and how two differ.", no_args_is_help=True)

Output = Annotated[str, typer.Option("--output", "-o", help="table or json.")]
Evaluation = Annotated[str | None, typer.Option(help="Digest of evaluation data; else the newest run's.")]


def delivery_metrics(
    model: Annotated[str | None, typer.Argument(help="By default the whole fleet.")] = None,
    team: Annotated[str | None, typer.Option(help="Only the models of this owner.")] = None,
    days: Annotated[list[int] | None, typer.Option(help="Length of a window; again for each.")] = None,
    output: Output = "table",
) -> None:
    """Deployment frequency, lead times, time to restore and change failure rate."""
    if model is not None and team is not None:
        raise typer.BadParameter("name a model or --team, not both")
    with Assay() as service:
        told = service.delivery_metrics(model, team=team, days=days or ())
    if output == "json":
        return print_json(told)
    found = TypeAdapter(DeliveryMetrics).validate_python(told)
    if model is not None:
        _print_windows(found.models[0])
        return None
    _print_windows(found.fleet)
    last = found.fleet.windows[-1].period.name
    headings = ("MODEL", *(twin.title.upper() for twin in TWINS.values()))
    print_table(f"\nModels, {last}", headings, [(one.name, *_cells(one.windows[-1])) for one in found.models])
    return None


def _print_windows(group: Group) -> None:
    """A line a metric and window, with what does not count."""
    who = group.name or f"{group.models} models"
    lines = [(window.period.name, key, tell(window)[key]) for key in TWINS for window in group.windows]
    rows = [(TWINS[key].title, period, one.text or "unknown", one.band, _why(one)) for period, key, one in lines]
    print_table(f"{who} (bands: {REPORT})", ("METRIC", "WINDOW", "", "BAND", "NOTE"), rows)


def _why(one: Told) -> str:
    return "; ".join(filter(None, (one.reason, *one.notes)))


def _cells(window: Metrics) -> Iterable[str]:
    return (f"{one.text.split(' (')[0]}, {one.band}" if one.text else "unknown" for one in tell(window).values())


# --- experiments ----------------------------------------------------------------------------------


@experiment_commands.command("best")
def best(pipeline: str, evaluation: Evaluation = None, output: Output = "table") -> None:
    """The best run of each branch by the declared metric, on the same evaluation data."""
    with Assay() as service:
        told = service.experiments(pipeline, evaluation)
    if output == "json":
        return print_json(
            {key: told[key] for key in ("metric", "direction", "evaluation_digest", "best", "branches")}
        )
    title = f"{told['metric']} ({told['direction']}) on {told['evaluation_digest'] or 'no data that is known'}"
    winner = told["best"]["run"] if told["best"] else None
    found = [one["best"] for one in told["branches"] if one["best"]]
    rows = [
        (one["branch"], one["run"], f"{one['value']:g}", "best" if one["run"] == winner else "") for one in found
    ]
    print_table(title, ("BRANCH", "RUN", told["metric"].upper(), ""), rows)
    return None


@experiment_commands.command("list")
def list_experiments(pipeline: str, evaluation: Evaluation = None, output: Output = "table") -> None:
    """Branches with their experiments, and the runs that cannot be compared."""
    with Assay() as service:
        told = service.experiments(pipeline, evaluation)
    if output == "json":
        return print_json(told)
    headings = ("BRANCH", "RUNS", "RUNNING", "FROM", "TO", "AT THE SAME TIME AS")
    print_table(pipeline, headings, [_branch(one) for one in told["branches"]])
    aside = [(one["run"], one["branch"], one["why"]) for one in told["set_aside"]]
    if aside:
        print_table("\nNot compared", ("RUN", "BRANCH", "BECAUSE"), aside)
    return None


def _branch(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["name"], one["runs"], one["running"], one["first_at"], one["last_at"], ", ".join(one["beside"])


@experiment_commands.command("diff")
def diff(pipeline: str, one: str, other: str, output: Output = "table") -> None:
    """What is different between two runs; exits with 1 when they cannot be compared, saying why."""
    with Assay() as service:
        told = service.experiments_diff(pipeline, one, other)
    if output == "json":
        return print_json(told)
    rows = [("feature", name, "", "added") for name in told["features_added"]]
    rows += [("feature", name, "removed", "") for name in told["features_removed"]]
    for kind in ("parameters", "metrics"):
        rows += [(kind[:-1], change["name"], change["one"], change["other"]) for change in told[kind]]
    print_table(f"better by {told['metric']}: {told['better'] or 'neither'}", ("", "NAME", one, other), rows)
    return None
