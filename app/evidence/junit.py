"""JUnit XML as test runners write it: one ``TestCase`` each, with the tags that the tests recorded.

A test declares what it tests through a property of its test case, which pytest writes for
``record_property("assay", "<kind>")``.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from app.evidence.xmlfile import root_of
from checks.evidence import TestCase

ROOTS = ("testsuites", "testsuite")
TAG_PROPERTY = "assay"
LONGEST_MESSAGE = 500

_OUTCOMES = {"error": "error", "failure": "failed", "skipped": "skipped"}
"""Worst first: a case that failed and then could not be torn down is an error."""


def parse(content: bytes) -> tuple[TestCase, ...]:
    """Every test case of the report, in its order; none when the report holds none.

    Raises:
        Invalid: not XML, not a JUnit report, or a report with a document type or entities.
    """
    root = root_of(content, "a JUnit report", "junit", ROOTS)
    return tuple(_case(element) for element in root.iter("testcase"))


def _case(element: Element) -> TestCase:
    found = next((child for tag in _OUTCOMES if (child := element.find(tag)) is not None), None)
    name = "::".join(part for part in (element.get("classname"), element.get("name")) if part)
    tags = (p.get("value", "") for p in element.iterfind("properties/property") if p.get("name") == TAG_PROPERTY)
    outcome = "passed" if found is None else _OUTCOMES[found.tag]
    return TestCase(name or "(unnamed)", outcome, tuple(tag for tag in tags if tag), _message(found))


def _message(found: Element | None) -> str:
    if found is None:
        return ""
    return (found.get("message") or (found.text or "").strip())[:LONGEST_MESSAGE]
