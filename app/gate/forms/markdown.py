"""A decision as Markdown: a job's summary page, or a comment on a pull request."""

from __future__ import annotations

import re

from app.gate.forms import words
from app.gate.forms.words import Body

LETTERS = {"fail": "FAIL", "unknown": "UNKNOWN"}
HEADINGS = "| | condition | reason | to do |"

_MARKUP = re.compile(r"([\\`*_~\[\]<>|#!$])")
_MENTION = re.compile(r"(?<!\w)@")


def markdown(body: Body) -> str:
    """A heading, a row for each condition, the facts. Begins with ``marker``."""
    dry = " (dry run, not recorded)" if body["dry_run"] else ""
    lines = [marker(body), f"### {words.verdict(body)}: {escaped(words.asked(body))}{dry}", ""]
    lines.append(escaped(words.summary(body)))
    if body["conditions"]:
        lines += ["", HEADINGS, "|---|---|---|---|", *map(_row, words.by_gravity(body))]
    return "\n".join([*lines, "", *("<br>\n".join(map(_fact, words.facts(body))).split("\n"))]).rstrip()


def marker(body: Body) -> str:
    """An invisible line, the same for every answer on this model and place: a comment that bears it is updated."""
    name = re.sub(r"[^\w./ ]+", "-", f"{body['model']} {words.place(body)}")
    return f"<!-- assay-gate {name} -->"


def _row(condition: Body) -> str:
    reason, *waived = (line for line in words.told(condition) if not line.startswith("To do: "))
    cells = [" ".join([reason, *waived]), condition["remedy"]]
    found = words.standing(condition)
    return f"| {LETTERS.get(found, found)} | {' | '.join(map(escaped, [words.title(condition), *cells]))} |"


def _fact(text: str) -> str:
    return f"<{text}>" if re.fullmatch(r"https?://[^\s<>]+", text) else escaped(text)


def escaped(text: str) -> str:
    """Text from models and people, so that it is shown and never read: not as markup, and nobody is mentioned."""
    harmless = _MARKUP.sub(r"\\\1", words.one_line(text).replace("&", "&amp;"))
    return _MENTION.sub("@\u200b", harmless)
