"""A decision for people and for tools. Light to import: the command line uses it without the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.gate.forms.github import github
from app.gate.forms.junit import junit
from app.gate.forms.markdown import markdown
from app.gate.forms.sarif import sarif
from app.gate.forms.table import table
from app.gate.forms.words import Body, as_json, no_answer

__all__ = ["FORMS", "exit_code", "no_answer", "render"]

EXIT_CODES: Mapping[str, int] = MappingProxyType({"pass": 0, "fail": 1, "unknown": 2, "in_progress": 2})


FORMS: Mapping[str, Callable[[Body], str]] = MappingProxyType(
    {"table": table, "json": as_json, "junit": junit, "sarif": sarif, "markdown": markdown, "github": github}
)


def render(body: Body, form: str) -> str:
    """The decision in one of ``FORMS``; KeyError for any other."""
    return FORMS[form](body)


def exit_code(body: Body) -> int:
    """0 pass, 1 fail, 2 unknown or still in progress. What is not known is never a pass."""
    return EXIT_CODES.get(body["status"], EXIT_CODES["unknown"])
