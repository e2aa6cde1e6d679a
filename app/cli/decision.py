"""``assay decision``: signed decisions, exported, verified without a service, derived anew."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.output import EXIT_FAIL, EXIT_PASS, explain
from app.client import Assay

if TYPE_CHECKING:
    from app.signing.dsse import Keys

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
    write(Assay().envelope(decision_id), output)


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
    return EXIT_PASS


@decision_commands.command("replay")
def replay(decision_id: int) -> int:
    """Derive a decision anew from what was stored with it: exit with 0 when it is the same, 1 when it is not."""
    found = Assay().replay(decision_id)
    if not found["same"]:
        return explain(f"decision {decision_id} differs in {', '.join(found['differing'])}", EXIT_FAIL)
    typer.echo(f"decision {decision_id} is {found['replayed']['status']}, as it was decided")
    return EXIT_PASS


def write(value: dict[str, Any], output: Path | None) -> None:
    text = json.dumps(value, indent=2)
    if output is None:
        typer.echo(text)
        return
    output.write_text(text + "\n", encoding="utf-8")


def read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file}: {error}") from None


def trusted(files: list[Path]) -> Keys:
    """The keys of these files; a usage error where there is none in them."""
    from app.signing.dsse import keys_in

    try:
        return keys_in(file.read_text(encoding="utf-8") for file in files)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"--key: {error}") from None
