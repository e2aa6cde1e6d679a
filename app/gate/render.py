"""A decision for people and for tools. Light to import: the command line uses it without the service."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from textwrap import fill
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree as ET

from checks.rubric import BY_ID

Body = Mapping[str, Any]

EXIT_CODES: Mapping[str, int] = MappingProxyType({"pass": 0, "fail": 1, "unknown": 2, "in_progress": 2})
VERDICTS = {"pass": "PASS", "fail": "FAIL", "unknown": "UNKNOWN", "in_progress": "IN PROGRESS"}
LETTERS = {"fail": "failed", "unknown": "unknown"}
WIDTH = 100
INDENT = " " * 11

_fill = partial(fill, width=WIDTH, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(body: Body, form: str) -> str:
    """The decision as "table", "json", "junit" or "markdown"; KeyError for any other form."""
    return FORMS[form](body)


def exit_code(body: Body) -> int:
    """0 pass, 1 fail, 2 unknown or still in progress. What is not known is never a pass."""
    return EXIT_CODES.get(body["status"], EXIT_CODES["unknown"])


# --- plain text -----------------------------------------------------------------------------------


def table(body: Body) -> str:
    """The verdict, what stands against it and what to do, then what holds, compactly."""
    against = [c for status in LETTERS for c in body["conditions"] if c["status"] == status]
    parts = [_headline(body), *(_against(condition) for condition in against), *_holding(body), _footer(body)]
    return "\n\n".join(part for part in parts if part)


def _headline(body: Body) -> str:
    where = f"{body['environment']}/{body['stage']}"
    dry = "  (dry run, not recorded)" if body["dry_run"] else ""
    return f"{VERDICTS[body['status']]}  {body['model']}@{body['version']} for {where}{dry}\n{_summary(body)}"


def _summary(body: Body) -> str:
    if body["status"] == "in_progress":
        return f"Audit {body['audit_id']} runs first; nothing is decided yet."
    found = [c["status"] for c in body["conditions"]]
    counts = {"fail": "failed", "unknown": "unknown", "pass": "hold"}
    told = [f"{found.count(status)} {word}" for status, word in counts.items() if status in found]
    return f"{len(found)} condition{'s' * (len(found) != 1)}: {', '.join(told)}."


def _against(condition: Body) -> str:
    lines = [f"{LETTERS[condition['status']]:<9}  {_title(condition)}", _wrapped(condition["reason"])]
    if condition["remedy"]:
        lines.append(_wrapped(f"To do: {condition['remedy']}"))
    return "\n".join(lines)


def _title(condition: Body) -> str:
    kind, _, rest = condition["name"].partition(".")
    if rest in BY_ID:
        return f"{rest} {'must pass' if kind == 'must_pass' else 'must not fail'}: {BY_ID[rest].title}"
    if condition["comparator"] == ">=":
        what = condition["metric"].replace("section_scores.", "section ")
        return f"{what} must be at least {condition['threshold']:g}"
    return f"{condition['metric']} {condition['comparator']} {condition['threshold']}"


def _holding(body: Body) -> Iterable[str]:
    passed = [c for c in body["conditions"] if c["status"] == "pass"]
    plain = [c for c in passed if c["actual"] == "pass"]
    minima = [c for c in passed if c["comparator"] == ">="]
    for condition in passed:
        if condition not in plain and condition not in minima:
            yield f"{'noted':<9}  {_title(condition)}\n{_wrapped(condition['reason'])}"
    told = [condition["name"].partition(".")[2] for condition in plain]
    told += [f"{c['metric'].removeprefix('section_scores.')} {c['actual']:g} >= {c['threshold']:g}" for c in minima]
    if told:
        yield _fill(", ".join(told), initial_indent=f"{'holds':<9}  ")


def _footer(body: Body) -> str:
    policy = body["policy"]
    lines = [f"Policy {policy['name']} version {policy['version']} ({policy['digest'][:12]})."]
    if body["score"] is not None:
        sections = ", ".join(f"{name} {score:g}" for name, score in body["section_scores"].items())
        lines.insert(0, f"ML Test Score {body['score']:g} ({sections}).")
    if body["decided_at"]:
        lines.append(f"Decided {_minute(body['decided_at'])}, good until {_minute(body['expires_at'])}.")
    if body["evaluation_url"]:
        lines.append(body["evaluation_url"].replace("/api/v1/gate/evaluations/", "/decisions/"))  # for people
    return "\n".join(lines)


def _minute(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M} UTC"


def _wrapped(text: str) -> str:
    """Indented to the text column, without what a terminal would take for a command."""
    harmless = _CONTROLS.sub("\ufffd", " ".join(text.split()))
    return _fill(harmless, initial_indent=INDENT)


# --- for tools ------------------------------------------------------------------------------------


def as_json(body: Body) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)


def junit(body: Body) -> str:
    """A JUnit report with a test case for each condition: failed is a failure, unknown an error."""
    conditions = body["conditions"] or [_undecided(body)]
    suite = ET.Element(
        "testsuite", name=f"assay gate {body['environment']}/{body['stage']}", tests=str(len(conditions))
    )
    suite.set("failures", str(sum(c["status"] == "fail" for c in conditions)))
    suite.set("errors", str(sum(c["status"] not in {"pass", "fail"} for c in conditions)))
    for condition in conditions:
        case = ET.SubElement(suite, "testcase", name=condition["name"])
        case.set("classname", f"{body['model']}@{body['version']}")
        if condition["status"] == "pass":
            continue
        outcome = ET.SubElement(case, "failure" if condition["status"] == "fail" else "error")
        outcome.set("message", _clean(condition["reason"]))
        outcome.text = _clean(f"{condition['reason']}\n{condition['remedy']}".strip())
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _undecided(body: Body) -> Body:
    return {"name": "decision", "status": body["status"], "reason": _summary(body), "remedy": ""}


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)


def markdown(body: Body) -> str:
    """A summary for a pull request or a job's page."""
    asked = f"{_escaped(body['model'])}@{_escaped(body['version'])} for {body['environment']}/{body['stage']}"
    lines = [f"### {VERDICTS[body['status']]}: {asked}", "", _summary(body)]
    if body["conditions"]:
        lines += ["", "| | condition | reason |", "|---|---|---|"]
        order = ("fail", "unknown", "pass")
        for condition in sorted(body["conditions"], key=lambda c: order.index(c["status"])):
            told = " ".join(filter(None, (condition["reason"], condition["remedy"])))
            lines.append(f"| {VERDICTS[condition['status']]} | {_escaped(_title(condition))} | {_escaped(told)} |")
    return "\n".join([*lines, "", *_footer(body).split("\n")])


def _escaped(text: str) -> str:
    """Text from models and people, so that it is shown and never read as markup."""
    return re.sub(r"([\\`*_\[\]<>|#!])", r"\\\1", " ".join(text.split()))


FORMS: Mapping[str, Callable[[Body], str]] = MappingProxyType(
    {"table": table, "json": as_json, "junit": junit, "markdown": markdown}
)
