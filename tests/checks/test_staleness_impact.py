"""MODEL-4 on recipes that age not at all, fast, slowly; and on curves that say too little."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from checks.contract import Missing, Verdict
from checks.evidence import Predictions, Task
from checks.model.staleness_impact import StalenessImpact, impact, limit_of
from checks.serving import AgedPredictions, AgedRun, RetrainingCadence
from tests.checks.planted import declaration, judged, require_storable
from tests.checks.planted_models import answered, stored

CHECK = StalenessImpact()
END = datetime(2026, 1, 1, tzinfo=UTC)
AGES = (0, 30, 60, 90, 120)


def aged(strengths, rows=6000, ages=AGES, apart=0.0, **changes):
    """A binary model a strength: scores so many standard deviations apart, of one noise but for ``apart``."""
    rng = np.random.default_rng(28)
    truth, noise = rng.integers(0, 2, rows), rng.normal(0, 1, rows)
    runs = []
    for age, strength in zip(ages, strengths, strict=True):
        own = noise + apart * rng.normal(0, 1, rows)
        score = 1 / (1 + np.exp(-(own + strength * (truth - 0.5))))
        predicted = answered(truth, (score > 0.5).astype(int), score)
        runs.append(AgedRun(f"cut-off {age}", END - timedelta(days=age), predicted))
    given = {"digest": "d" * 64, "labels": truth, "labelled_at": END + timedelta(days=10), "runs": tuple(runs)}
    return AgedPredictions(**(given | changes))


FLAT, SLOW, FAST = (2.0,) * 5, (2.0, 1.99, 1.98, 1.8, 1.6), (2.0, 1.7, 1.5, 1.3, 1.1)


def measured(evidence, cadence=None, **declared):
    found = CHECK.measure(declaration(**declared), evidence, cadence and RetrainingCadence(cadence))
    require_storable(found)
    return found


def verdict(evidence, cadence=None, **thresholds):
    return judged(CHECK, measured(evidence, cadence), **thresholds).verdict


@pytest.mark.parametrize("cadence", [None, 90, 120])
def test_a_recipe_that_does_not_age_is_known_not_to(cadence):
    found = measured(aged(FLAT), cadence)
    told = judged(CHECK, found)
    assert told.verdict is Verdict.PASS
    assert "6000 rows of test data. No loss of 2% up to 120 days." in told.reason
    assert limit_of(stored(found), CHECK.thresholds) == (130.0, False)


def test_a_cadence_that_is_longer_than_the_model_keeps_fails():
    told = judged(CHECK, measured(aged(FAST), 90))
    assert told.verdict is Verdict.FAIL
    assert "before the declared cadence of 90 days is over" in told.reason
    assert "credibly after 30" in told.reason


def test_a_loss_after_the_cadence_passes_and_names_its_age():
    found = measured(aged(SLOW), 60)
    told = judged(CHECK, found)
    assert told.verdict is Verdict.PASS
    assert "credibly after 90" in told.reason
    days, lost = limit_of(stored(found), CHECK.thresholds)
    assert lost
    assert 70 < days < 100


@pytest.mark.parametrize(("cadence", "expected"), [(None, Verdict.PASS), (60, Verdict.PASS), (90, Verdict.FAIL)])
def test_what_is_lost_at_the_cadences_end_was_lost_before(cadence, expected):
    assert verdict(aged(SLOW), cadence) is expected


def test_a_fast_loss_without_a_cadence_is_known():
    assert verdict(aged(FAST)) is Verdict.PASS


def test_three_cutoffs_are_inconclusive_and_name_the_number():
    told = judged(CHECK, measured(aged(FLAT[:3], ages=AGES[:3])))
    assert told.verdict is Verdict.INCONCLUSIVE
    assert "3 cut-off dates could be scored; 4 are needed" in told.reason
    assert verdict(aged(FLAT[:4], ages=AGES[:4])) is Verdict.PASS
    assert verdict(aged(FLAT[:4], ages=(0, 0, 60, 90))) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("cadence", "expected"), [(120, Verdict.PASS), (121, Verdict.INCONCLUSIVE)])
def test_the_curve_reaches_back_to_the_cadence(cadence, expected):
    assert verdict(aged(FLAT), cadence) is expected


@pytest.mark.parametrize(("last", "expected"), [(30, Verdict.PASS), (29, Verdict.INCONCLUSIVE)])
def test_without_a_cadence_it_reaches_back_a_month(last, expected):
    assert verdict(aged(FLAT[:4], ages=(0, 10, 20, last))) is expected


def test_too_few_rows_are_inconclusive_and_name_the_number():
    told = judged(CHECK, measured(aged(FLAT, rows=199)))
    assert told.verdict is Verdict.INCONCLUSIVE
    assert "199 labelled rows; 200 are needed" in told.reason
    assert verdict(aged(FLAT, rows=200)) is Verdict.PASS


def test_what_rows_cannot_settle_is_inconclusive():
    told = judged(CHECK, measured(aged((2.0,) * 5, rows=250, apart=0.7), 90))
    assert told.verdict is Verdict.INCONCLUSIVE
    assert "is left open" in told.reason
    assert "labelled rows would settle it" in told.remedy


def test_a_regression_loses_by_its_error():
    rng = np.random.default_rng(28)
    truth, noise = rng.normal(0, 10, 3000), rng.normal(0, 1, 3000)
    flat = aged(FLAT, rows=3000, labels=truth)

    def with_errors(factors):
        runs = [
            replace(run, predictions=Predictions(truth + factor * noise))
            for run, factor in zip(flat.runs, factors, strict=True)
        ]
        return replace(flat, runs=tuple(runs))

    declared = {"task": Task.REGRESSION, "metric": "mae", "positive": None}
    for factors, cadence, expected in [
        ((1,) * 5, 90, Verdict.PASS),
        ((1, 1.1, 1.2, 1.3, 1.4), 90, Verdict.FAIL),
        ((1, 1, 1, 1, 1.2), 90, Verdict.PASS),
    ]:
        assert judged(CHECK, measured(with_errors(factors), cadence, **declared)).verdict is expected


def test_the_order_of_trainings_does_not_matter():
    given = aged(SLOW)
    assert measured(replace(given, runs=given.runs[::-1])).values == measured(given).values


def test_a_training_that_cannot_be_scored_is_left_out_and_told():
    given = aged(FLAT, skipped=("version 0.1: gone",))
    broken = replace(given.runs[2], predictions=Predictions(given.runs[2].predictions.label))
    found = measured(replace(given, runs=(*given.runs[:2], broken, *given.runs[3:4])))
    told = judged(CHECK, found)
    assert told.verdict is Verdict.INCONCLUSIVE
    assert "version 0.1: gone; cut-off 60: needs class probabilities" in told.reason
    with pytest.raises(Missing, match="class probabilities"):
        measured(replace(given, runs=(broken,)))


# --- the curve itself -----------------------------------------------------------------------------


def curve(*points):
    """Points (days, loss, half-width of the interval)."""
    made = [
        {
            "days_older": days,
            "loss": {"estimate": loss, "low": loss - half, "high": loss + half},
            "standard_error": half / 1.96,
        }
        for days, loss, half in points
    ]
    return {"curve": made, "gap_days": 5.0}


def test_the_age_of_the_loss_lies_between_what_is_kept_and_what_is_lost():
    found = impact(curve((30, 0.0, 0.001), (60, 0.01, 0.001), (90, 0.03, 0.001)), CHECK.thresholds)
    assert (found.kept, found.lost, found.crossing) == (60, 90, 75)
    assert found.sure == 75
    open_first = impact(curve((30, 0.015, 0.01), (60, 0.01, 0.001), (90, 0.03, 0.001)), CHECK.thresholds)
    assert (open_first.kept, open_first.lost, open_first.sure) == (0, 90, 30)
    at_once = impact(curve((30, 0.04, 0.001)), CHECK.thresholds)
    assert (at_once.kept, at_once.lost, at_once.crossing) == (0, 30, 15)


def test_a_loss_of_exactly_the_limit_is_none():
    assert impact(curve((30, 0.02, 0.0)), CHECK.thresholds).lost is None
    assert impact(curve((30, 0.0201, 0.0)), CHECK.thresholds).lost == 30
    assert impact(curve((30, 0.02, 0.0)), CHECK.thresholds).kept == 30
