"""Policies tried on past decisions: what would have come out otherwise, and what cannot be told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.db import utcnow
from app.gate.changes.retrial import differences, not_kept, once_enforced
from app.gate.derivation import derive
from app.tables import Decision
from checks import discover
from tests.gate import planted
from tests.gate.facts import facts, finding, inputs

GATE, TRIALS = "/api/v1/gate/evaluations", "/api/v1/policy-trials"
ASKED = {"model": "credit-default", "version": "1.0.0", "environment": "production"}
HEAD = "assay_policy: 1\nname: production\n"
LOOSE = HEAD + "stages:\n  admit: {must_pass: [DATA-1]}\n"


@pytest.fixture
def subject(database):
    return planted.registered(database)[1]


@pytest.fixture
def decide(client, database, subject):
    """One decision on evidence in which these tests came out otherwise."""

    def do(environment="production", **verdicts):
        with database.write() as session:
            planted.admissible(session, subject, **verdicts)
        return client("reviewer").post(GATE, json=ASKED | {"environment": environment}).json()

    return do


@pytest.fixture
def attempt(client):
    def do(*texts, **asked):
        files = [{"filename": f"p{i}.yaml", "text": text} for i, text in enumerate(texts)]
        return client("viewer").post(TRIALS, json={"policies": files, **asked})

    return do


def asking(**demand):
    """A policy for production whose stage ``admit`` asks for that, in YAML's flow form."""
    return (
        HEAD
        + "stages:\n  admit: {must_pass: [DATA-1], "
        + ", ".join(f"{k}: {v}" for k, v in demand.items())
        + "}\n"
    )


# --- over HTTP ------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_it_tells_which_answers_turn_and_by_which_condition(decide, attempt):
    good, bad = decide(), decide(DATA_4="fail")
    assert (good["status"], bad["status"]) == ("pass", "fail")
    found = attempt(LOOSE).json()
    assert (found["decisions"], found["more"], found["not_replayed"]) == (2, False, [])
    assert found["before"] == {"pass": 1, "fail": 1, "unknown": 0}
    assert found["after"] == {"pass": 2, "fail": 0, "unknown": 0}
    [change] = found["changes"]
    assert (change["id"], change["before"], change["after"]) == (bad["id"], "fail", "pass")
    [why] = [one for one in change["conditions"] if one["name"] == "must_pass.DATA-4"]
    assert (why["before"], why["after"]) == ("fail", None)
    assert "not asked for any more" in why["reason"]
    assert found["policies"][0]["version"] == 2


def test_the_policy_in_force_changes_nothing(decide, attempt, client):
    decide()
    text = client("viewer").get("/api/v1/policies/production").json()["text"]
    found = attempt(text).json()
    assert (found["decisions"], found["changes"], found["policies"][0]["version"]) == (1, [], 1)


def test_a_new_demand_on_a_test_is_judged_by_what_was_found_then(decide, attempt, database, subject):
    decide(DATA_2="fail")
    with database.write() as session:
        planted.audit(session, subject, {"DATA-2": "pass"}, days=0)
    [change] = attempt(asking(must_not_fail="[DATA-2]")).json()["changes"]
    assert (change["before"], change["after"]) == ("pass", "fail")
    [why] = [one for one in change["conditions"] if one["name"] == "must_not_fail.DATA-2"]
    assert "DATA-2 failed" in why["reason"]
    assert why["origin"] == "production v2"


def test_thresholds_judge_what_the_findings_measured(decide, attempt, client, database, subject):
    decide()
    cells = {"name": "income", "expects": ["max"], "present": True, "failing": 5, "faults": {"max": 5}}
    measured = {"rows": 1000, "columns": [cells]}
    with database.write() as session:
        thresholds = dict(discover()["DATA-1"].thresholds)
        planted.audit(session, subject, {"DATA-1": "pass"}, days=0.5, measured=measured, thresholds=thresholds)
    made = client("reviewer").post(GATE, json=ASKED).json()
    strict, loose = (LOOSE + f"thresholds:\n  DATA-1: {{max_failing_cells: {limit}}}\n" for limit in (0.004, 0.005))
    [change] = attempt(strict).json()["changes"]
    assert (change["id"], change["after"]) == (made["id"], "fail")
    assert "judged by the policy's max_failing_cells" in change["conditions"][0]["reason"]
    assert attempt(loose).json()["changes"] == []


@pytest.mark.parametrize(
    ("demand", "name"),
    [
        ({"practice": "{rows: [25]}"}, "practice.25"),
        ({"practice": "{automation_level: 1}"}, "practice.automation_level"),
        ({"delivery": "{change_fail_rate_max: 0.3}"}, "delivery.change_fail_rate_max"),
    ],
)
def test_what_was_not_kept_is_unknown_and_says_so(decide, attempt, demand, name):
    made = decide()
    [change] = attempt(asking(**demand)).json()["changes"]
    assert (change["before"], change["after"], change["not_kept"]) == ("pass", "unknown", [name])
    [why] = [one for one in change["conditions"] if one["name"] == name]
    assert (
        why["reason"]
        == f"Unknown because decision {made['id']} kept nothing about it: its policies did not ask for it."
    )


