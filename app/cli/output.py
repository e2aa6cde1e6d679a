"""How commands speak: exit codes, tables, verdicts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.gate.forms.words import one_line

EXIT_PASS, EXIT_FAIL, EXIT_UNKNOWN, EXIT_UNAVAILABLE, EXIT_USAGE = 0, 1, 2, 3, 64

PIPED_WIDTH = 200
"""Characters a line where no terminal tells its own width."""

STYLES = {
    "pass": "green",
    "fail": "bold red",
    "error": "bold red",
    "unknown": "yellow",
    "inconclusive": "yellow",
    "in_progress": "cyan",
}


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False, soft_wrap=False)


def explain(message: str, code: int) -> int:
    """Say on standard error what went wrong; returns ``code``."""
    typer.echo(message, err=True)
    return code


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table; verdicts are coloured on a terminal, and values are never read as markup."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(styled(value) for value in row))
    console().print(table)


def styled(value: Any) -> Text:
    text = "" if value is None else one_line(str(value))
    return Text(text, style=STYLES.get(text, ""))


def split_name(name: str) -> tuple[str, str]:
    """MODEL@VERSION in two; a usage error when there is no version."""
    model, _, version = name.partition("@")
    if not model or not version:
        raise typer.BadParameter(f"{name!r}: write MODEL@VERSION, for example credit-default@1.0.0")
    return model, version


def read_moment(text: str | None, option: str) -> str | None:
    """A time in ISO 8601 with its zone, UTC where it names none; a usage error when it is no time."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r}: write a time as 2026-03-01 or 2026-03-01T06:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
