"""``assay uptime``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.output import print_table
from app.client import Assay

uptime_commands = typer.Typer(help="Whether models can be reached, and could be.", no_args_is_help=True)

MOST_OUTAGES = 10

Model = Annotated[str, typer.Argument(metavar="MODEL")]
Name = Annotated[str, typer.Argument(metavar="NAME")]


@uptime_commands.command("add")
def add(
    model: Model,
    name: Name,
    url: Annotated[str, typer.Option(help="Asked by GET.")],
    environment: Annotated[str, typer.Option(help="Where it serves.")],
    interval: Annotated[int, typer.Option(help="Seconds from one probe to the next.")] = 60,
    timeout: Annotated[float, typer.Option(help="Seconds for one answer.")] = 10,
    status: Annotated[int, typer.Option(help="The HTTP status that is expected.")] = 200,
    text: Annotated[str, typer.Option(help="What the answer must contain.")] = "",
    tolerance: Annotated[int, typer.Option(help="So many failures in a row, and somebody is told.")] = 3,
    token: Annotated[
        str, typer.Option(envvar="ASSAY_PROBE_TOKEN", help="Sent as a bearer token, never shown.")
    ] = "",
) -> None:
    """Ask an address of a model from now on."""
    asked = {
        "name": name,
        "url": url,
        "environment": environment,
        "interval_seconds": interval,
        "timeout_seconds": timeout,
        "expected_status": status,
        "expected_text": text or None,
        "tolerance": tolerance,
        "token": token or None,
    }
    made = Assay().add_endpoint(model, asked)
    typer.echo(f"endpoint {made['id']}: {made['url']} is asked every {made['interval_seconds']} s")


@uptime_commands.command("list")
def list_endpoints(
    model: Model, everything: Annotated[bool, typer.Option("--all", help="Removed ones too.")] = False
) -> None:
    """A model's endpoints as they are now."""
    rows = [
        (
            one["name"],
            one["environment"],
            "removed" if one["removed_at"] else one["state"],
            one["url"],
            one["last_probe_at"],
            one["last_seconds"],
            one["error"],
        )
        for one in Assay().endpoints(model, removed=everything)
    ]
    print_table("", ("NAME", "ENVIRONMENT", "STATE", "URL", "LAST PROBE", "SECONDS", "ERROR"), rows)


@uptime_commands.command("show")
def show(model: Model, name: Name) -> None:
    """Availability, latency and outages over 24 hours, 7 and 30 days."""
    client = Assay()
    told = client.uptime(_id(client, model, name))
    endpoint = told["endpoint"]
    typer.echo(f"{endpoint['url']} ({endpoint['environment']}): {endpoint['state']}")
    rows = [
        (
            window,
            _share(one["availability"]),
            _share(one["known"]),
            one["probes"],
            one["p50"],
            one["p95"],
            one["p99"],
        )
        for window, one in told["windows"].items()
    ]
    print_table("", ("WINDOW", "AVAILABLE", "KNOWN", "PROBES", "P50 (s)", "P95 (s)", "P99 (s)"), rows)
    outages = told["windows"]["30d"]["outages"][-MOST_OUTAGES:]
    if outages:
        print_table("", ("DOWN FROM", "TO", "SECONDS", "REASON"), [_outage(one) for one in reversed(outages)])


@uptime_commands.command("remove")
def remove(model: Model, name: Name) -> None:
    """Ask it no more; its history stays."""
    client = Assay()
    client.remove_endpoint(_id(client, model, name))
    typer.echo(f"{name} of {model} is asked no more")


def _id(client: Assay, model: str, name: str) -> int:
    found = {one["name"]: one["id"] for one in client.endpoints(model)}
    if name not in found:
        known = f"; there are: {', '.join(found)}" if found else ""
        raise typer.BadParameter(f"{model} has no endpoint {name!r}{known}")
    return int(found[name])


def _share(share: float | None) -> str:
    """Cut, not rounded: 99.999 % is not 100 %."""
    return "unknown" if share is None else f"{int(share * 10_000) / 100:.2f} %"


def _outage(one: dict[str, Any]) -> tuple[Any, ...]:
    end = (
        "lasts"
        if one["ended_at"] is None
        else one["ended_at"]
        if one["recovered"]
        else f"{one['ended_at']} or later"
    )
    return one["started_at"], end, f"{one['seconds']:.0f}", one["reason"]
