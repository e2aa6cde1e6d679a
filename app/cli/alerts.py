"""``assay alerts`` and ``assay dependencies``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.output import print_table
from app.client import Assay
from app.evidence import lock_file as lock_files

alert_commands = typer.Typer(
    help="What people are told, who is told, and whether it arrived.", no_args_is_help=True
)
dependency_commands = typer.Typer(help="What models depend on, and when it changed.", no_args_is_help=True)

Files = Annotated[list[Path] | None, typer.Option(exists=True, dir_okay=False, help="May be repeated.")]


@alert_commands.command("list")
def list_alerts(
    model: Annotated[str, typer.Option(help="Only this model's.")] = "",
    event: Annotated[str, typer.Option(help="Only this event.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Acknowledged ones too.")] = False,
) -> None:
    """Alerts that nobody looks after yet, newest first."""
    filters = {"model": model, "event": event, "unacknowledged": "" if everything else "true"}
    rows = [
        (one["id"], one["severity"], one["title"], one["created_at"], one["acknowledged_by"], _arrived(one))
        for one in Assay().alerts(**{key: value for key, value in filters.items() if value})
    ]
    print_table("", ("ALERT", "SEVERITY", "WHAT", "SINCE", "LOOKED AFTER BY", "DELIVERED"), rows)


def _arrived(alert: dict[str, Any]) -> str:
    statuses = [one["status"] for one in alert["deliveries"]]
    dead = f", {statuses.count('dead')} dead" if "dead" in statuses else ""
    return f"{statuses.count('delivered')} of {len(statuses)}{dead}" if statuses else "to nobody"


@alert_commands.command("acknowledge")
def acknowledge(alert_id: int, note: Annotated[str, typer.Option(help="What was done about it.")] = "") -> None:
    """Say that you look after an alert."""
    alert = Assay().acknowledge(alert_id, note)
    typer.echo(f"alert {alert_id} is looked after by {alert['acknowledged_by']}")


@alert_commands.command("subscribe")
def subscribe(
    name: Annotated[str, typer.Argument(help="Who is told.")],
    webhook: Annotated[str, typer.Option(metavar="URL", help="Standard Webhooks, signed.")] = "",
    slack: Annotated[str, typer.Option(metavar="URL", help="An incoming webhook of Slack or its like.")] = "",
    email: Annotated[str, typer.Option(metavar="ADDRESS")] = "",
    model: Annotated[str, typer.Option(help="Only of this model.")] = "",
    team: Annotated[str, typer.Option(help="Only of what this team has.")] = "",
    event: Annotated[list[str] | None, typer.Option(help="Only of this event; may be repeated.")] = None,
    severity: Annotated[str, typer.Option(help="The least: info, warning or critical.")] = "info",
) -> None:
    """Be told. Prints a webhook's signing secret, this once."""
    given = {key: to for key, to in (("webhook", webhook), ("slack", slack), ("email", email)) if to}
    if len(given) != 1:
        raise typer.BadParameter("give one of --webhook, --slack, --email")
    ((channel, target),) = given.items()
    asked = {"name": name, "channel": channel, "target": target, "events": event or [], "least_severity": severity}
    asked |= {key: of for key, of in (("model", model), ("team", team)) if of}
    made = Assay().subscribe(asked)
    typer.echo(f"subscription {made['id']} of {name}; try it: assay alerts test {made['id']}", err=True)
    if made["secret"]:
        typer.echo(made["secret"])


@alert_commands.command("subscriptions")
def list_subscriptions() -> None:
    """Who is told of what."""
    rows = [
        (
            *(one[key] for key in ("id", "name", "channel", "target", "model", "team", "least_severity")),
            ", ".join(one["events"]) or "all",
            "on" if one["enabled"] else one["ended"],
        )
        for one in Assay().subscriptions()
    ]
    print_table("", ("ID", "NAME", "CHANNEL", "TARGET", "MODEL", "TEAM", "LEAST", "EVENTS", "STATE"), rows)


