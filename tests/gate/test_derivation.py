"""From stored facts to a decision's body: which run counts, whose thresholds judge, and the same again for ever."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gate.derivation import derive, in_progress, rederive
from app.gate.policies import DEFAULTS
from app.gate.runs import Measurement, due_checks, newest_runs
from app.scorecards.facts import FindingFact
from checks import discover
from checks.contract import Verdict
from checks.rubric import TESTS
from tests.gate.facts import NOW, SMALL_POLICY, attestation, facts, finding, inputs

PRODUCTION = (DEFAULTS / "production.yaml").read_text()
MEASURED = {
    "rows": 1000,
    "columns": [
        {"name": "income", "expects": ["type", "max"], "present": True, "failing": 5, "faults": {"max": 5}}
    ],
}


def newest(*evidence, test_id="DATA-1", thresholds=None, measurements=None, **changes):
    return newest_runs(
        facts(*evidence, **changes), (test_id,), {test_id: thresholds or {}}, measurements or {}
    ).get(test_id)


def condition_of(body, name):
    return next(condition for condition in body["conditions"] if condition["name"] == name)


# --- which run counts ---------------------------------------------------------------------------------


def test_the_newest_run_counts_whatever_it_found():
    runs = [finding("DATA-1", "pass", days=3, number=2), finding("DATA-1", "error", days=1, number=1)]
    assert newest(*runs).verdict is Verdict.ERROR
    assert newest(*reversed(runs)).verdict is Verdict.ERROR


def test_evidence_of_another_version_or_from_the_future_does_not_count_for_a_version_test():
    assert newest(finding("DATA-1", version="0.9.0")) is None
    assert newest(finding("DATA-1", days=-0.1)) is None
    assert newest(attestation("DATA-1", version="0.9.0")) is None


def test_a_system_test_carries_over_within_its_environment_only():
    there = finding("MON-2", version="0.9.0")
    elsewhere = finding("MON-2", environment="staging")
    assert newest(there, test_id="MON-2").verdict is Verdict.PASS
    assert newest(elsewhere, test_id="MON-2") is None
    assert newest(attestation("MON-2", environment="staging"), test_id="MON-2") is None


@pytest.mark.parametrize(
    ("found", "attested", "expected"),
    [
        (None, "pass", "pass"),
        ("error", "pass", "pass"),
        ("inconclusive", "pass", "pass"),
        ("pass", "fail", "fail"),
        ("fail", "pass", "fail"),  # by a check; a person's word does not undo it
    ],
)
def test_a_newer_attestation_is_the_newest_run_but_never_undoes_a_failed_check(found, attested, expected):
    evidence = [attestation("DATA-1", attested, days=1)]
    evidence += [finding("DATA-1", found, days=2)] if found else []
    assert newest(*evidence).verdict == expected


def test_an_older_attestation_does_not_hide_a_newer_run():
    assert newest(attestation("DATA-1", "pass", days=3), finding("DATA-1", "error", days=2)).verdict == "error"


def test_an_attestation_names_its_person():
    body = derive(inputs(facts(attestation("DATA-1"), finding("MODEL-6"))))
    assert condition_of(body, "must_pass.DATA-1")["reason"] == (
        "DATA-1 passed (attestation 3 by Ada): Compared by hand."
    )
    assert body["status"] == "pass"


# --- the policy's own thresholds ----------------------------------------------------------------------


def test_stored_findings_are_judged_anew_by_the_policys_thresholds():
    measured = {1: Measurement(values=MEASURED, thresholds=dict(discover()["DATA-1"].thresholds))}
    strict, loose = (
        newest(finding("DATA-1", "fail"), thresholds={"max_failing_cells": limit}, measurements=measured)
        for limit in (0.004, 0.005)
    )
    assert (strict.verdict, loose.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert strict.source == "audit 7, judged by the policy's max_failing_cells"
    assert "In 1 of 1 columns more than 0.4 % of cells fail" in strict.reason


def test_what_the_policy_does_not_name_is_judged_as_it_was():
    judged_by = {"max_failing_cells": 0.001, "min_rows": 2000}
    measured = {1: Measurement(values=MEASURED, thresholds=judged_by)}
    run = newest(finding("DATA-1", "pass"), thresholds={"max_failing_cells": 0.5}, measurements=measured)
    assert run.verdict is Verdict.INCONCLUSIVE


def test_a_policy_without_thresholds_leaves_the_verdict_alone():
    assert newest(finding("DATA-1", "fail"), measurements={1: Measurement(values=MEASURED)}).verdict == "fail"


@pytest.mark.parametrize("verdict", ["error", "inconclusive"])
def test_what_was_not_measured_cannot_be_judged(verdict):
    run = newest(finding("DATA-1", verdict), thresholds={"max_failing_cells": 1}, measurements={1: Measurement()})
    assert run.verdict == verdict


def test_measured_values_that_the_check_does_not_understand_deny():
    measured = {1: Measurement(values={"cells": 3})}
    run = newest(finding("DATA-1", "pass"), thresholds={"max_failing_cells": 1}, measurements=measured)
    assert run.verdict is Verdict.ERROR
    assert "KeyError" in run.reason


def test_an_estimate_is_known_from_what_was_measured():
    known = facts(finding("DATA-1"), finding("MODEL-6", number=2))
    body = derive(inputs(known, measurements={1: Measurement(estimated=True)}))
    assert (body["status"], condition_of(body, "must_pass.DATA-1")["status"]) == ("unknown", "unknown")


def test_the_policys_windows_replace_the_rubrics():
    old = facts(finding("DATA-1", days=70), finding("MODEL-6"))
    assert derive(inputs(old))["status"] == "unknown"
    assert derive(inputs(old, SMALL_POLICY + "windows: {DATA-1: 36}\n"))["status"] == "pass"
    assert derive(inputs(old, SMALL_POLICY + "windows: {DATA-1: 35}\n"))["status"] == "unknown"


# --- the whole answer ---------------------------------------------------------------------------------

EVERYTHING = [finding(test.id, number=number) for number, test in enumerate(TESTS, 1)]


def test_production_admits_a_version_that_shows_all_it_asks_for():
    body = derive(inputs(facts(*EVERYTHING), PRODUCTION))
    assert body["status"] == "pass"
    assert len(body["conditions"]) == 9
    assert body["decided_at"] == "2026-03-01T12:00:00Z"
    assert body["expires_at"] == "2026-03-02T12:00:00Z"
    assert body["policy"] == {"name": "production", "version": 1, "digest": "d" * 64}
    assert body["rubric_version"] == "2017.1"


def test_production_promotes_a_high_risk_model_from_three_points_on():
    known = facts(*EVERYTHING, runs=1)  # not recurring: every test earns 0.5, every section 3.5
    assert derive(inputs(known, PRODUCTION, stage="promote"))["status"] == "pass"
    less = dataclasses.replace(
        known, findings=tuple(f for f in known.findings if f.test_id not in {"MON-1", "MON-4"})
    )
    body = derive(inputs(less, PRODUCTION, stage="promote"))
    assert (body["status"], body["score"]) == ("fail", 2.5)
    assert derive(inputs(less, PRODUCTION, stage="promote", risk_tier="medium"))["status"] == "pass"


@pytest.mark.parametrize("verdict", ["fail", "error", "inconclusive", "not_applicable", None])
@pytest.mark.parametrize("test_id", ["DATA-1", "DATA-4", "MODEL-5", "INFRA-4"])
def test_production_never_passes_without_each_pass_it_asks_for(test_id, verdict):
    evidence = [f for f in EVERYTHING if f.test_id != test_id]
    evidence += [finding(test_id, verdict, number=99)] if verdict else []
    body = derive(inputs(facts(*evidence), PRODUCTION))
    assert body["status"] == ("fail" if verdict == "fail" else "unknown")


def test_no_evidence_at_all_is_not_a_pass():
    body = derive(inputs(facts(), PRODUCTION))
    assert body["status"] == "fail"  # the section minima, which are numbers, are missed
    tests = [c for c in body["conditions"] if c["comparator"] != ">="]
    assert {c["status"] for c in tests} == {"unknown"}


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": "assay_policy: 1\n"},
        {"stage": "promote"},
        {"known": facts(*EVERYTHING, windows={})},
    ],
)
def test_whatever_breaks_on_the_way_is_unknown_and_says_so(changes):
    given = {"known": facts(*EVERYTHING)} | changes
    body = derive(inputs(**given))
    assert body["status"] == "unknown"
    assert [c["name"] for c in body["conditions"]] == ["evaluation"]
    assert "could not be evaluated" in body["conditions"][0]["reason"]


def test_while_an_audit_runs_nothing_is_decided():
    body = in_progress(inputs(facts(*EVERYTHING), audit_id=5))
    assert (body["status"], body["audit_id"], body["conditions"], body["score"]) == ("in_progress", 5, [], None)
    assert body.keys() == derive(inputs(facts(*EVERYTHING))).keys()


def test_inputs_survive_being_stored_and_give_the_same_answer():
    measured = {1: Measurement(values=MEASURED, thresholds={"max_failing_cells": 0.001})}
    policy = SMALL_POLICY + "thresholds: {DATA-1: {max_failing_cells: 0.02}}\n"
    given = inputs(facts(*EVERYTHING, attestation("MODEL-6")), policy, measurements=measured)
    assert rederive(json.loads(json.dumps(given.model_dump(mode="json")))) == derive(given)


VERDICTS = st.sampled_from([verdict.value for verdict in Verdict if verdict is not Verdict.NONE])
EVIDENCE = st.builds(
    finding,
    st.sampled_from(["DATA-1", "MODEL-6"]),
    VERDICTS,
    days=st.floats(0, 100),
    number=st.integers(1, 9),
    version=st.sampled_from(["1.0.0", "0.9.0"]),
) | st.builds(
    attestation,
    st.sampled_from(["DATA-1", "MODEL-6"]),
    st.sampled_from(["pass", "fail"]),
    days=st.floats(0, 100),
    valid_days=st.floats(1, 200),
)


@given(evidence=st.lists(EVIDENCE, max_size=6))
def test_a_pass_rests_on_a_passing_run_of_this_version(evidence):
    known = facts(*evidence)
    body = derive(inputs(known))
    assert rederive(inputs(known).model_dump(mode="json")) == body
    if body["status"] == "pass":
        shown = [item for item in evidence if item.test_id == "DATA-1" and item.version == "1.0.0"]
        runs = [item for item in shown if isinstance(item, FindingFact)]
        newest_run = max(runs, key=lambda run: (run.at, run.finding_id), default=None)
        assert any((item.verdict if item in runs else item.result) == "pass" for item in shown)
        assert newest_run is None or newest_run.verdict != "fail"


# --- what has to run first ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "due"),
    [
        ([], True),
        ([finding("DATA-1", "error")], True),
        ([finding("DATA-1", days=30)], False),
        ([finding("DATA-1", days=30.01)], True),
        ([finding("DATA-1", "fail")], False),
        ([finding("DATA-1", "inconclusive")], False),
        ([attestation("DATA-1")], False),
        ([attestation("DATA-1", days=181)], True),
        ([finding("DATA-1", version="0.9.0")], True),
    ],
)
def test_a_check_is_due_without_a_completed_run_inside_its_window(evidence, due):
    assert due_checks(facts(*evidence), ("DATA-1",), {"DATA-1"}) == (["DATA-1"] if due else [])


def test_what_no_check_runs_is_never_due():
    assert due_checks(facts(as_of=NOW), ("DATA-1", "INFRA-6"), {"DATA-1"}) == ["DATA-1"]


@pytest.mark.parametrize(
    ("verdict", "undecided", "due"),
    [("inconclusive", (), []), ("inconclusive", ("INFRA-6",), ["INFRA-6"]), ("fail", ("INFRA-6",), [])],
)
def test_a_canary_that_had_too_few_requests_is_looked_at_again(verdict, undecided, due):
    known = facts(finding("INFRA-6", verdict), as_of=NOW)
    assert due_checks(known, ("INFRA-6",), {"INFRA-6"}, undecided) == due
