"""INFRA-6 on planted answers of the runtime and planted traffic."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from checks.canaries import CanaryTraffic, RoleTraffic, ServedHoldout
from checks.contract import Verdict
from checks.evidence import HoldoutPredictions, Predictions, Task
from checks.infra.canary import Canary
from checks.methods.ratios import more_failures
from checks.serving import Moment
from tests.checks import planted

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ROWS = 2000
RNG = np.random.default_rng(6)
PROBA = RNG.random(ROWS)
OFFLINE = HoldoutPredictions((PROBA > 0.5).astype(int), np.column_stack([1 - PROBA, PROBA]), (0, 1))
BINARY = planted.declaration()


def runtime(*, differing=0, off=0.0, refused=0, problem=None, rows=ROWS) -> ServedHoldout:
    """The offline answers, ``differing`` rows of them with the other label, probabilities off by ``off``."""
    label, proba = OFFLINE.label[: rows - refused].copy(), OFFLINE.proba[: rows - refused] + off
    label[:differing] = 1 - label[:differing]
    made = None if problem else Predictions(label, proba, (0, 1))
    answered = np.arange(0 if problem else rows - refused)
    return ServedHoldout(np.arange(rows), answered, made, problem)


def role(requests=1000, errors=0, slower=1.0, seed=1) -> RoleTraffic:
    latencies = np.random.default_rng(seed).gamma(4.0, 2.0, requests - errors) * slower
    return RoleTraffic(requests, errors, latencies)


def traffic(canary=None, stable=None, days=0.5) -> CanaryTraffic:
    end = NOW - timedelta(days=days)
    return CanaryTraffic("production", end - timedelta(hours=2), end, canary or role(seed=2), stable)


def judged(served=None, canary=None, declared=BINARY, offline=OFFLINE, **thresholds):
    check = Canary()
    made = check.measure(declared, offline, served or runtime(), Moment(NOW), canary)
    planted.require_storable(made)
    return planted.judged(check, made, **thresholds)


GOOD = traffic(stable=role(9000))


def test_a_canary_like_the_stable_version_passes():
    judgement = judged(canary=GOOD)
    assert judgement.verdict is Verdict.PASS, judgement
    assert "2000 of 2000 rows are served as predicted offline" in judgement.reason
    assert "got 10.0% of the requests of its time, 0 of 1000 without an answer" in judgement.reason


@pytest.mark.parametrize(
    ("served", "told"),
    [
        (runtime(problem="the model cannot be loaded"), "does not serve the version: the model cannot be loaded"),
        (runtime(differing=3), "1997 of 2000 rows are served as predicted offline; 99.9% are needed"),
        (runtime(off=1.1e-5), "0 of 2000 rows"),
        (runtime(refused=3), "1997 of 2000 rows are served as predicted offline, 3 are refused"),
    ],
)
@pytest.mark.parametrize("canary", [GOOD, None])
def test_a_runtime_that_answers_otherwise_fails_whatever_the_canary(served, told, canary):
    judgement = judged(served, canary)
    assert judgement.verdict is Verdict.FAIL
    assert told in judgement.reason
    assert judgement.remedy


@pytest.mark.parametrize("served", [runtime(differing=2), runtime(off=0.9e-5), runtime(refused=2)])
def test_up_to_a_thousandth_and_the_tolerance_it_passes(served):
    assert judged(served, GOOD).verdict is Verdict.PASS


def test_other_classes_are_no_answer_alike():
    served = runtime()
    swapped = replace(served.predictions, classes=(1, 0))
    assert judged(replace(served, predictions=swapped), GOOD).verdict is Verdict.FAIL


def test_regression_is_compared_relative_to_the_value():
    declared = planted.declaration(task=Task.REGRESSION, metric="rmse", positive=None)
    values = np.linspace(1, 1e6, ROWS)
    for factor, verdict in ((1 + 0.9e-5, Verdict.PASS), (1 + 1.2e-5, Verdict.FAIL)):
        served = ServedHoldout(np.arange(ROWS), np.arange(ROWS), Predictions(values * factor))
        assert judged(served, GOOD, declared, HoldoutPredictions(values)).verdict is verdict


@pytest.mark.parametrize(
    ("canary", "told"),
    [
        (
            traffic(role(errors=20), role(9000, errors=9)),
            "20 of 1000 requests to the canary got no answer, where 9",
        ),
        (traffic(role(errors=5), role(9000)), "5 of 1000 requests to the canary got no answer, where 0 of 9000"),
        (traffic(role(errors=25)), "25 of 1000 requests to the canary got no answer (95 % interval from 1.6%"),
        (traffic(role(slower=1.5), role(9000)), "; 1.2 x is allowed"),
    ],
)
def test_more_errors_or_more_latency_fail_for_that_reason(canary, told):
    judgement = judged(canary=canary)
    assert judgement.verdict is Verdict.FAIL
    assert told in judgement.reason
    assert "rows are served" not in judgement.reason


@pytest.mark.parametrize(
    "canary",
    [
        traffic(role(errors=1), role(9000)),  # Newcombe's interval alone would call this credible
        traffic(role(errors=20), role(9000, errors=180)),
        traffic(role(slower=1.1), role(9000)),
        traffic(role(errors=10)),
        traffic(role(), None),
        traffic(role(100), role(1900)),
        traffic(role(1000), role(50_000)),
    ],
)
def test_what_is_not_credibly_worse_passes(canary):
    assert judged(canary=canary).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("canary", "told"),
    [
        (None, "was no canary in the audit's environment"),
        (traffic(role(99)), "The gateway took 99 requests for it as canary in production; 100 are needed"),
        (traffic(role(99, errors=90), role(9000)), "The gateway took 99 requests"),
        (traffic(role(), role(99)), "The stable version beside it took 99 requests; 100 are needed to compare"),
        (traffic(role(400), role(9000)), "It got 4.3% of the requests of its time"),
        (traffic(role(999), role(50_000)), "5%, or 1000 requests, are needed"),
        (traffic(stable=role(9000), days=30.1), "ended 30.1 days ago; 30 are allowed"),
        (traffic(role(errors=1000), role(9000), days=30.1), "ended 30.1 days ago"),
    ],
)
def test_too_little_is_inconclusive_and_says_how_much_is_needed(canary, told):
    judgement = judged(canary=canary)
    assert judgement.verdict is Verdict.INCONCLUSIVE, judgement
    assert told in judgement.reason
    assert judgement.remedy


def test_a_canary_without_any_request_can_be_measured():
    empty = RoleTraffic(0, 0, np.array([]))
    assert "took 0 requests" in judged(canary=traffic(empty, role(10))).reason


def test_too_few_rows_of_test_data_are_inconclusive():
    few = judged(runtime(rows=99), GOOD)
    assert (few.verdict, "The test data has 99 rows; 100 are needed" in few.reason) == (Verdict.INCONCLUSIVE, True)
    assert judged(runtime(rows=100), GOOD).verdict is Verdict.PASS


def test_newcombes_interval_is_the_published_one():
    """Newcombe 1998, table II, (a) 56/70 and 48/80: 0.0524 to 0.3339 by method 10."""
    found = more_failures((56, 70), (48, 80))
    assert found["low"] == pytest.approx(0.0524, abs=5e-5)
    assert found["high"] == pytest.approx(0.3339, abs=5e-5)
