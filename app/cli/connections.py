"""``assay connection``: tools that tell the ledger by webhooks."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import print_table
from app.client import Assay
from app.client.connection import Body

connection_commands = typer.Typer(
    help="Tools that tell the ledger by signed webhooks, and what became of their messages.", no_args_is_help=True
)

Names = list[str] | None


@connection_commands.command("add")
def add(
    name: Annotated[str, typer.Argument(help="A part of the address that the tool sends to.")],
    kind: Annotated[str, typer.Option(help="github, gitlab, mlflow, or webhook (Standard Webhooks).")],
    repository: Annotated[Names, typer.Option(help="It may speak about; OWNER/NAME; may be repeated.")] = None,
    pipeline: Annotated[Names, typer.Option(help="It may speak about; may be repeated.")] = None,
    model: Annotated[
        Names, typer.Option(metavar="[THEIRS=]OURS", help="A registered model, and its name in Assay.")
    ] = None,
) -> None:
    """Let a tool send webhooks. Prints the secret that it signs with, this once."""
    asked = {"name": name, "kind": kind, "repositories": repository or [], "pipelines": pipeline or []}
    with Assay() as assay:
        _tell_secret(assay.connect(asked | {"models": read_names(model or [])}))


def read_names(given: list[str]) -> dict[str, str]:
    """THEIRS=OURS, or one name for both."""
    pairs = (one.partition("=") for one in given)
    return {theirs: ours or theirs for theirs, _, ours in pairs}


def _tell_secret(made: Body) -> None:
    typer.echo(f"{made['kind']} sends to {made['url']}, with this secret:", err=True)
    typer.echo(made["secret"])


@connection_commands.command("list")
def list_connections() -> None:
    """Who may tell the ledger what, and how many messages came."""
    with Assay() as assay:
        connections = assay.connections()
    rows = [
        (
            *(one[key] for key in ("name", "kind")),
            ", ".join([*one["repositories"], *one["pipelines"], *_pairs(one)]),
            _counted(one),
            one["last_message_at"],
            "on" if one["enabled"] else one["ended"],
        )
        for one in connections
    ]
    print_table("", ("NAME", "KIND", "SPEAKS ABOUT", "MESSAGES", "LAST", "STATE"), rows)


def _pairs(connection: Body) -> list[str]:
    return [ours if ours == theirs else f"{theirs}={ours}" for theirs, ours in connection["models"].items()]


def _counted(connection: Body) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(connection["messages"].items())) or "none"


@connection_commands.command("show")
def show(
    name: str,
    status: Annotated[str, typer.Option(help="Only recorded, set_aside, ignored or refused.")] = "",
    limit: Annotated[int, typer.Option(help="How many messages.")] = 20,
) -> None:
    """The newest messages of a tool, and why one counts or not."""
    with Assay() as assay:
        connection = assay.connection(name)
        messages = assay.messages(name, limit, **({"status": status} if status else {}))
    typer.echo(f"{connection['kind']} sends to {connection['url']}; {_counted(connection)}")
    rows = [
        (*(one[key] for key in ("received_at", "event", "status", "times", "events", "reason", "key")),)
        for one in messages
    ]
    print_table("", ("RECEIVED", "EVENT", "STATUS", "TIMES", "EVENTS", "REASON", "MESSAGE"), rows)


@connection_commands.command("rotate")
def rotate(
    name: str,
    overlap_hours: Annotated[
        float, typer.Option(help="How long the secret before still holds; 0: no longer.")
    ] = 24,
) -> None:
    """Another secret, printed this once."""
    with Assay() as assay:
        _tell_secret(assay.rotate_connection(name, overlap_hours))


@connection_commands.command("remove")
def remove(name: str) -> None:
    """Take no more of its messages. What it told stays."""
    with Assay() as assay:
        assay.disconnect(name)
    typer.echo(f"{name} is removed")
