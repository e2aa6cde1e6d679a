"""Two policies compared: added, removed, tightened, loosened, and by whom."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.gate.changes.compared import Asked, asked, changes, term_changes
from app.gate.terms import Clause, Demand
from tests.gate import planted

COMPARE = "/api/v1/policy-comparisons"
BASE = {"must_pass": ["DATA-1"], "minimum": {"score": 1}, "max_age_days": {"DATA-1": 14}}


def text(admit=BASE, **more):
    stages = {"admit": admit, **more.pop("stages", {})}
    return yaml.safe_dump({"assay_policy": 1, "name": "eu", "stages": stages, **more})


@pytest.fixture
def put(client):
    admin = client("admin")

    def do(body, path="/api/v1/policies/eu"):
        answer = admin.put(path, json={"text": body})
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()["version"]

    return do


@pytest.fixture
def compare(client):
    viewer = client("viewer")

    def do(after, **before):
        body = {"after": after, **({"before": before} if before else {})}
        return viewer.post(COMPARE, json=body)

    return do


def kinds(answer):
    return {one["subject"]: one["change"] for one in answer.json()["changes"]}


def file(body):
    return {"file": {"text": body, "filename": "eu.yaml"}}


@pytest.mark.both_databases
def test_versions_are_compared_condition_by_condition_with_origins(put, compare):
    put(text())
    put(text(BASE | {"minimum": {"score": 2}, "must_not_fail": ["MODEL-7"], "max_age_days": {"DATA-1": 30}}))
    found = compare({"policy": "eu"})
    assert (found.json()["before"], found.json()["after"]) == ("eu version 1", "eu version 2")
    assert kinds(found) == {
        "minimum.score": "tightened",
        "test.MODEL-7": "added",
        "max_age_days.DATA-1": "loosened",
    }
    [score] = [one for one in found.json()["changes"] if one["subject"] == "minimum.score"]
    assert (score["before"][0]["origin"], score["after"][0]["origin"]) == ("eu v1", "eu v2")
    assert (score["before"][0]["threshold"], score["after"][0]["threshold"]) == (1, 2)
    assert {one["risk_tier"] for one in score["places"]} == {"low", "medium", "high"}
    assert compare({"policy": "eu", "version": 1}, policy="eu", version=1).json()["changes"] == []
    assert "its first" in compare({"policy": "eu", "version": 1}).text


@pytest.mark.parametrize(
    ("admit", "more", "expected"),
    [
        (BASE | {"must_pass": [], "must_not_fail": ["DATA-1"]}, {}, {"test.DATA-1": "loosened"}),
        (BASE | {"must_pass": []}, {}, {"test.DATA-1": "removed"}),
        (BASE | {"approvals": {"reviewer": 2}}, {}, {"approvals.reviewer": "added"}),
        (
            BASE | {"phased_in": [{"enforced_from": "2030-01-01", "minimum": {"score": 3}}]},
            {},
            {"minimum.score": "tightened"},
        ),
        (
            BASE | {"risk_tiers": {"high": {"must_pass": ["MODEL-6"]}}},
            {},
            {"test.MODEL-6": "added"},
        ),
        (BASE, {"decision_lifetime_hours": 48}, {"decision_lifetime_hours": "loosened"}),
        (BASE, {"accept_not_applicable": ["DATA-1"]}, {"accept_not_applicable.DATA-1": "loosened"}),
        (
            BASE,
            {"waivers": {"approvers": ["admin"], "max_days": 120}},
            {"waivers.approvers": "tightened", "waivers.max_days": "loosened"},
        ),
        (BASE, {"windows": {"DATA-1": 365}}, {"windows.DATA-1": "loosened"}),
        (BASE, {"thresholds": {"DATA-1": {"min_rows": 10}}}, {"thresholds.DATA-1.min_rows": "changed"}),
    ],
)
def test_a_file_is_compared_with_what_is_in_force(put, compare, admit, more, expected):
    put(text())
    if "phased_in" in admit:
        body = text(admit, **more).replace("'2030-01-01'", "2030-01-01")
    else:
        body = text(admit, **more)
    assert kinds(compare(file(body))) == expected
    assert compare(file(text())).json()["changes"] == []


def test_a_change_for_one_risk_tier_is_told_there(put, compare):
    put(text())
    [one] = compare(file(text(BASE | {"risk_tiers": {"high": {"must_pass": ["MODEL-6"]}}}))).json()["changes"]
    assert one["places"] == [{"stage": "admit", "risk_tier": "high"}]
    assert one["after"][0]["origin"] == "eu v2 risk tier high"


def test_what_loosens_the_floor_is_told_with_its_line(put, compare):
    put(text())
    floor = {"decision_lifetime_hours": 12, "stages": {"admit": {"must_pass": ["DATA-4"]}}}
    ours = yaml.safe_dump({"assay_policy": 1, "name": "organisation", "floor": floor})
    before = compare(file(ours)).json()
    assert (before["before"], before["refused"]) == ("organisation version 1", [])
    put(ours, "/api/v1/policies/organisation")
    loose = "assay_policy: 1\nname: eu\naccept_not_applicable: [DATA-4]\nstages:\n  admit: {must_pass: [DATA-1]}\n"
    found = compare(file(loose)).json()["refused"]
    assert [(one["path"], one["line"]) for one in found] == [
        ("accept_not_applicable", 3),
        ("decision_lifetime_hours", 1),
    ]


def test_what_binds_two_models_tiers_or_stages(put, compare, database):
    with database.write() as session:
        planted.model(session, "calm", "low")
        planted.model(session, "credit-default", "high")
    put(
        text(
            BASE | {"risk_tiers": {"high": {"minimum": {"score": 3}}}},
            stages={"promote": {"extends": "admit", "must_pass": ["INFRA-6"]}},
        )
    )
    put(
        "assay_policy: 1\nmodel: credit-default\nstages: {admit: {must_pass: [MODEL-7]}}\n",
        "/api/v1/models/credit-default/policy",
    )
    side = {"policy": "eu", "stage": "admit"}
    models = compare(side | {"model": "credit-default"}, **side, model="calm")
    assert kinds(models) == {"minimum.score": "tightened", "test.MODEL-7": "added"}
    origins = {one["subject"]: one["after"][0]["origin"] for one in models.json()["changes"]}
    assert origins == {"minimum.score": "eu v1 risk tier high", "test.MODEL-7": "model credit-default v1"}
    assert kinds(compare(side | {"risk_tier": "high"}, **side, risk_tier="low")) == {"minimum.score": "tightened"}
    assert kinds(compare(side | {"stage": "promote"}, **side)) == {"test.INFRA-6": "added"}
    assert compare(side, policy="eu").status_code == 422
    assert compare(side | {"model": "credit-defalt"}, **side).status_code == 404


def test_what_the_organisation_bans_is_compared_too(put, compare):
    ours = "assay_policy: 1\nname: organisation\n"
    put(ours + "banned_features: [ssn]\n", "/api/v1/policies/organisation")
    found = compare(file(ours + "banned_features: [iban]\nslices: [{name: old, where: {age: {min: 60}}}]\n"))
    assert kinds(found) == {
        "banned_features.ssn": "loosened",
        "banned_features.iban": "tightened",
        "slices.old": "tightened",
    }


def test_a_question_that_names_nothing_or_no_valid_policy_is_refused(compare):
    assert compare({}).json()["errors"][0]["path"] == "after.policy"
    wrong = compare(file("assay_policy: 1\nname: eu\nstages:\n  admit: {must_pas: [DATA-1]}\n"))
    assert (wrong.status_code, wrong.json()["errors"][0]["line"]) == (422, 4)
    assert kinds(compare(file(text()))) == {
        "test.DATA-1": "added",
        "minimum.score": "added",
        "max_age_days.DATA-1": "added",
        "decision_lifetime_hours": "added",
        "waivers.approvers": "added",
        "waivers.max_days": "added",
    }


# --- pure -----------------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(st.sampled_from([None, "2026-01-01", "2027-01-01"]), st.integers(1, 4)), min_size=1, max_size=3
)


def staircase(some):
    clauses = [Clause("p", Demand(score=n), date.fromisoformat(day) if day else None) for day, n in some]
    return asked(clauses)


@given(steps, steps)
def test_what_is_tighter_one_way_is_looser_the_other(one, other):
    [there], [back] = (
        [change.kind for change in changes(*pair)] or [None]
        for pair in ((staircase(one), staircase(other)), (staircase(other), staircase(one)))
    )
    turned = {"tightened": "loosened", "loosened": "tightened", "changed": "changed", None: None}
    assert turned[there] == back
    assert list(changes(staircase(one), staircase(one))) == []


@given(steps)
def test_asking_for_more_in_addition_never_loosens(some):
    more = [*some, (None, 4)]
    assert {change.kind for change in changes(staircase(some), staircase(more))} <= {"tightened"}


@pytest.mark.parametrize(
    ("name", "old", "new", "kind"),
    [
        ("waivers.approvers", ["admin"], ["admin", "owner"], "loosened"),
        ("waivers.approvers", ["admin", "owner"], ["admin"], "tightened"),
        ("waivers.approvers", ["owner"], ["admin"], "changed"),
        ("waivers.never.must_pass.DATA-1", None, True, "tightened"),
        ("waivers.max_days", 30, 90, "loosened"),
    ],
)
def test_who_may_waive_is_compared_too(name, old, new, kind):
    [found] = term_changes(*({} if value is None else {name: value} for value in (old, new)))
    assert found.kind == kind


def test_a_pass_is_more_than_not_to_fail():
    assert Asked("must_pass.DATA-1", "pass").weight > Asked("must_not_fail.DATA-1", "fail").weight
