"""DATA-6 on features that came quickly, slowly, or nobody knows when."""

from datetime import UTC, datetime, timedelta

import pytest

from checks.code import AddedFeature, AddedFeatures
from checks.contract import Verdict
from checks.data.feature_lead_time import FeatureLeadTime, _interval
from checks.serving import Moment
from tests.checks.planted import judged, require_storable

CHECK = FeatureLeadTime()
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SERVED = datetime(2026, 5, 1, tzinfo=UTC)


def added(days, name="income", **fields):
    return AddedFeature(name, SERVED - timedelta(days=days), "commit abc", SERVED, "1.1.0", **fields)


def waiting(days, name="age"):
    return AddedFeature(name, NOW - timedelta(days=days), "commit abc")


def unknown(name="debt"):
    return AddedFeature(name, None, "the clone is shallow", SERVED, "1.1.0")


def measured(*features):
    measurement = CHECK.measure(AddedFeatures("d" * 64, None, "production", "1.0.0", features), Moment(NOW))
    require_storable(measurement)
    return measurement


def of(*features):
    return judged(CHECK, measured(*features))


def test_quick_features_pass():
    judgement = of(added(10), added(20), added(300))
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason == (
        "Of the features added after 1.0.0 in production the median took 20 days (n = 3, too few for an interval, "
        "range 10 to 300)."
    )


def test_slow_features_fail_and_name_the_slowest():
    judgement = of(added(10), added(90, "debt"), added(80))
    assert judgement.verdict is Verdict.FAIL
    assert "took 80 days" in judgement.reason
    assert "debt first" in judgement.remedy


@pytest.mark.parametrize(("days", "verdict"), [(60, Verdict.PASS), (60.01, Verdict.FAIL)])
def test_at_the_limit(days, verdict):
    assert of(added(1), added(days), added(days)).verdict is verdict


def test_two_features_are_too_few():
    judgement = of(added(1), added(2))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "2 have a known time to production; 3 are needed." in judgement.reason
    assert of().verdict is Verdict.INCONCLUSIVE


class TestWaiting:
    def test_what_has_waited_too_long_counts(self):
        judgement = of(added(10), waiting(200), waiting(300, "zip"))
        assert judgement.verdict is Verdict.FAIL
        assert "took 200 days (n = 3" in judgement.reason

    @pytest.mark.parametrize(("days", "counted"), [(60, False), (61, True)])
    def test_what_may_still_be_quick_does_not(self, days, counted):
        judgement = of(added(10), added(20), waiting(days))
        assert judgement.verdict is (Verdict.PASS if counted else Verdict.INCONCLUSIVE)


class TestUnknown:
    def test_it_is_named_and_changes_nothing_where_it_cannot(self):
        judgement = of(added(1), added(2), added(3), unknown())
        assert judgement.verdict is Verdict.PASS
        assert judgement.reason.endswith("Without days: debt (the clone is shallow).")
        assert of(added(100), added(200), added(300), unknown()).verdict is Verdict.FAIL

    def test_it_leaves_open_what_it_could_turn(self):
        quick = of(added(1), added(2), added(3), unknown(), unknown(), unknown())
        assert quick.verdict is Verdict.INCONCLUSIVE
        assert "depends on these" in quick.reason
        slow = of(added(100), added(200), added(300), unknown(), unknown(), unknown(), unknown())
        assert slow.verdict is Verdict.INCONCLUSIVE

    def test_code_that_is_younger_than_its_use_tells_nothing(self):
        judgement = of(added(1), added(2), added(3), added(-5, "moved"))
        assert judgement.verdict is Verdict.PASS
        assert "moved (commit abc is later than its first use: was the code moved?)" in judgement.reason
        assert of(added(1), added(2), added(-5)).verdict is Verdict.INCONCLUSIVE
        assert of(added(0), added(0), added(0)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("n", "told"),
    [  # of 1..n; limits of the sign test's table, e.g. Conover 1999, table A3
        (3, "too few for an interval, range 1 to 3"),
        (5, "too few for an interval, range 1 to 5"),
        (6, "95 % interval 1 to 6"),
        (8, "95 % interval 1 to 8"),
        (9, "95 % interval 2 to 8"),
        (20, "95 % interval 6 to 15"),
        (100, "95 % interval 40 to 61"),
    ],
)
def test_interval_of_the_median(n, told):
    assert _interval([float(i) for i in range(1, n + 1)]) == told


def test_thresholds_decide():
    measurement = measured(added(10), added(20))
    assert judged(CHECK, measurement, min_features=2).verdict is Verdict.PASS
    assert judged(CHECK, measurement, min_features=2, max_median_days=14).verdict is Verdict.FAIL


def test_table_lists_every_feature():
    (table,) = measured(added(10), unknown()).exhibits
    assert table.content.decode().splitlines()[1:] == [
        "income,10.0,commit abc,1.1.0",
        "debt,,the clone is shallow,1.1.0",
    ]