def test_floors_bind_every_environment_and_additions_their_model(decide, attempt):
    decide()
    decide("staging")
    floor = "assay_policy: 1\nname: organisation\nfloor:\n  stages: {admit: {must_pass: [DATA-3]}}\n"
    found = attempt(floor).json()
    assert [(one["environment"], one["after"]) for one in found["changes"]] == [
        ("staging", "unknown"),
        ("production", "unknown"),
    ]
    additions = "assay_policy: 1\nmodel: credit-default\nstages: {admit: {must_pass: [DATA-3]}}\n"
    assert attempt(additions).json()["decisions"] == 2
    assert attempt(additions.replace("credit-default", "other")).json()["decisions"] == 0
    assert attempt(LOOSE).json()["decisions"] == 1


def test_it_can_be_narrowed_and_says_when_there_is_more(decide, attempt):
    made = [decide()["id"] for _ in range(3)]
    found = attempt(LOOSE, limit=2).json()
    assert (found["decisions"], found["more"]) == (2, True)
    assert attempt(LOOSE, limit=3).json()["more"] is False
    assert attempt(LOOSE, environment="staging").json()["decisions"] == 0
    assert attempt(LOOSE, model="credit-default").json()["decisions"] == len(made)
    assert attempt(LOOSE, model="credit-defalt").status_code == 404
    later = (utcnow() + timedelta(hours=1)).isoformat()
    assert attempt(LOOSE, since=later).json()["decisions"] == 0


def test_what_does_not_follow_from_its_inputs_is_left_out_and_named(decide, attempt, database):
    made = decide()
    with database.write() as session:
        row = session.get_one(Decision, made["id"])
        row.body = row.body | {"score": 7.0}
    found = attempt(LOOSE).json()
    assert (found["decisions"], found["not_replayed"][0]["decision"]) == (0, made["id"])
    assert "score" in found["not_replayed"][0]["why"]


def test_a_stage_that_is_gone_cannot_be_replayed(decide, attempt):
    decide()
    [gone] = attempt(HEAD + "stages:\n  promote: {must_pass: [DATA-1]}\n").json()["not_replayed"]
    assert "has no stage 'admit'" in gone["why"]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (HEAD + "stages:\n  admit: {must_pas: [DATA-1]}\n", 4, "must_pass"),
        (HEAD + "stages:\n  admit: {}\n", 4, "let everything pass"),
        ("assay_policy: 1\nstages: {}\n", 1, "names neither"),
    ],
)
def test_a_policy_that_is_not_valid_is_refused_with_its_line(attempt, text, line, told):
    answer = attempt(text)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["line"] == line
    assert told in answer.text
    assert answer.json()["detail"].startswith(f"p0.yaml:{line}: ")


def test_what_loosens_the_floor_is_refused_as_when_it_is_written(attempt):
    floor = "assay_policy: 1\nname: organisation\nfloor:\n  decision_lifetime_hours: 4\n"
    floor += "  stages: {admit: {must_pass: [DATA-4]}}\n"
    loosening = LOOSE + "accept_not_applicable: [DATA-4]\ndecision_lifetime_hours: 8\n"
    answer = attempt(floor, loosening)
    assert answer.status_code == 422
    assert [error["line"] for error in answer.json()["errors"]] == [5, 6]
    assert attempt(loosening).status_code == 200
    assert attempt(LOOSE, LOOSE).status_code == 422


# --- pure -----------------------------------------------------------------------------------------------


PHASED = LOOSE + "    phased_in: [{enforced_from: 2099-01-01, must_pass: [DATA-2]}]\n"
PHASED = PHASED.replace("admit: {must_pass: [DATA-1]}", "admit:\n    must_pass: [DATA-1]")


def test_grace_changes_nothing_yet_and_tells_what_it_will():
    known = facts(finding("DATA-1"), finding("DATA-2", "fail", number=2))
    before, after = derive(inputs(known, LOOSE)), derive(inputs(known, PHASED))
    assert (after["status"], once_enforced(after).value) == ("pass", "fail")
    [found] = differences(before, after)
    assert (found.name, found.before, found.after) == ("must_pass.DATA-2", None, "reported")
    assert list(differences(before, before)) == []


def test_a_waiver_counts_once_all_is_enforced_and_not_alone():
    passing = {"name": "must_pass.DATA-1", "status": "pass"}
    waived = {"name": "must_pass.DATA-2", "status": "fail", "waived_by": {"waiver": 1}}
    assert once_enforced({"conditions": [passing, waived]}) == "pass"
    assert once_enforced({"conditions": [waived]}) == "fail"


def test_what_older_decisions_never_looked_up_is_named():
    old = inputs(facts(finding("DATA-1")), LOOSE)
    text = asking(open_issues="{high: 0}", registration="[owner]")
    demand = inputs(facts(), text).in_force.layers("admit", "high")[0].demand
    assert not_kept(old, demand) == {"open_issues.high", "registration.owner"}
    kept = old.model_copy(update={"open_issues": {}, "registration": {"owner": "Ada"}})
    assert not_kept(kept, demand) == frozenset()
