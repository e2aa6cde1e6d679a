"""Each verdict under each kind of condition; what adds up to which answer."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gate.policy import evaluate, overall
from app.gate.terms import Conditions, Demand, Known, Run, Status
from checks.contract import Section, Verdict
from tests.gate.facts import NOW, days_ago

MUST_PASS = Conditions(Demand(must_pass=("DATA-1",)))
MUST_NOT_FAIL = Conditions(Demand(must_not_fail=("DATA-1",)))
ACCEPTED = frozenset({"DATA-1"})


def run(verdict, days=1.0, **changes) -> Run:
    return Run("DATA-1", Verdict(verdict), days_ago(days), "audit 7", "It was measured.", "Do this.", **changes)


def known(*runs, **changes) -> Known:
    given = {
        "as_of": NOW,
        "runs": {found.test_id: found for found in runs},
        "test_scores": {},
        "section_scores": dict.fromkeys(Section, 7.0),
        "windows": {"DATA-1": 30},
    }
    return Known(**(given | changes))


def only_condition(conditions, facts):
    outcome = evaluate(conditions, facts)
    assert len(outcome.conditions) == 1
    assert outcome.status == outcome.conditions[0].status
    return outcome.conditions[0]


@pytest.mark.parametrize(
    ("verdict", "must_pass", "must_not_fail"),
    [
        ("pass", "pass", "pass"),
        ("fail", "fail", "fail"),
        ("inconclusive", "unknown", "pass"),
        ("error", "unknown", "unknown"),
        ("not_applicable", "unknown", "unknown"),
        ("none", "unknown", "unknown"),
    ],
)
def test_each_verdict_under_each_kind_of_condition(verdict, must_pass, must_not_fail):
    assert only_condition(MUST_PASS, known(run(verdict))).status == must_pass
    assert only_condition(MUST_NOT_FAIL, known(run(verdict))).status == must_not_fail


@pytest.mark.parametrize("conditions", [MUST_PASS, MUST_NOT_FAIL])
def test_a_test_that_never_ran_is_unknown(conditions):
    condition = only_condition(conditions, known())
    assert condition.status is Status.UNKNOWN
    assert condition.actual == "none"
    assert condition.reason == "DATA-1 has not run for this version."
    assert condition.remedy == "No check automates this test yet: attest it."
    assert only_condition(conditions, known(automated=frozenset({"DATA-1"}))).remedy == "Run an audit."


def test_a_system_test_that_never_ran_is_missed_in_the_environment():
    condition = only_condition(Conditions(Demand(must_not_fail=("MON-2",))), known())
    assert condition.reason == "MON-2 has not run for this model in this environment."


@pytest.mark.parametrize("conditions", [MUST_PASS, MUST_NOT_FAIL])
def test_not_applicable_satisfies_where_the_policy_accepts_it(conditions):
    accepting = dataclasses.replace(conditions, accept_not_applicable=ACCEPTED)
    assert only_condition(accepting, known(run("not_applicable"))).status is Status.PASS
    assert only_condition(accepting, known(run("error"))).status is Status.UNKNOWN


def test_an_inconclusive_run_that_is_let_through_is_listed_with_its_reason():
    condition = only_condition(MUST_NOT_FAIL, known(run("inconclusive")))
    assert condition.actual == "inconclusive"
    assert condition.reason == "DATA-1 was inconclusive, which is let through here (audit 7): It was measured."


def test_an_estimate_never_satisfies_must_pass():
    assert only_condition(MUST_PASS, known(run("pass", estimated=True))).status is Status.UNKNOWN
    assert only_condition(MUST_NOT_FAIL, known(run("pass", estimated=True))).status is Status.PASS
    assert only_condition(MUST_PASS, known(run("fail", estimated=True))).status is Status.FAIL


@pytest.mark.parametrize("conditions", [MUST_PASS, MUST_NOT_FAIL])
@pytest.mark.parametrize(
    ("verdict", "days", "expected"),
    [
        ("pass", 59.99, "pass"),
        ("pass", 60, "unknown"),
        ("inconclusive", 60, "unknown"),
        ("not_applicable", 60, "unknown"),
        ("fail", 600, "fail"),
    ],
)
def test_a_run_older_than_twice_its_window_shows_nothing_but_its_failure(conditions, verdict, days, expected):
    conditions = dataclasses.replace(conditions, accept_not_applicable=ACCEPTED)
    assert only_condition(conditions, known(run(verdict, days))).status == expected


def test_the_reason_of_an_outdated_run_names_age_and_window():
    condition = only_condition(MUST_PASS, known(run("pass", 75)))
    assert condition.reason == (
        "DATA-1 last ran 75 days ago (audit 7, 2025-12-16); after 2 times its window of 30 days a run shows "
        "nothing any more."
    )


@pytest.mark.parametrize("conditions", [MUST_PASS, MUST_NOT_FAIL])
def test_an_attestation_counts_until_it_expires(conditions):
    def attested(verdict, expires_in):
        return known(run(verdict, 400, expires_at=NOW + timedelta(seconds=expires_in)))

    assert only_condition(conditions, attested("pass", 1)).status is Status.PASS
    assert only_condition(conditions, attested("pass", 0)).status is Status.UNKNOWN
    assert only_condition(conditions, attested("fail", 0)).status is Status.FAIL


@pytest.mark.parametrize(("actual", "expected"), [(2.0, "pass"), (1.5, "fail")])
def test_a_section_minimum(actual, expected):
    scores = dict.fromkeys(Section, 7.0) | {Section.DATA: actual}
    facts = known(section_scores=scores, test_scores={"DATA-1": 1.0, "DATA-2": 0.5})
    condition = only_condition(Conditions(Demand(sections={Section.DATA: 2})), facts)
    assert condition.status == expected
    assert (condition.metric, condition.comparator, condition.threshold) == ("section_scores.data", ">=", 2)
    assert condition.actual == actual
    assert condition.reason == f"The data section scores {actual:g}; at least 2 is asked for."


def test_a_missed_minimum_names_the_tests_that_would_raise_it():
    scores = dict.fromkeys(Section, 7.0) | {Section.DATA: 1.5}
    facts = known(section_scores=scores, test_scores={"DATA-1": 1.0, "DATA-2": 0.5})
    condition = only_condition(Conditions(Demand(sections={Section.DATA: 2})), facts)
    assert condition.remedy == (
        "Give evidence for one of DATA-3, DATA-4, DATA-5, DATA-6, DATA-7, or let DATA-2 run automatically and "
        "again (each at 0.5 now)."
    )


@pytest.mark.parametrize(("infra", "expected"), [(3.0, "pass"), (2.5, "fail")])
def test_the_score_is_the_lowest_section(infra, expected):
    facts = known(section_scores=dict.fromkeys(Section, 7.0) | {Section.INFRA: infra})
    condition = only_condition(Conditions(Demand(score=3)), facts)
    assert (condition.status, condition.actual) == (expected, infra)
    assert "lowest: infra" in condition.reason


def test_minima_of_zero_are_no_conditions_and_no_condition_is_no_pass():
    nothing = Demand(score=0, sections=dict.fromkeys(Section, 0))
    assert nothing.empty
    outcome = evaluate(Conditions(nothing), known(run("pass")))
    assert (outcome.status, outcome.conditions) == (Status.UNKNOWN, ())


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "unknown"),
        (["pass", "pass"], "pass"),
        (["pass", "unknown"], "unknown"),
        (["pass", "unknown", "fail"], "fail"),
        (["pass", "in_progress"], "unknown"),
    ],
)
def test_any_fail_is_fail_and_else_any_unknown_is_unknown(statuses, expected):
    assert overall([Status(status) for status in statuses]) == expected


def test_a_failed_audit_makes_the_answer_unknown_though_old_evidence_passes():
    outcome = evaluate(MUST_PASS, known(run("pass"), audit_problem="Audit 9 failed: out of memory."))
    assert outcome.status is Status.UNKNOWN
    assert outcome.conditions[-1].reason == "Audit 9 failed: out of memory."


def test_a_mistake_in_our_own_code_denies(caplog):
    outcome = evaluate(MUST_PASS, known(run("pass"), windows={}))  # the window is not there: KeyError
    assert outcome.status is Status.UNKNOWN
    assert "KeyError" in outcome.conditions[0].reason
    assert "could not be evaluated" in caplog.text


def test_both_demands_at_once_are_never_less_than_either():
    low = Demand(("DATA-1",), ("MODEL-6", "INFRA-4"), 1, {Section.DATA: 2})
    high = Demand(("INFRA-4",), ("MON-5",), 0, {Section.DATA: 1, Section.MODEL: 1})
    both = low.and_also(high)
    assert both.must_pass == ("DATA-1", "INFRA-4")
    assert both.must_not_fail == ("MODEL-6", "MON-5")
    assert both.score == 1
    assert {s: p for s, p in both.sections.items() if p} == {Section.DATA: 2, Section.MODEL: 1}


RUNS = st.builds(
    run,
    st.sampled_from([*Verdict]),
    st.floats(0, 200),
    estimated=st.booleans(),
    expires_at=st.none() | st.floats(-100, 100).map(lambda days: NOW + timedelta(days=days)),
)


@given(found=st.none() | RUNS, accepted=st.booleans())
def test_nothing_but_a_proven_pass_inside_its_time_satisfies_must_pass(found, accepted):
    conditions = dataclasses.replace(MUST_PASS, accept_not_applicable=ACCEPTED if accepted else frozenset())
    passed = evaluate(conditions, known(*([found] if found else []))).status is Status.PASS
    if not passed:
        return
    in_time = found.expires_at > NOW if found.expires_at else NOW - found.at < timedelta(days=60)
    proven = found.verdict is Verdict.PASS and not found.estimated
    assert in_time
    assert proven or (accepted and found.verdict is Verdict.NOT_APPLICABLE)


@given(found=st.none() | RUNS)
def test_what_failed_or_did_not_complete_never_satisfies_must_not_fail(found):
    passed = evaluate(MUST_NOT_FAIL, known(*([found] if found else []))).status is Status.PASS
    if passed:
        assert found.verdict in {Verdict.PASS, Verdict.INCONCLUSIVE}


@given(found=st.lists(RUNS, max_size=1), minimum=st.floats(0.01, 7), score=st.floats(0, 7))
def test_a_pass_has_conditions_and_all_of_them_hold(found, minimum, score):
    conditions = Conditions(Demand(("DATA-1",), (), minimum, {Section.DATA: minimum}))
    outcome = evaluate(conditions, known(*found, section_scores=dict.fromkeys(Section, score)))
    assert len(outcome.conditions) == 3
    if outcome.status is Status.PASS:
        assert score >= minimum
        assert all(condition.status is Status.PASS for condition in outcome.conditions)
