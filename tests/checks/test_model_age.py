"""MON-4: young enough, too old, nobody knows."""

from datetime import UTC, datetime, timedelta

import pytest

from checks.contract import Verdict
from checks.monitoring.model_age import ModelAge
from checks.serving import Moment, RetrainingCadence, StalenessLimit, TrainingPeriod
from tests.checks.planted import judged, require_storable

CHECK = ModelAge()
END = datetime(2026, 1, 1, tzinfo=UTC)


def judgement(age, limit=None, cadence=None, **thresholds):
    found = CHECK.measure(
        Moment(END + timedelta(days=age)), TrainingPeriod(END), limit, cadence and RetrainingCadence(cadence)
    )
    require_storable(found)
    return judged(CHECK, found, **thresholds)


@pytest.mark.parametrize(("age", "expected"), [(90, Verdict.PASS), (90.1, Verdict.FAIL)])
def test_the_measured_limit_counts_before_the_cadence(age, expected):
    told = judgement(age, StalenessLimit(90, 7), cadence=30)
    assert told.verdict is expected
    assert "(MODEL-4, finding 7), 90 days" in told.reason
    assert judgement(age, StalenessLimit(90, 7), cadence=300).verdict is expected


@pytest.mark.parametrize(("age", "expected"), [(30, Verdict.PASS), (30.1, Verdict.FAIL)])
def test_without_a_measured_limit_the_cadence_counts(age, expected):
    told = judgement(age, cadence=30)
    assert told.verdict is expected
    assert "the declared cadence of 30 days" in told.reason


def test_beyond_what_was_measured_without_loss_nobody_knows():
    limit = StalenessLimit(90, 7, lost=False)
    assert judgement(90, limit).verdict is Verdict.PASS
    assert judgement(91, limit).verdict is Verdict.INCONCLUSIVE
    assert judgement(91, limit, cadence=91).verdict is Verdict.INCONCLUSIVE
    assert judgement(91, limit, cadence=90.5).verdict is Verdict.FAIL


def test_without_any_limit_it_is_inconclusive():
    told = judgement(1)
    assert told.verdict is Verdict.INCONCLUSIVE
    assert "no limit is known" in told.reason
    assert "staleness-predictions" in told.remedy


def test_data_from_the_future_is_inconclusive():
    assert judgement(-0.1, cadence=30).verdict is Verdict.INCONCLUSIVE
    assert judgement(0, cadence=30).verdict is Verdict.PASS


def test_a_policy_may_allow_a_part_of_the_limit():
    assert judgement(50, cadence=100, max_share=0.5).verdict is Verdict.PASS
    assert judgement(51, cadence=100, max_share=0.5).verdict is Verdict.FAIL
