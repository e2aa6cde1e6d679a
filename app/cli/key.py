"""``assay key``: what decisions are signed with, where the service runs."""

from __future__ import annotations

import typer

from app.cli.local import database
from app.cli.output import print_table
from app.config import Settings

key_commands = typer.Typer(help="The keys that sign decisions, where the service runs.", no_args_is_help=True)


@key_commands.command("rotate")
def rotate() -> None:
    """Sign with a new key from now on; what the earlier ones signed stays good."""
    from app.signing import keys

    settings = Settings()
    with database(settings) as opened, opened.write() as session:
        name = keys.rotate(session, settings, "shell")
    typer.echo(name)


@key_commands.command("list")
def list_keys() -> None:
    """Every key, newest first."""
    from app.signing import queries

    with database(Settings()) as opened, opened.read() as session:
        rows = [(row.id, row.created_at, row.retired_at) for row in queries.all_keys(session)]
    print_table("", ("KEY", "CREATED", "RETIRED"), rows)


@key_commands.command("export")
def export() -> None:
    """The public keys as PEM, retired ones too: what `assay decision verify --key` trusts."""
    from app.signing import queries

    with database(Settings()) as opened, opened.read() as session:
        for row in queries.all_keys(session):
            typer.echo(row.public, nl=False)
