"""Where the forms of a decision go: standard output, files, a summary that other steps append to as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from app.errors import nearest
from app.gate.render import FORMS, render


@dataclass(frozen=True)
class Report:
    """``path`` is None for standard output; a file is replaced, a summary is appended to."""

    form: str
    path: Path | None = None
    append: bool = False


def wanted(outputs: Sequence[str], summary: Path | None = None) -> list[Report]:
    """The reports that ``FORM`` and ``FORM=FILE`` ask for; a usage error for a form that there is not.

    Files of an earlier run are removed at once: should this one break off, none of them passes for its answer.
    """
    reports = [_report(output) for output in outputs]
    if sum(report.path is None for report in reports) > 1:
        raise typer.BadParameter("only one form can go to standard output; write the others as FORM=FILE")
    if summary:
        reports.append(Report("markdown", summary, append=True))
    for report in reports:
        if report.path and not report.append:
            with _usable(report.path) as path:
                path.unlink(missing_ok=True)
    return reports


def write(decision: Mapping[str, Any], reports: Sequence[Report]) -> None:
    """Each report to its place."""
    for report in reports:
        text = render(decision, report.form) + "\n"
        if report.path is None:
            typer.echo(text, nl=False)
            continue
        with _usable(report.path) as path, path.open("a" if report.append else "w", encoding="utf-8") as file:
            file.write(text)


@contextmanager
def _usable(path: Path) -> Iterator[Path]:
    """A file that cannot be written is a wrong question (64), not an answer of "no" (1)."""
    try:
        yield path
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None


def _report(output: str) -> Report:
    form, given, file = output.partition("=")
    if form not in FORMS:
        raise typer.BadParameter(f"{form!r} is no form{nearest(form, FORMS)}; there are {', '.join(FORMS)}")
    if given and not file:
        raise typer.BadParameter(f"{output!r} names no file")
    return Report(form, Path(file) if given else None)
