"""Files of what is signed: envelopes in JSON, public keys in PEM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from app.signing.dsse import Keys


def write_json(value: dict[str, Any], output: Path | None) -> None:
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
