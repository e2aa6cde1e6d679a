"""INFRA-4 on numbers that are sound and good, void, too low, and worse than before."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from checks.contract import Missing, Verdict
from checks.evidence import EarlierVersions, Feature, Floor, Predictions, Rescored, Task
from checks.infra.quality_validation import QualityValidation
from tests.checks.planted import (
    declaration,
    diabetes,
    features_of,
    halves,
    holdout,
    judged,
    require_storable,
    training,
    tumours,
)
from tests.checks.planted_models import answered, scored, serving, stored, validated

CHECK = QualityValidation()
NOTHING = EarlierVersions()


def test_a_sound_number_above_the_floor_passes():
    found = validated(tumours(), 0.95)
    judgement = judged(CHECK, found, require_proof=True)
    assert judgement.verdict is Verdict.PASS
    assert "roc_auc 0.99" in judgement.reason
    assert "keeps to the floor 0.95. No serving version was compared. 0 of 285 rows" in judgement.reason
    require_storable(found)


def test_errors_have_an_upper_limit_for_a_floor():
    given = {"task": Task.REGRESSION, "metric": "mae"}
    assert judged(CHECK, validated(diabetes(), 60, **given)).verdict is Verdict.PASS
    judgement = judged(CHECK, validated(diabetes(), 30, **given))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason.startswith("mae 44.14 (95 % interval 39")
    assert "wholly on the wrong side of the floor 30" in judgement.reason


# --- void numbers: see test_leakage, too -----------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "score", "low", "expected"),
    [
        ("binary", 0.995, 0.9899, Verdict.PASS),
        ("binary", 0.995, 0.9901, Verdict.FAIL),
        ("regression", 0.9995, 0.9989, Verdict.PASS),
        ("regression", 0.9995, 0.9991, Verdict.FAIL),
    ],
)
def test_a_leak_is_credible_or_none(task, score, low, expected):
    given = {**values(), "task": task, "revealing": [{"feature": "x", "score": score, "low": low}]}
    assert verdict(given) is expected


# --- the floor -----------------------------------------------------------------------------------


def values(quality=(0.8, 0.76, 0.84), floor=0.7, *earlier, metric="accuracy"):
    """Measured values that are sound; ``earlier``: (version, serving, quality, lead, error of the lead)."""
    estimate, low, high = quality
    compared = [
        {"version": version, "serving": serves, "quality": other, "standard_error": error}
        | {"difference": {"estimate": lead, "low": lead - 1.96 * error, "high": lead + 1.96 * error}}
        for version, serves, other, lead, error in earlier
    ]
    counts = {"training_rows": 900, "training_twins": 0, "rows": 400, "twins": 0, "shared": 0, "shared_ids": None}
    return {
        "task": "binary",
        "metric": metric,
        "floor": floor,
        "rows": 400,
        "unlabelled": 0,
        "overlap": counts,
        "revealing": [{"feature": "x", "score": 0.9, "low": 0.85}],
        "quality": {"estimate": estimate, "low": low, "high": high},
        "earlier": compared,
        "skipped": [],
    }


def verdict(measured_values, **thresholds):
    return CHECK.judge(measured_values, {**CHECK.thresholds, **thresholds}).verdict


def test_the_floor_is_crossed_by_the_whole_interval_only():
    assert verdict(values(floor=0.8401)) is Verdict.FAIL
    assert verdict(values(floor=0.8399)) is Verdict.INCONCLUSIVE
    assert verdict(values(floor=0.8001)) is Verdict.INCONCLUSIVE
    assert verdict(values(floor=0.7999)) is Verdict.PASS
    assert verdict(values(floor=0.7999), require_proof=True) is Verdict.INCONCLUSIVE
    assert verdict(values(floor=0.7599), require_proof=True) is Verdict.PASS


def test_a_loss_has_its_floor_the_other_way_round():
    loss = (-0.4, -0.44, -0.36)
    assert verdict(values(loss, 0.3599, metric="log_loss")) is Verdict.FAIL
    assert verdict(values(loss, 0.39, metric="log_loss")) is Verdict.INCONCLUSIVE
    assert verdict(values(loss, 0.4401, metric="log_loss"), require_proof=True) is Verdict.PASS


def test_what_is_left_open_names_the_rows_that_would_settle_it():
    below = CHECK.judge(values(floor=0.82), CHECK.thresholds)
    assert "is not proven to keep to the floor 0.82" in below.reason
    assert "about 1600 labelled rows would settle it" in below.remedy
    above = CHECK.judge(values(floor=0.78), CHECK.thresholds)
    assert "is not proven to keep to the floor 0.78, nor to break it" in above.reason


def test_too_few_rows_are_inconclusive_and_name_the_number():
    short = {**values(floor=0.9), "rows": 99}
    judgement = CHECK.judge(short, CHECK.thresholds)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "99 labelled rows; 100 are needed" in judgement.reason
    assert verdict({**short, "rows": 100}) is Verdict.FAIL
    frame = tumours()
    tiny = validated(frame, 0.5, train=frame.iloc[:540], test=frame.iloc[540:].reset_index(drop=True))
    assert judged(CHECK, tiny).verdict is Verdict.INCONCLUSIVE
    require_storable(tiny)


def test_a_floor_must_be_declared():
    frame = tumours()
    declared = declaration(features=features_of(frame, "y"))
    with pytest.raises(Missing, match="a quality floor") as missing:
        CHECK.measure(declared, training(frame), holdout(frame), answered(None, frame["y"]), NOTHING)
    assert "quality.floor" in missing.value.how


# --- earlier versions ----------------------------------------------------------------------------


def compared(strengths, serving_strength=None, rows=2500, seed=0):
    """A version against earlier ones (newest first) whose scores share the noise and differ in strength."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(0, 1, 2 * rows), "y": rng.integers(0, 2, 2 * rows)})
    train, test = frame.iloc[:rows], frame.iloc[rows:].reset_index(drop=True)
    declared = declaration(features=(Feature("x", "number"),), floor=Floor("roc_auc", 0.5))
    this, *others = (scored(test["y"], strength, np.random.default_rng(1)) for strength in strengths)
    earlier = EarlierVersions(tuple(Rescored(f"1.{9 - i}", one) for i, one in enumerate(others)))
    if serving_strength is not None:
        incumbent = Rescored("1.0", scored(test["y"], serving_strength, np.random.default_rng(1)))
        earlier = replace(earlier, incumbent=incumbent)
    return CHECK.measure(declared, training(train), holdout(test), this, earlier)


