"""Conditions on the practice around a model: a row that is met passes, one that is missing fails, else unknown."""

import pytest

from app.errors import Invalid
from app.gate import document, service
from app.gate.derivation import rederive
from app.gate.policies import write_policy
from app.gate.practice import conditions
from app.gate.schemas import EvaluationIn
from app.gate.terms import PracticeDemand, PracticeFacts, RowFact
from tests.gate import planted

pytestmark = pytest.mark.both_databases

POLICY = "assay_policy: 1\nname: eu\nstages:\n  admit:\n    practice: {practice}\n"


@pytest.fixture
def subject(database):
    return planted.registered(database)[1]


@pytest.fixture
def ask(database, settings, identity, subject):
    def do(practice="{rows: [38]}"):
        with database.write() as session:
            write_policy(session, "eu", POLICY.format(practice=practice), "tests")
        with database.write() as session:
            request = EvaluationIn(model="credit-default", version="1.0.0", environment="eu", stage="admit")
            return service.evaluate(session, request, identity("viewer"), settings)

    return do


@pytest.mark.parametrize(
    ("verdict", "status", "actual"),
    [("pass", "pass", "met"), ("fail", "fail", "missing"), ("inconclusive", "unknown", "unknown")],
)
def test_a_row_is_a_condition(ask, database, subject, verdict, status, actual):
    with database.write() as session:
        planted.audit(session, subject, {"MON-7": verdict})
    row = ask()
    [told] = row.body["conditions"]
    assert (row.status, told["status"], told["actual"]) == (status, status, actual)
    assert (told["name"], told["metric"], told["threshold"]) == ("practice.38", "ledger.38", "met")
    assert rederive(row.inputs) == row.body


def test_a_row_without_evidence_is_unknown_and_says_what_to_do(ask):
    row = ask()
    [told] = row.body["conditions"]
    assert row.status == "unknown"
    assert "MON-7" in told["reason"]
    assert told["remedy"]


def test_a_decision_is_about_the_version_that_is_asked_about(ask, database, subject):
    with database.write() as session:
        planted.audit(session, subject, {"DATA-1": "pass", "DATA-7": "pass"})
        other = planted.version(session, planted.model(session, "other"), "1.0.0")
        planted.audit(session, other, {"DATA-1": "fail"})
    assert ask("{rows: [32]}").status == "pass"


def test_every_row_can_be_asked_for_and_no_other():
    assert document.parse(POLICY.format(practice="{rows: [1, 45]}")).conditions("admit", "low")
    for rows in ("[0]", "[46]", "[x]"):
        with pytest.raises(Invalid, match=r"practice\.rows"):
            document.parse(POLICY.format(practice=f"{{rows: {rows}}}"))


def test_a_policy_that_asks_for_nothing_is_refused():
    with pytest.raises(Invalid, match="has no condition"):
        document.parse(POLICY.format(practice="{rows: []}"))


@pytest.mark.parametrize(("level", "status"), [(None, "unknown"), (0, "fail"), (1, "pass"), (2, "pass")])
def test_the_level_of_automation(level, status):
    known = PracticeFacts(automation_level=level, lacking="Tell the runs of the pipeline.")
    [(name, _, judge)] = conditions(PracticeDemand(automation_level=1), known)
    found = judge()
    assert (name, found.status, found.actual) == ("practice.automation_level", status, level)
    assert bool(found.remedy) == (status != "pass")


def test_demands_add_up():
    both = PracticeDemand((25, 35), 1).and_also(PracticeDemand((3, 25), 2))
    assert both == PracticeDemand((3, 25, 35), 2)
    assert PracticeDemand().empty
    assert not PracticeDemand((1,)).empty


def test_a_row_that_nobody_judged_denies():
    [(_, _, judge)] = conditions(PracticeDemand((7,)), PracticeFacts({8: RowFact("t", "met")}))
    found = judge()
    assert (found.status, found.reason) == ("unknown", "Row 7 of the ledger was not looked up.")
