"""Decisions as people and tools read them, word for word."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from app.gate.derivation import derive, in_progress
from app.gate.policies import DEFAULTS
from app.gate.render import exit_code, render
from checks.rubric import BY_ID
from tests.gate.facts import facts, finding, inputs

PRODUCTION = (DEFAULTS / "production.yaml").read_text()
EVIDENCE = [
    finding("DATA-1", number=1),
    finding("DATA-4", number=2),
    finding("MODEL-5", number=3),
    finding("MODEL-7", number=4),
    finding(
        "INFRA-4",
        "fail",
        number=5,
        reason="roc_auc is 0.701 [0.690, 0.712], credibly below the floor of 0.72.",
        remedy="Retrain, or look for what changed in the data.",
    ),
    finding("MODEL-6", "inconclusive", number=6, reason="The slice young has 60 rows; 100 are needed."),
    finding("MODEL-1", number=7),
]
TABLE = """\
FAIL  credit-default@1.0.0 for production/admit
9 conditions: 2 failed, 1 unknown, 6 hold.

failed     INFRA-4 must pass: Model quality is validated before serving
           INFRA-4 failed (audit 7): roc_auc is 0.701 [0.690, 0.712], credibly below the floor of
           0.72.
           To do: Retrain, or look for what changed in the data.

failed     section data must be at least 2
           The data section scores 1; at least 2 is asked for.
           To do: Give evidence for one of DATA-2, DATA-3, DATA-5, DATA-6, DATA-7, or let DATA-1,
           DATA-4 run automatically and again (each at 0.5 now).

unknown    MON-5 must not fail: Models are numerically stable
           MON-5 has not run for this version.
           To do: No check automates this test yet: attest it.

noted      MODEL-6 must not fail: Model quality is sufficient on important data slices
           MODEL-6 was inconclusive, which is let through here (audit 7): The slice young has 60
           rows; 100 are needed.

holds      DATA-1, DATA-4, MODEL-5, MODEL-7, model 2 >= 2

ML Test Score 0 (data 1, model 2, infra 0.5, monitoring 0).
Policy production version 1 (dddddddddddd).
Decided 2026-03-01 12:00 UTC, good until 2026-03-02 12:00 UTC.
https://assay.example.com/decisions/42"""
MARKDOWN = """\
<!-- assay-gate credit-default production/admit -->
### FAIL: credit-default@1.0.0 for production/admit

1 condition: 1 failed.

| | condition | reason | to do |
|---|---|---|---|
| FAIL | INFRA-4 must pass: Model quality is validated before serving | INFRA-4 failed (audit 7): roc\\_auc is \
0.701 \\[0.690, 0.712\\], credibly below the floor of 0.72. | Retrain, or look for what changed in the data. |

ML Test Score 0 (data 0, model 0, infra 1, monitoring 0).<br>
Policy production version 1 (dddddddddddd).<br>
Decided 2026-03-01 12:00 UTC, good until 2026-03-02 12:00 UTC.<br>
<https://assay.example.com/decisions/42>"""
JUNIT = """\
<?xml version='1.0' encoding='utf-8'?>
<testsuite name="assay gate production/admit" tests="2" failures="0" errors="1" skipped="0" \
timestamp="2026-03-01T12:00:00Z">
  <properties>
    <property name="status" value="UNKNOWN" />
    <property name="summary" value="2 conditions: 1 unknown, 1 hold." />
    <property name="decision" value="https://assay.example.com/decisions/42" />
    <property name="facts" value="ML Test Score 0 (data 1, model 0, infra 0, monitoring 0). \
Policy production version 1 (dddddddddddd). Decided 2026-03-01 12:00 UTC, good until 2026-03-02 12:00 UTC. \
https://assay.example.com/decisions/42" />
    <property name="expires_at" value="2026-03-02T12:00:00Z" />
  </properties>
  <testcase name="must_not_fail.MODEL-6" classname="credit-default@1.0.0">
    <error type="unknown" message="MODEL-6 has not run for this version.">\
MODEL-6 must not fail: Model quality is sufficient on important data slices
MODEL-6 has not run for this version.
To do: No check automates this test yet: attest it.</error>
  </testcase>
  <testcase name="must_pass.DATA-1" classname="credit-default@1.0.0">
    <system-out>DATA-1 must pass: Feature expectations are captured in a schema
DATA-1 passed (audit 7): DATA-1 was measured.</system-out>
  </testcase>
</testsuite>"""


@pytest.fixture
def refused():
    runs = dict.fromkeys(BY_ID, 1) | {"MODEL-5": 2}  # one that recurs, so that the model section holds
    known = dataclasses.replace(facts(*EVIDENCE), runs=runs, automated=frozenset())
    return derive(inputs(known, PRODUCTION))


def test_the_table_puts_first_what_stands_against_it(refused):
    assert render(refused, "table") == TABLE


def test_the_json_is_the_body(refused):
    assert json.loads(render(refused, "json")) == refused


def test_markdown_for_a_pull_request():
    policy = PRODUCTION[: PRODUCTION.index("stages:")] + "stages: {admit: {must_pass: [INFRA-4]}}"
    body = derive(inputs(facts(EVIDENCE[4]), policy))
    assert render(body, "markdown") == MARKDOWN


def test_junit_has_a_case_a_condition():
    body = derive(inputs(facts(EVIDENCE[0], automated=frozenset())))
    assert render(body, "junit") == JUNIT


def test_junit_tells_failures_from_errors(refused):
    suite = ET.fromstring(render(refused, "junit"))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("9", "2", "1")
    assert len(suite.findall("testcase/failure")) == 2
    assert len(suite.findall("testcase/error")) == 1


@pytest.mark.parametrize(
    "body", [in_progress(inputs(facts(), audit_id=5)), derive(inputs(facts(), stage="promote"))]
)
def test_what_is_not_decided_is_green_nowhere(body):
    suite = ET.fromstring(render(body, "junit"))
    assert suite.get("errors") == suite.get("tests") == "1"
    assert exit_code(body) == 2


def test_while_an_audit_runs_the_table_says_so():
    told = render(in_progress(inputs(facts(), audit_id=5)), "table")
    assert told.startswith("IN PROGRESS  credit-default@1.0.0 for production/admit\nAudit 5 runs first;")


def test_a_dry_run_says_that_it_is_one():
    assert "(dry run, not recorded)" in render(derive(inputs(facts(), dry_run=True)), "table").split("\n")[0]


@pytest.mark.parametrize(
    ("status", "code"), [("pass", 0), ("fail", 1), ("unknown", 2), ("in_progress", 2), ("something new", 2)]
)
def test_exit_codes(status, code):
    assert exit_code({"status": status}) == code


def test_an_unknown_form_is_an_error(refused):
    with pytest.raises(KeyError):
        render(refused, "html")


def test_rendering_is_light_to_import():
    code = "import sys, app.gate.render; print({'sqlalchemy', 'pydantic', 'numpy', 'yaml'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