def test_a_version_credibly_worse_than_the_serving_one_fails():
    found = compared([1.4], serving_strength=1.6)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "credibly worse than the serving version by more than 1.0%: 1.0 with 0.8" in judgement.reason
    require_storable(found)
    assert judged(CHECK, found, max_drop=0.1, max_leak=0.1).verdict is Verdict.PASS
    better = judged(CHECK, compared([1.6], serving_strength=1.4), require_proof=True)
    assert better.verdict is Verdict.PASS
    assert "as good as the serving version 1.0" in better.reason


def test_a_slow_leak_fails_though_no_step_is_credible():
    found = compared([1.40, 1.44, 1.48, 1.52, 1.56, 1.60], serving_strength=1.44)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "has leaked credibly more than 2.0% since" in judgement.reason
    assert "1.5 with 0.8" in judgement.reason
    assert "serving version" not in judgement.reason
    steady = judged(CHECK, compared([1.40, 1.41, 1.40, 1.39, 1.40, 1.41], serving_strength=1.41))
    assert steady.verdict is Verdict.PASS
    assert "No leak is credible over 6 earlier versions" in steady.reason


@pytest.mark.parametrize(
    ("earlier", "proof", "expected"),
    [
        ([("1.0", True, 0.8, -0.0277, 0.01)], False, Verdict.FAIL),  # high -0.0081, margin 0.008
        ([("1.0", True, 0.8, -0.0275, 0.01)], False, Verdict.PASS),
        ([("1.0", True, 0.8, 0.0115, 0.01)], True, Verdict.INCONCLUSIVE),  # low -0.0081
        ([("1.0", True, 0.8, 0.0117, 0.01)], True, Verdict.PASS),
        ([("1.0", False, 0.8, -0.0325, 0.01)], False, Verdict.FAIL),  # 0.016 + 1.645 * 0.01
        ([("1.0", False, 0.8, -0.0324, 0.01)], False, Verdict.PASS),
        ([("1.0", False, 0.8, -0.0325, 0.01), ("0.9", False, 0.8, 0.0, 0.01)], False, Verdict.PASS),  # corrected
        ([("1.0", False, 0.8, -0.0357, 0.01), ("0.9", False, 0.8, 0.0, 0.01)], False, Verdict.FAIL),
    ],
)
def test_boundaries_against_earlier_versions(earlier, proof, expected):
    assert verdict(values((0.8, 0.76, 0.84), 0.7, *earlier), require_proof=proof) is expected


def test_margins_of_losses_are_shares_of_their_size():
    worse = ("1.0", True, -40.0, -1.0, 0.1)  # 0.4 is allowed
    assert verdict(values((-41, -42, -40), 50, worse, metric="mae")) is Verdict.FAIL
    assert verdict(values((-41, -42, -40), 50, ("1.0", True, -40.0, -0.5, 0.1), metric="mae")) is Verdict.PASS


def test_versions_that_cannot_be_compared_are_named():
    frame = tumours()
    _, test = halves(frame)
    bare = Predictions(test["y"].to_numpy())
    silent = answered(None, np.where(np.arange(len(test)) < 3, np.nan, test["y"]))
    earlier = replace(serving("0.9", bare, ("0.8", silent)), skipped=("0.7: its artifact is gone",))
    found = validated(frame, 0.9, earlier=earlier)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.PASS
    assert "No serving version was compared" in judgement.reason
    assert "Not compared: 0.7: its artifact is gone; 0.9: needs class probabilities" in judgement.reason
    assert "0.8: needs a finite prediction for 3 of 285 rows" in judgement.reason


def test_the_same_audit_twice_is_identical_and_judged_alike_from_the_database():
    first, second = (compared([1.4, 1.5], serving_strength=1.6) for _ in range(2))
    assert first == second
    assert CHECK.judge(stored(first), CHECK.thresholds) == judged(CHECK, first)
