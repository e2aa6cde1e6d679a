"""INFRA-1 on planted pairs of trainings: alike, drifting, of different kinds, with too little in common."""

import pytest

from checks.contract import Verdict
from checks.experiments import TrainingOutcome, TrainingOutcomes
from checks.infra.reproducible_training import ReproducibleTraining
from tests.checks.planted import declaration, judged, require_storable

CHECK = ReproducibleTraining()
SAMPLE = {str(i): i / 100 for i in range(100)}


def outcome(run="ci-1", **changes):
    planted = {
        "commit": "3f2a91c",
        "data": "d" * 64,
        "config": {"max_iter": 200, "seed": 7},
        "environment": {"numpy": "2.4.6"},
        "metrics": {"auc": 0.8},
        "predictions": SAMPLE,
    }
    return TrainingOutcome(run, **{**planted, **changes})


def measured(first, second):
    trainings = TrainingOutcomes("d" * 64, None, (first, second))
    measurement = CHECK.measure(declaration(commit="3f2a91c"), trainings)
    require_storable(measurement)
    return measurement


def compared(**changes):
    return judged(CHECK, measured(outcome("ci-2", **changes), outcome()))


def moved(by):
    return {**SAMPLE, "50": 0.5 + by}


def test_equal_predictions_pass():
    judgement = compared()
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason == (
        "The trainings ci-2 and ci-1 differ by 0 at most in 100 predictions (1e-06 allowed)."
    )


@pytest.mark.parametrize(("by", "verdict"), [(0.99e-6, "pass"), (1.01e-6, "fail")])
def test_the_greatest_difference_of_predictions_decides(by, verdict):
    judgement = compared(predictions=moved(by), metrics={"auc": 0.9})
    assert judgement.verdict == verdict
    assert verdict == "pass" or "in 100 predictions by up to 1.01e-06, 1e-06 allowed" in judgement.reason


@pytest.mark.parametrize(
    ("auc", "verdict"), [(0.8008, "pass"), (0.80081, "fail"), (0.7992, "pass"), (0.7991, "fail")]
)
def test_or_the_greatest_difference_of_a_metric(auc, verdict):
    """0.1 % of the greater: 0.8008 x 0.999 = 0.79999."""
    judgement = compared(predictions=moved(0.1), metrics={"auc": auc})
    assert judgement.verdict == verdict
    assert "auc" in judgement.reason


def test_every_metric_counts():
    both = {"auc": 0.8, "loss": 0.4}
    pair = measured(outcome("ci-2", metrics=both, predictions={}), outcome(metrics=both, predictions={}))
    assert judged(CHECK, pair).verdict is Verdict.PASS
    worse = outcome("ci-2", metrics={**both, "loss": 0.41}, predictions={})
    reason = judged(CHECK, measured(worse, outcome(metrics=both, predictions={}))).reason
    assert "in loss by 2.439%, 0.1% allowed" in reason
    absent = measured(outcome("ci-2", predictions={}), outcome(metrics=both, predictions={}))
    assert "in that only one has loss" in judged(CHECK, absent).reason


def test_metrics_of_zero_are_equal_only_to_zero():
    assert compared(predictions={}, metrics={"auc": 0.0}).verdict is Verdict.FAIL
    pair = measured(
        outcome("ci-2", metrics={"e": 0.0}, predictions={}), outcome(metrics={"e": 0.0}, predictions={})
    )
    assert judged(CHECK, pair).verdict is Verdict.PASS


def test_a_failure_names_environments_that_differ():
    judgement = compared(predictions=moved(1), metrics={"auc": 0.9}, environment={"numpy": "1.26.4"})
    assert "Their environments differ, too: numpy (1.26.4, 2.4.6)." in judgement.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"commit": "abcdef1"}, "commit (abcdef1, 3f2a91c)"),
        ({"data": "e" * 64}, "data (eeeeeeeeeeee, dddddddddddd)"),
        ({"config": {"max_iter": 100, "seed": 7}}, "config.max_iter (100, 200)"),
        ({"config": {"max_iter": 200}}, "config.seed (None, 7)"),
    ],
)
def test_trainings_of_different_kinds_are_inconclusive_and_say_what_differs(changes, words):
    judgement = compared(**changes)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert words in judgement.reason


def test_an_abbreviated_commit_is_the_same():
    assert compared(commit="3f2a91c0000").verdict is Verdict.PASS


def few(count):
    return {name: SAMPLE[name] for name in list(SAMPLE)[:count]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"predictions": few(99), "metrics": {}}, "1 ids are in one of them only, and no metric is in both"),
        (
            {"predictions": {**SAMPLE, "0": [0.1, 0.9]}, "metrics": {}},
            "1 predictions have another number",
        ),
        ({"predictions": {}, "metrics": {"f1": 1.0}}, "100 ids are in one of them only"),
    ],
)
def test_too_little_in_common_is_inconclusive(changes, words):
    judgement = compared(**changes)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert words in judgement.reason


@pytest.mark.parametrize(("count", "verdict"), [(99, "inconclusive"), (100, "pass")])
def test_a_hundred_predictions_are_needed(count, verdict):
    pair = [outcome(run, predictions=few(count), metrics={}) for run in ("ci-2", "ci-1")]
    judgement = judged(CHECK, measured(*pair))
    assert judgement.verdict == verdict
    assert verdict == "pass" or "99 predictions where 100 are needed" in judgement.reason


def test_class_probabilities_are_compared_class_by_class():
    sample = {str(i): [0.2, 0.8] for i in range(100)}
    other = {**sample, "3": [0.2, 0.81]}
    pair = measured(outcome("ci-2", predictions=other, metrics={}), outcome(predictions=sample, metrics={}))
    assert pair.values["prediction_difference"] == pytest.approx(0.01)
    assert judged(CHECK, pair).verdict is Verdict.FAIL
