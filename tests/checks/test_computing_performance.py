"""MON-6 on planted latencies, training runs and trends."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from checks.contract import Verdict
from checks.monitoring.computing_performance import ComputingPerformance
from checks.operation import Performance, PerformanceHistory

CHECK = ComputingPerformance()


def latencies(scale=1.0, n=2000, seed=1):
    return scale * np.random.default_rng(seed).lognormal(1, 0.4, n)


def daily(growth=0.0, days=14, noise=0.01):
    rng = np.random.default_rng(3)
    start = date(2026, 4, 1)
    return {
        (start + timedelta(days=day)).isoformat(): 10
        * (1 + growth * day / 14)
        * (1 + noise * rng.standard_normal())
        for day in range(days)
    }


def judged(current, previous=None, by_day=None):
    measured = CHECK.measure(PerformanceHistory(current, previous, by_day or {})).values
    return CHECK.judge(measured, CHECK.thresholds)


def of(version, **values):
    return Performance(version, **values)


def test_a_version_as_fast_as_before_passes():
    judgement = judged(of("2", latency_ms=latencies(seed=2)), of("1", latency_ms=latencies()), daily())
    assert judgement.verdict is Verdict.PASS
    assert "95th percentile of latency" in judgement.reason


@pytest.mark.parametrize(("scale", "verdict"), [(1.5, Verdict.FAIL), (1.05, Verdict.PASS), (0.5, Verdict.PASS)])
def test_the_95th_percentile_decides(scale, verdict):
    assert judged(of("2", latency_ms=latencies(scale, seed=2)), of("1", latency_ms=latencies())).verdict is verdict


def test_a_slower_tail_fails_where_the_median_stayed():
    slow = latencies(seed=2)
    slow[: len(slow) // 10] *= 4
    judgement = judged(of("2", latency_ms=slow), of("1", latency_ms=latencies()))
    assert judgement.verdict is Verdict.FAIL


def test_a_limit_inside_the_interval_passes_with_a_note():
    few = {"n": 300}
    judgement = judged(
        of("2", latency_ms=latencies(1.2, seed=1, **few)), of("1", latency_ms=latencies(seed=1, **few))
    )
    assert judgement.verdict is Verdict.PASS
    assert "Not proven to keep to 1.2 x" in judgement.reason


def test_too_few_latencies_are_not_judged_and_the_number_needed_is_named():
    judgement = judged(of("2", latency_ms=latencies(3, n=199)), of("1", latency_ms=latencies()))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "199 latencies of this version" in judgement.reason
    assert "200 of each" in judgement.reason
    assert judged(of("2", latency_ms=latencies(3, n=200)), of("1", latency_ms=latencies())).verdict is Verdict.FAIL


def test_nothing_to_compare_with_is_inconclusive():
    judgement = judged(of("1", latency_ms=latencies()))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "No earlier version" in judgement.reason


@pytest.mark.parametrize("what", ["training_seconds", "training_memory_mb"])
def test_training_that_costs_more_fails(what):
    before = of("1", **{what: (100.0, 104.0, 98.0)})
    assert judged(of("2", **{what: (150.0, 160.0, 155.0)}), before).verdict is Verdict.FAIL
    assert judged(of("2", **{what: (101.0, 99.0, 105.0)}), before).verdict is Verdict.PASS
    assert judged(of("2", **{what: (150.0, 160.0)}), before).verdict is Verdict.INCONCLUSIVE


def test_a_creeping_latency_fails_by_its_trend_alone():
    creeping = judged(of("1", latency_ms=latencies()), None, daily(0.4))
    assert creeping.verdict is Verdict.FAIL
    assert "in 14 days" in creeping.reason
    assert judged(of("1", latency_ms=latencies()), None, daily(0.03)).verdict is Verdict.PASS
    assert judged(of("1", latency_ms=latencies()), None, daily(0.4, days=6)).verdict is Verdict.INCONCLUSIVE


def test_one_bad_day_is_no_trend():
    by_day = daily()
    by_day[max(by_day)] *= 10
    assert judged(of("1", latency_ms=latencies()), None, by_day).verdict is Verdict.PASS


def test_the_same_evidence_measures_the_same():
    history = PerformanceHistory(of("2", latency_ms=latencies(seed=2)), of("1", latency_ms=latencies()), daily())
    assert CHECK.measure(history).values == CHECK.measure(history).values
