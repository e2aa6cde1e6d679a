"""INFRA-7 on planted drills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from checks.contract import Verdict
from checks.infra.rollback import Rollback
from checks.operation import Drill, RollbackDrills
from checks.serving import Moment

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def judged(*drills):
    check = Rollback()
    measured = check.measure(Moment(NOW), RollbackDrills(drills)).values
    return check.judge(measured, check.thresholds)


def drill(days=1.0, there=2.0, back=3.0, requests=100, failed=0, error=None):
    at = NOW - timedelta(days=days)
    return Drill(at, "staging", "1.0.0", "1.1.0", there, back, requests, failed, error, automatic=True)


def test_a_good_drill_passes():
    judgement = judged(drill())
    assert judgement.verdict is Verdict.PASS
    assert "there in 2.0 s, back in 3.0 s; 0 of 100 requests failed" in judgement.reason


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (drill(failed=1, error="no answer"), "1 of 100 requests failed. It said: no answer"),
        (drill(there=60.1), "the way there took 60.1 s"),
        (drill(back=61.0), "the way back took 61.0 s"),
        (drill(back=None), "the way back did not end"),
        (drill(there=None, back=None, requests=0), "the way there did not end"),
    ],
)
def test_what_went_wrong_fails_and_is_named(bad, told):
    judgement = judged(bad)
    assert judgement.verdict is Verdict.FAIL
    assert told in judgement.reason
    assert judgement.remedy


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (drill(days=30.0), Verdict.PASS),
        (drill(days=30.01), Verdict.INCONCLUSIVE),
        (drill(there=60.0, back=60.0), Verdict.PASS),
        (drill(requests=10), Verdict.PASS),
        (drill(requests=9), Verdict.INCONCLUSIVE),
    ],
)
def test_the_limits(one, verdict):
    assert judged(one).verdict is verdict


def test_the_newest_drill_counts():
    assert judged(drill(days=1, failed=5), drill(days=9)).verdict is Verdict.FAIL
    assert judged(drill(days=9, failed=5), drill(days=1)).verdict is Verdict.PASS


def test_a_drill_that_is_too_old_names_the_command():
    assert "--drill" in judged(drill(days=40)).remedy
