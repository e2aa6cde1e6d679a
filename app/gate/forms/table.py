"""A decision for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from textwrap import fill

from app.gate.forms import words
from app.gate.forms.words import Body

LETTERS = {"fail": "failed", "pass": "holds"}
WIDTH = 100
INDENT = " " * 11

_fill = partial(fill, width=WIDTH, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False)


def table(body: Body) -> str:
    """The verdict, what stands against it and what to do, what was let through, then what holds, compactly."""
    conditions = words.by_gravity(body)
    long = [_condition(condition) for condition in conditions if words.standing(condition) != "pass"]
    return "\n\n".join([_headline(body), *long, *_holding(conditions), "\n".join(words.facts(body))]).rstrip()


def _headline(body: Body) -> str:
    dry = "  (dry run, not recorded)" if body["dry_run"] else ""
    return f"{words.verdict(body)}  {words.asked(body)}{dry}\n{words.one_line(words.summary(body))}"


def _condition(condition: Body) -> str:
    found = words.standing(condition)
    lines = [f"{LETTERS.get(found, found):<9}  {words.title(condition)}"]
    return "\n".join([*lines, *(_wrapped(line) for line in words.told(condition))])


def _holding(conditions: Iterable[Body]) -> Iterable[str]:
    holding = [condition for condition in conditions if words.standing(condition) == "pass"]
    if holding:
        yield _fill(", ".join(map(_short, holding)), initial_indent=f"{LETTERS['pass']:<9}  ")


def _short(condition: Body) -> str:
    if condition["actual"] == "pass":
        return str(condition["name"].partition(".")[2])
    what = condition["metric"].removeprefix("section_scores.")
    return " ".join(
        (what, words.number(condition["actual"]), condition["comparator"], words.number(condition["threshold"]))
    )


def _wrapped(text: str) -> str:
    return _fill(words.one_line(text), initial_indent=INDENT)
