"""Conditions that are reported before the day from which they deny."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from app.gate.derivation import derive
from tests.gate.facts import NOW, facts, finding, inputs

POLICY = """
assay_policy: 1
name: production
stages:
  admit:
    must_pass: [DATA-1]
    phased_in:
      - enforced_from: 2026-04-01
        must_pass: [MODEL-7]
        minimum: {score: 2}
"""
BEFORE, AFTER = datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def answer(as_of, *evidence, text=POLICY):
    known = dataclasses.replace(facts(*evidence), as_of=as_of)
    body = derive(inputs(known, policy=text))
    return body["status"], {c["name"]: (c["status"], c["enforced"]) for c in body["conditions"]}


def run(test_id, verdict="pass", number=1):
    return finding(test_id, verdict, number=number, days=-29)


@pytest.mark.parametrize("verdict", ["pass", "fail", "error"])
def test_before_its_day_a_condition_is_reported_and_does_not_deny(verdict):
    status, conditions = answer(BEFORE, run("DATA-1"), run("MODEL-7", verdict, 2))
    judged = {"pass": "pass", "fail": "fail", "error": "unknown"}[verdict]
    assert status == "pass"
    assert conditions == {
        "must_pass.DATA-1": ("pass", True),
        "must_pass.MODEL-7": (judged, False),
        "minimum.score": ("fail", False),
    }


def test_from_its_day_on_it_denies():
    status, conditions = answer(AFTER, run("DATA-1"), run("MODEL-7", "pass", 2))
    assert status == "fail"
    assert set(conditions.values()) == {("pass", True), ("fail", True)}


def test_what_denies_already_denies_whatever_comes_later():
    assert answer(BEFORE, run("DATA-1", "fail"), run("MODEL-7", "pass", 2))[0] == "fail"


def test_nothing_but_what_comes_later_is_never_a_pass():
    text = POLICY.replace("    must_pass: [DATA-1]\n", "").replace("        minimum: {score: 2}\n", "")
    assert answer(BEFORE, run("MODEL-7"), text=text) == ("unknown", {"must_pass.MODEL-7": ("pass", False)})
    assert answer(AFTER, run("MODEL-7"), text=text)[0] == "pass"


def test_a_higher_minimum_that_comes_later_stands_beside_the_one_that_holds():
    text = POLICY.replace("must_pass: [DATA-1]", "minimum: {score: 0.5}").replace(
        "must_pass: [MODEL-7]\n        ", ""
    )
    found = derive(inputs(facts(), policy=text))["conditions"]
    assert [(c["name"], c["threshold"], c["enforced"]) for c in found] == [
        ("minimum.score", 0.5, True),
        ("minimum.score", 2, False),
    ]


def test_a_risk_tier_may_come_later():
    text = POLICY.split("    phased_in", maxsplit=1)[0] + (
        "    risk_tiers: {high: {enforced_from: 2026-04-01, must_pass: [MODEL-7]}}\n"
    )
    assert answer(BEFORE, run("DATA-1"), text=text)[0] == "pass"
    assert answer(AFTER, run("DATA-1"), text=text)[0] == "unknown"
    assert NOW < BEFORE
