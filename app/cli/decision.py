"""``assay decision``: signed decisions, exported, verified without a service, derived anew."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import EXIT_FAIL, EXIT_PASS, explain
from app.cli.signed import read_json, trusted, write_json
from app.client import Assay
from app.gate.forms.words import summary

decision_commands = typer.Typer(help="Signed decisions.", no_args_is_help=True)

KeyFiles = Annotated[
    list[Path],
    typer.Option("--key", envvar="ASSAY_KEYS", help="Public keys in PEM that you trust (assay key export)."),
]


@decision_commands.command("export")
def export(
    decision_id: int,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it; else printed.")] = None,
) -> None:
    """The signed envelope of a decision."""
    write_json(Assay().envelope(decision_id), output)


@decision_commands.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="An exported decision.")],
    artifact: Annotated[Path, typer.Option(help="The model file that is to be deployed.")],
    key: KeyFiles,
    environment: Annotated[str | None, typer.Option("--environment", "-e", help="Where it is to go.")] = None,
) -> int:
    """Asks no service. Exits with 0 when a key that you trust signed that this file may go there now, else 1."""
    from app.signing import statement
    from app.signing.dsse import NotSigned, opened

    with artifact.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    try:
        signed = opened(read_json(file), statement.PAYLOAD_TYPE, trusted(key))
    except NotSigned as error:
        return explain(f"{file}: {error}", EXIT_FAIL)
    if problems := list(statement.problems(signed, digest, environment, datetime.now(UTC))):
        return explain("\n".join(f"{file}: {problem}" for problem in problems), EXIT_FAIL)
    told = signed["predicate"]["assay_decision"]
    what = f"decision {told['id']}: {told['stage']} {told['model']} {told['version']} to {told['environment']}"
    typer.echo(f"verified {what}, until {told['expiresAt']}")
    for one in told.get("waivers", ()):
        typer.echo(
            f"by waiver {one['waiver']} of {one['condition']}, which is {one['status']}, until {one['expiresAt']} "
            f"(asked for by {one['requestedBy']}, approved by {one['approvedBy']}); "
            f"without waivers: {told['statusWithoutWaivers']}"
        )
    return EXIT_PASS


@decision_commands.command("replay")
def replay(decision_id: int) -> int:
    """Derive a decision anew from what was stored with it: exit with 0 when it is the same, 1 when it is not."""
    found = Assay().replay(decision_id)
    if not found["same"]:
        return explain(f"decision {decision_id} differs in {', '.join(found['differing'])}", EXIT_FAIL)
    body = found["replayed"]
    typer.echo(f"decision {decision_id} is {body['status']}, as it was decided. {summary(body)}")
    return EXIT_PASS
