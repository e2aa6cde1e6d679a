"""The organisation's floor and the additions for a model: what they add, and that nothing below loosens them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Invalid
from app.gate import document
from app.gate.derivation import Inputs, derive, rederive
from app.gate.in_force import InForce, PolicyText
from app.gate.runs import Measurement
from app.gate.service import _same
from checks.rubric import BY_ID
from tests.gate.facts import NOW, SMALL_POLICY, attestation, facts, finding, inputs, policy_text

ORDER = {"fail": 0, "unknown": 1, "pass": 2}
ADDITIONS = "assay_policy: 1\nmodel: credit-default\nstages:\n  admit: {must_pass: [MODEL-7]}\n"


def floor_text(**floor) -> PolicyText:
    text = yaml.safe_dump({"assay_policy": 1, "name": "organisation", "floor": floor})
    return PolicyText(name="organisation", version=3, digest="f" * 64, text=text)


def additions_text(text=ADDITIONS) -> PolicyText:
    return PolicyText(name="models/credit-default", version=1, digest="e" * 64, text=text)


def answer(*evidence, **changes):
    return derive(inputs(facts(*evidence), **changes))


def condition(body, name):
    [found] = [condition for condition in body["conditions"] if condition["name"] == name]
    return found


GOOD = finding("DATA-1", number=1), finding("MODEL-6", number=2)


# --- what is added --------------------------------------------------------------------------------


def test_the_floor_asks_in_addition_and_says_so():
    floor = floor_text(stages={"admit": {"must_pass": ["INFRA-4"]}})
    lacking = answer(*GOOD, floor=floor)
    assert (answer(*GOOD)["status"], lacking["status"]) == ("pass", "unknown")
    assert condition(lacking, "must_pass.INFRA-4")["origin"] == "organisation v3"
    assert condition(lacking, "must_pass.DATA-1")["origin"] == "production v1"
    shown = answer(*GOOD, finding("INFRA-4", number=3), floor=floor)
    assert shown["status"] == "pass"


def test_a_model_is_asked_for_more_than_others():
    lacking = answer(*GOOD, additions=additions_text())
    assert lacking["status"] == "unknown"
    assert condition(lacking, "must_pass.MODEL-7")["origin"] == "model credit-default v1"
    assert answer(*GOOD, finding("MODEL-7", number=3), additions=additions_text())["status"] == "pass"


@pytest.mark.parametrize(("tier", "status"), [("high", "unknown"), ("medium", "pass")])
def test_the_floor_asks_more_of_a_risk_tier(tier, status):
    floor = floor_text(stages={"admit": {"risk_tiers": {"high": {"must_pass": ["INFRA-4"]}}}})
    body = answer(*GOOD, floor=floor, risk_tier=tier)
    assert body["status"] == status
    if tier == "high":
        assert condition(body, "must_pass.INFRA-4")["origin"] == "organisation v3 risk tier high"


def test_what_the_floor_asks_of_admit_it_asks_of_promote():
    floor = floor_text(stages={"admit": {"must_pass": ["INFRA-4"]}, "promote": {"must_pass": ["INFRA-6"]}})
    policy = SMALL_POLICY + "  promote: {must_pass: [DATA-1]}\n"
    names = {c["name"] for c in answer(*GOOD, floor=floor, policy=policy, stage="promote")["conditions"]}
    assert names == {"must_pass.INFRA-4", "must_pass.INFRA-6", "must_pass.DATA-1"}
    assert "must_pass.INFRA-6" not in str(answer(*GOOD, floor=floor, policy=policy))


def test_an_environment_without_promote_is_no_way_around_the_floor():
    floor = floor_text(stages={"promote": {"must_pass": ["INFRA-6"]}})
    in_force = InForce(policy=policy_text(SMALL_POLICY), floor=floor)
    assert in_force.stages == ("admit", "promote")
    body = answer(*GOOD, floor=floor, stage="promote")
    assert {c["name"] for c in body["conditions"]} == {
        "must_pass.INFRA-6",
        "must_pass.DATA-1",
        "must_not_fail.MODEL-6",
    }
    assert InForce(policy=policy_text(SMALL_POLICY)).stages == ("admit",)


# --- what cannot be loosened ----------------------------------------------------------------------

MEASURED = {"rows": 1000, "columns": [{"name": "x", "expects": ["max"], "present": True, "failing": 5}]}
LENIENT = SMALL_POLICY + "thresholds: {DATA-1: {max_failing_cells: 0.5}}\n"


def test_an_environments_thresholds_do_not_judge_what_the_floor_asks_for():
    failed = finding("DATA-1", "fail", number=1), finding("MODEL-6", number=2)
    cells = {"rows": 1000, "columns": [{**MEASURED["columns"][0], "faults": {"max": 5}}]}
    measured = {1: Measurement(values=cells)}
    floor = floor_text(stages={"admit": {"must_pass": ["DATA-1"]}})
    alone = answer(*failed, policy=LENIENT, measurements=measured)
    both = answer(*failed, policy=LENIENT, measurements=measured, floor=floor)
    assert (alone["status"], both["status"]) == ("pass", "fail")
    assert condition(both, "must_pass.DATA-1")["origin"] == "organisation v3"
    lenient = floor_text(
        stages={"admit": {"must_pass": ["DATA-1"]}}, thresholds={"DATA-1": {"max_failing_cells": 0.5}}
    )
    assert answer(*failed, policy=LENIENT, measurements=measured, floor=lenient)["status"] == "pass"


def test_an_environments_windows_do_not_lengthen_the_floors():
    old = finding("DATA-1", number=1, days=61), finding("MODEL-6", number=2)
    policy, floor = (
        policy_text(SMALL_POLICY + "windows: {DATA-1: 365}\n"),
        {"stages": {"admit": {"must_pass": ["DATA-1"]}}},
    )
    assert answer(*old, policy=policy)["status"] == "pass"
    assert answer(*old, policy=policy, floor=floor_text(**floor))["status"] == "unknown"
    assert answer(*old, policy=policy, floor=floor_text(**floor, windows={"DATA-1": 365}))["status"] == "pass"


def test_an_environment_does_not_accept_what_the_floor_does_not():
    given = finding("DATA-1", "not_applicable", number=1), finding("MODEL-6", number=2)
    policy, floor = SMALL_POLICY + "accept_not_applicable: [DATA-1]\n", {"admit": {"must_pass": ["DATA-1"]}}
    assert answer(*given, policy=policy)["status"] == "pass"
    assert answer(*given, policy=policy, floor=floor_text(stages=floor))["status"] == "unknown"
    accepting = floor_text(stages=floor, accept_not_applicable=["DATA-1"])
    assert answer(*given, policy=policy, floor=accepting)["status"] == "pass"


def test_a_decision_lives_no_longer_than_the_floor_lets_it():
    floor = floor_text(stages={"admit": {"must_pass": ["DATA-1"]}}, decision_lifetime_hours=2)
    assert answer(*GOOD, floor=floor)["expires_at"] == (NOW + timedelta(hours=2)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("which", ["floor", "additions"])
def test_a_text_that_is_no_longer_valid_denies(which):
    wrong = {"floor": floor_text(stages={"admit": {"must_shine": ["DATA-1"]}}), "additions": additions_text("x: 1")}
    body = answer(*GOOD, **{which: wrong[which]})
    assert body["status"] == "unknown"
    assert [c["name"] for c in body["conditions"]] == ["evaluation"]


TESTS = ("DATA-1", "MODEL-6", "INFRA-4", "MON-2")
SOME = st.lists(st.sampled_from(TESTS), unique=True, max_size=3)


def demands():
    return st.fixed_dictionaries(
        {"must_pass": SOME, "must_not_fail": SOME},
        optional={"minimum": st.fixed_dictionaries({"score": st.sampled_from([0.5, 1.0])})},
    )


def stage_parts(day="enforced_from"):
    dated = demands().map(lambda demand: {**demand, day: (NOW + timedelta(days=1)).date()})
    return st.tuples(demands(), st.lists(dated, max_size=1), demands()).map(
        lambda parts: {**parts[0], "phased_in": parts[1], "risk_tiers": {"high": parts[2]}}
    )


HEAD = {"assay_policy": 1, "name": "production"}


def has_condition(part):
    return bool(part["must_pass"] or part["must_not_fail"] or part.get("minimum"))


def judging():
    return st.fixed_dictionaries(
        {"accept_not_applicable": SOME, "windows": st.dictionaries(st.sampled_from(TESTS), st.just(3650))}
    )


def policies(head):
    whole = st.tuples(stage_parts().filter(has_condition), judging())
    return whole.map(lambda parts: {**head, "stages": {"admit": parts[0]}, **parts[1]})


def runs():
    verdicts = st.sampled_from(["pass", "fail", "inconclusive", "error", "not_applicable"])
    found = st.dictionaries(st.sampled_from(TESTS), st.tuples(verdicts, st.sampled_from([1, 70, 400])))
    return found.map(
        lambda by_test: [
            finding(test_id, verdict, days=days, number=n)
            for n, (test_id, (verdict, days)) in enumerate(by_test.items())
        ]
    )


@settings(max_examples=150, deadline=None)
@given(
    policies({}), policies({"assay_policy": 1, "name": "production"}), stage_parts().filter(has_condition), runs()
)
def test_the_answer_is_never_more_permissive_than_the_floor_alone(floor, policy, added, evidence):
    """And no more than the environment's alone, and no more than either without the model's additions."""
    try:
        for form in (policy, {**HEAD, **floor}, {**HEAD, "stages": {"admit": added}}):
            document.parse(yaml.safe_dump(form))
    except Invalid:
        return  # such as a lower minimum in a risk tier
    ours, theirs = floor_text(**floor), policy_text(yaml.safe_dump(policy))
    more = additions_text(
        yaml.safe_dump({"assay_policy": 1, "model": "credit-default", "stages": {"admit": added}})
    )
    alone = policy_text(yaml.safe_dump({**HEAD, **floor}))
    given = {
        name: answer(*evidence, **changes)["status"]
        for name, changes in {
            "all": {"policy": theirs, "floor": ours, "additions": more},
            "two": {"policy": theirs, "floor": ours},
            "policy": {"policy": theirs},
            "floor": {"policy": alone},
        }.items()
    }
    assert ORDER[given["all"]] <= ORDER[given["two"]] or given["two"] == "unknown"
    assert given["two"] != "pass" or given["floor"] == "pass" or not enforced(alone)
    assert given["two"] != "pass" or given["policy"] == "pass" or not enforced(theirs)
    assert given["all"] != "pass" or given["two"] == "pass" or not enforced(theirs)
    if "fail" in {given["floor"], given["policy"]}:
        assert given["two"] == given["all"] == "fail"


def enforced(policy):
    [layer] = InForce(policy=policy).layers("admit", "high")
    return not layer.enforced(NOW.date()).empty


# --- bound, and the same for ever -----------------------------------------------------------------


def test_the_digest_tells_every_part_apart():
    policy, floor, additions = policy_text(SMALL_POLICY), floor_text(stages={}), additions_text()
    digests = [
        InForce(policy=policy).digest,
        InForce(policy=policy, floor=floor).digest,
        InForce(policy=policy, additions=additions).digest,
        InForce(policy=policy, floor=floor, additions=additions).digest,
        InForce(policy=policy, floor=floor.model_copy(update={"digest": "0" * 64})).digest,
    ]
    assert digests[0] == policy.digest
    assert len(set(digests)) == len(digests)


def test_a_decision_with_floor_and_additions_is_derived_the_same_from_what_is_stored():
    floor = floor_text(stages={"admit": {"must_pass": ["INFRA-4"]}})
    given = inputs(facts(*GOOD, attestation("MODEL-7")), floor=floor, additions=additions_text())
    assert rederive(json.loads(given.model_dump_json())) == derive(given)


def test_a_decision_from_before_there_were_floors_still_replays():
    given = inputs(facts(*GOOD)).model_dump(mode="json")
    old = {key: value for key, value in given.items() if key not in {"floor", "additions"}}
    body = derive(Inputs.model_validate(given))
    stored = {**body, "conditions": [dict(c) for c in body["conditions"]]}
    for told in stored["conditions"]:
        del told["origin"], told["enforced"]
    assert rederive(old) == body
    assert _same(stored, body)
    stored["conditions"][0]["reason"] = "Something else."
    assert not _same(stored, body)
    assert not _same({**body, "status": "fail"}, body)
    assert not _same({key: value for key, value in body.items() if key != "status"}, body)


ADMIT = "floor:\n  stages:\n    admit:\n      minimum: {score: 2}"

# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("floor", "line", "expected"),
    [
        ("floor: {}", 3, "floor.stages: is required"),
        ("floor: {stages: {}}", 3, "floor.stages: names no stage"),
        ("floor:\n  stages:\n    admit: {must_pas: [DATA-1]}", 5, 'did you mean "must_pass"?'),
        ("floor:\n  stages:\n    admit: {extends: promote}", 5, "unknown key"),
        ("floor:\n  stages:\n    admit: {minimum: {score: 0}}", 5, "has no condition"),
        ("floor:\n  stages:\n    admit: {must_pass: [DATA-1]}\n  thresholds: {DATA-1: {x: 1}}", 6, "unknown key"),
        (
            f"{ADMIT}\n      phased_in:\n        - {{enforced_from: 2026-12-01, minimum: {{score: 1}}}}",
            8,
            "1 is less",
        ),
        (f"{ADMIT}\n      phased_in: [{{must_pass: [DATA-1]}}]", 7, "enforced_from: is required"),
    ],
)
def test_a_wrong_floor_is_refused_with_its_line(floor, line, expected):
    with pytest.raises(Invalid) as caught:
        document.parse_floor(f"assay_policy: 1\nname: organisation\n{floor}\n", "organisation.yaml")
    assert caught.value.errors[0].line == line
    assert expected in caught.value.detail


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ADDITIONS.replace("MODEL-7", "MODEL-77"), "MODEL-77"),
        (ADDITIONS + "thresholds: {DATA-1: {}}\n", "unknown key"),
        (ADDITIONS.replace("{must_pass: [MODEL-7]}", "{}"), "has no condition"),
        (ADDITIONS.replace("admit: {must_pass: [MODEL-7]}", "{}"), "names no stage"),
    ],
)
def test_wrong_additions_are_refused(given, expected):
    with pytest.raises(Invalid, match=expected):
        document.parse_additions(given, "model.yaml")
    assert document.parse_additions(ADDITIONS).model == "credit-default"
    assert "MODEL-7" in BY_ID
