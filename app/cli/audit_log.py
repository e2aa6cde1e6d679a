"""``assay audit-log``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.access.ecs import document
from app.cli.local import database
from app.cli.output import EXIT_FAIL, EXIT_PASS, explain, read_moment
from app.client import Assay
from app.config import Settings

audit_log_commands = typer.Typer(help="Who changed what.", no_args_is_help=True)


@audit_log_commands.command("export")
def export(
    since: Annotated[str | None, typer.Option(help="Only what was changed then or later.")] = None,
    actor: Annotated[str, typer.Option(help="Only by them.")] = "",
    action: Annotated[str, typer.Option(help="Only this, such as api_token.create.")] = "",
) -> None:
    """JSON lines in the Elastic Common Schema, newest first. Needs the scope admin."""
    given = {"since": read_moment(since, "--since"), "actor": actor, "action": action}
    with Assay() as service:
        for entry in service.audit_log(**{key: value for key, value in given.items() if value}):
            typer.echo(json.dumps(document(entry)))


@audit_log_commands.command("verify")
def verify() -> int:
    """Read the whole log where the service's database is: exit with 0 when it is as it was written, 1 if not."""
    from app.access import audit_log

    with database(Settings()) as opened, opened.read() as session:
        found = audit_log.verification(session)
    if not found.valid:
        return explain(f"broken: {found.why}", EXIT_FAIL)
    typer.echo(f"valid: {found.count} entries, the last is {found.head.sequence} {found.head.digest}")
    return EXIT_PASS
