"""A decision as a JUnit report, which nearly every CI system shows."""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree as ET

from app.gate.forms import words
from app.gate.forms.words import Body

OUTCOMES = {"pass": None, "noted": None, "fail": "failure", "waived": "skipped", "reported": "skipped"}
"""The element of a test case by how its condition stands; whatever else there may be is an error."""

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(body: Body) -> str:
    """A test case for each condition: failed is a failure, unknown an error, waived and reported are skipped."""
    conditions = words.by_gravity(body) or words.undecided(body)
    outcomes = Counter(_outcome(condition) for condition in conditions)
    suite = ET.Element("testsuite", name=f"assay gate {words.place(body)}", tests=str(len(conditions)))
    for attribute, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(outcomes[outcome]))
    if body["decided_at"]:
        suite.set("timestamp", body["decided_at"])
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(body).items():
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    for condition in conditions:
        _case(suite, f"{body['model']}@{body['version']}", condition)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _outcome(condition: Body) -> str | None:
    return OUTCOMES.get(words.standing(condition), "error")


def _properties(body: Body) -> dict[str, str]:
    known = {"status": words.verdict(body), "summary": words.summary(body), "decision": words.link(body)}
    known |= {"facts": " ".join(words.facts(body)), "expires_at": str(body["expires_at"] or "")}
    return {name: value for name, value in known.items() if value}


def _case(suite: ET.Element, asked: str, condition: Body) -> None:
    case = ET.SubElement(suite, "testcase", name=condition["name"], classname=asked)
    told = "\n".join(_clean(line) for line in [words.title(condition), *words.told(condition)])
    outcome = _outcome(condition)
    if outcome is None:
        ET.SubElement(case, "system-out").text = told
        return
    found = ET.SubElement(case, outcome, type=words.standing(condition), message=_clean(condition["reason"]))
    found.text = told


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", words.one_line(text))
