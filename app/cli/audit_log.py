"""``assay audit-log``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.access.ecs import document
from app.cli.local import database
from app.cli.output import EXIT_FAIL, EXIT_PASS, explain, read_moment
from app.cli.signed import read_json, trusted, write_json
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
def verify(
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint, or an exported decision, that the log must still lead to.")
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", envvar="ASSAY_KEYS", help="Public keys that you trust; else those in the database."),
    ] = None,
) -> int:
    """Read the whole log where the service's database is: exit with 0 when it is as it was written, 1 if not."""
    from app.access import audit_log
    from app.signing import checkpoints, keys
    from app.signing.dsse import NotSigned

    given = read_json(checkpoint) if checkpoint else None
    with database(Settings()) as opened, opened.read() as session:
        try:
            noted = checkpoints.read(given, trusted(key) if key else keys.trusted(session)) if checkpoint else None
        except NotSigned as error:
            return explain(f"{checkpoint}: {error}", EXIT_FAIL)
        found = audit_log.verification(session, noted)
    if not found.valid:
        return explain(f"broken: {found.why}", EXIT_FAIL)
    typer.echo(f"valid: {found.count} entries, the last is {found.head.sequence} {found.head.digest}")
    return EXIT_PASS


@audit_log_commands.command("checkpoint")
def checkpoint(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it; else printed.")] = None,
) -> None:
    """The log's newest entry, signed, to be kept elsewhere; where the service runs."""
    from app.signing import checkpoints

    settings = Settings()
    with database(settings) as opened, opened.write() as session:
        signed = checkpoints.make(session, settings)
    write_json(signed, output)