@alert_commands.command("unsubscribe")
def unsubscribe(subscription_id: int) -> None:
    """Be told no more."""
    Assay().unsubscribe(subscription_id)
    typer.echo(f"subscription {subscription_id} has ended")


@alert_commands.command("test")
def test(subscription_id: int) -> None:
    """Send a test message to one subscription."""
    alert = Assay().test_subscription(subscription_id)
    typer.echo(f"alert {alert['id']} is on its way: assay alerts deliveries")


@alert_commands.command("deliveries")
def deliveries(status: Annotated[str, typer.Option(help="pending, delivered or dead.")] = "") -> None:
    """Messages with their receipts, newest first."""
    rows = [
        (
            one["id"],
            one["alert_id"],
            one["subscription"],
            one["status"],
            one["attempts"],
            one["delivered_at"],
            one["error"] or (one["receipt"] or {}).get("status"),
        )
        for one in Assay().alert_deliveries(**({"status": status} if status else {}))
    ]
    print_table("", ("ID", "ALERT", "TO", "STATUS", "ATTEMPTS", "DELIVERED", "ANSWER"), rows)


@alert_commands.command("retry")
def retry(delivery_id: int) -> None:
    """Send a dead message again."""
    Assay().retry_delivery(delivery_id)
    typer.echo(f"delivery {delivery_id} is sent again")


@dependency_commands.command("push")
def push(
    model: Annotated[str, typer.Option()],
    environment: Annotated[str, typer.Option()],
    lock_file: Files = None,
    data: Files = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FINGERPRINT", help="A system the model reads from.")
    ] = None,
) -> None:
    """Say what a model depends on now. Files are known by their names, and hashed here; nothing is uploaded.

    Of a lock file of uv, poetry or pip only what would be installed counts, not how it is written.
    """
    fingerprints = [of_lock_file(path) for path in lock_file or []]
    fingerprints += [_of_data(path) for path in data or []]
    fingerprints += [_of_source(text) for text in source or []]
    if not fingerprints:
        raise typer.BadParameter("give at least one of --lock-file, --data, --source")
    told = Assay().push_dependencies(model, environment, fingerprints)
    for one in told["changed"]:
        typer.echo(f"changed: {one['name']}: {one['previous']} -> {one['fingerprint']} (alert {one['alert_id']})")
    typer.echo(f"{len(told['added'])} added, {len(told['changed'])} changed, {told['unchanged']} unchanged")


def of_lock_file(path: Path) -> dict[str, str]:
    """As a dependency of MON-1."""
    return {"name": path.name, "kind": "lock_file", "fingerprint": lock_files.fingerprint(path.read_bytes())}


def _of_data(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "kind": "data", "fingerprint": f"sha256:{digest}"}


def _of_source(text: str) -> dict[str, str]:
    name, equals, fingerprint = text.partition("=")
    if not (name and equals and fingerprint):
        raise typer.BadParameter(f"{text!r}: write NAME=FINGERPRINT, for example bureau-api=v2026.3")
    return {"name": name, "kind": "source_system", "fingerprint": fingerprint}


@dependency_commands.command("list")
def list_dependencies(
    model: Annotated[str, typer.Option(help="Only this model's.")] = "",
    environment: Annotated[str, typer.Option()] = "",
) -> None:
    """Fingerprints when they were first seen and whenever they changed."""
    filters = {key: value for key, value in (("model", model), ("environment", environment)) if value}
    rows = [
        (
            one["model"],
            one["environment"],
            one["name"],
            one["kind"],
            one["fingerprint"][:24],
            one["seen_at"],
            "drill" if one["planted"] else "changed" if one["previous"] else "first seen",
        )
        for one in Assay().dependencies(**filters)
    ]
    print_table("", ("MODEL", "ENVIRONMENT", "NAME", "KIND", "FINGERPRINT", "SEEN", ""), rows)
