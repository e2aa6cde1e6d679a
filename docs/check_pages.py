"""``docs/checks/``: a page a test, from the check's own docstring and thresholds."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

import checks
from checks.contract import Check, Section
from checks.explanation import Block, explanation_of
from checks.rubric import TESTS, RubricTest

WIDTH = 116
BY = {"S": "the service", "C": "evidence from CI or a tool", "M": "the service and handed-in evidence"}
SCOPE = {"V": "a version", "S": "the model in an environment"}
ATTEST = (
    "No automated check yet. A person can test by hand and attest the result, which earns ½ for up to 180 days."
)


def pages() -> dict[str, str]:
    """Path below the repository -> the whole text."""
    automated = checks.discover()
    found = {f"docs/checks/{test.id}.md": _page(test, automated.get(test.id)) for test in TESTS}
    return {"docs/checks/README.md": _index(automated), **found}


def _index(automated: Mapping[str, Check]) -> str:
    lines = ["# The 28 tests", "", "Made from the checks' own docstrings by `make docs`.", ""]
    for section in Section:
        lines += [f"## {section.capitalize()}", "", "| test | asks | proven by |", "| --- | --- | --- |"]
        for test in (one for one in TESTS if one.section is section):
            by = BY[test.by] if test.id in automated else "attestation"
            lines.append(f"| [{test.id}]({test.id}.md) | {test.title} | {by} |")
        lines.append("")
    return "\n".join(lines)


def _page(test: RubricTest, check: Check | None) -> str:
    window = f"{test.window_days} days" if test.window_days else "the model's own cadence"
    head = [
        f"# {test.id}: {test.title}",
        "",
        f"Belongs to {SCOPE[test.scope]}. Fresh for {window}. Proven by {BY[test.by]}. [All tests](README.md)",
        "",
    ]
    if check is None:
        return "\n".join([*head, ATTEST, ""])
    body = [line for block in explanation_of(type(check)) for line in _markdown(block)]
    return "\n".join(
        [*head, *body, *_thresholds(check), f"[The code](../../checks/{test.section}/{test.slug}.py)", ""]
    )


def _markdown(block: Block) -> Iterator[str]:
    if block.label:
        yield from (f"## {block.label}", "")
    if block.text:
        yield from (_wrapped(block.text), "")
    if block.items:
        yield from (*(_wrapped(f"- {item}", "  ") for item in block.items), "")


def _wrapped(text: str, indent: str = "") -> str:
    text = text.replace("``", "`")
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _thresholds(check: Check) -> Iterator[str]:
    if check.thresholds:
        yield from ("## Thresholds", "", "The check's own; an environment's policy may set others.", "")
        yield from ("| threshold | value |", "| --- | --- |")
        yield from (f"| `{name}` | {value} |" for name, value in check.thresholds.items())
        yield ""
