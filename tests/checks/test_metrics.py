"""Metrics against scikit-learn, resampling against the plain bootstrap, bounds against what they promise."""

import subprocess
import sys
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from sklearn import metrics as sk

from checks.contract import Missing
from checks.evidence import Predictions, Task
from checks.methods.metrics import (
    HIGHER_IS_BETTER,
    METRICS_OF,
    NEEDS_PROBABILITIES,
    benjamini_hochberg,
    bootstrap,
    corrected_lower_bounds,
    normal_upper_p,
    quality,
    rows_needed,
    screened_lower_bounds,
    shown,
    take,
)
from checks.methods.resampling import FEWEST_RESAMPLES, resampled
from tests.checks.planted import declaration

ROWS = 150
RNG = np.random.default_rng(3)


def classified(classes, rows=ROWS):
    truth = RNG.choice(classes, rows)
    proba = RNG.dirichlet(np.ones(len(classes)), rows) + 0.7 * (truth[:, None] == np.array(classes))
    proba = np.round(proba, 1) + 1e-9  # rounded: ties, and next to 0 and 1
    proba /= proba.sum(axis=1, keepdims=True)
    return truth, Predictions(np.array(classes)[proba.argmax(axis=1)], proba, tuple(classes))


def planted(task):
    if task is Task.BINARY:
        return classified(["no", "yes"])
    if task is Task.MULTICLASS:
        return classified(["a", "b", "c", "d"])
    truth = RNG.normal(100, 10, ROWS)
    return truth, Predictions(truth + RNG.normal(1, 5, ROWS))


def reference(task, name, truth, predicted):
    label, proba, classes = predicted.label, predicted.proba, list(predicted.classes)
    return {
        "accuracy": lambda: sk.accuracy_score(truth, label),
        "balanced_accuracy": lambda: sk.balanced_accuracy_score(truth, label),
        "f1": lambda: (
            sk.f1_score(truth, label, pos_label="yes")
            if task is Task.BINARY
            else sk.f1_score(truth, label, average="macro")
        ),
        "roc_auc": lambda: (
            sk.roc_auc_score(truth == "yes", proba[:, 1])
            if task is Task.BINARY
            else sk.roc_auc_score(truth, proba, multi_class="ovr", labels=classes)
        ),
        "log_loss": lambda: sk.log_loss(truth, proba, labels=classes),
        "mae": lambda: sk.mean_absolute_error(truth, label),
        "rmse": lambda: sk.root_mean_squared_error(truth, label),
        "r2": lambda: sk.r2_score(truth, label),
    }[name]()


every_metric = pytest.mark.parametrize(("task", "name"), [(t, m) for t in Task for m in METRICS_OF[t]])


@every_metric
def test_quality_is_scikit_learns_metric_with_more_being_better(task, name):
    truth, predicted = planted(task)
    sign = 1 if HIGHER_IS_BETTER[name] else -1
    found = quality(declaration(task=task, metric=name, positive="yes"), truth, predicted)
    assert found == pytest.approx(sign * reference(task, name, truth, predicted), abs=1e-12)
    perfect = Predictions(truth, (truth[:, None] == np.array(predicted.classes)).astype(float), predicted.classes)
    assert quality(declaration(task=task, metric=name, positive="yes"), truth, perfect) > found


@every_metric
def test_resampled_draws_what_the_plain_bootstrap_draws(task, name):
    truth, predicted = planted(task)
    declared = declaration(task=task, metric=name, positive="yes")

    slow = bootstrap(lambda rows: quality(declared, truth[rows], take(predicted, rows)), ROWS, 60)
    fast = resampled(declared, truth, predicted, 60).interval()

    assert fast.as_dict() == pytest.approx(slow.as_dict(), abs=1e-9)
    assert fast.low < fast.estimate < fast.high


@every_metric
def test_rare_classes_that_a_resample_misses_are_handled_alike(task, name):
    truth, predicted = planted(task)
    if task is not Task.REGRESSION:
        truth = np.where(np.arange(ROWS) < 2, predicted.classes[-1], predicted.classes[0])
    declared = declaration(task=task, metric=name, positive="yes")

    slow = bootstrap(lambda rows: quality(declared, truth[rows], take(predicted, rows)), ROWS, 60)
    fast = resampled(declared, truth, predicted, 60).interval()

    assert fast.as_dict() == pytest.approx(slow.as_dict(), abs=1e-9)


@pytest.mark.parametrize("values", [[False, True], [0, 1], [0.0, 1.0]])
def test_a_label_may_be_stored_as_another_type_than_the_prediction(values):
    truth, predicted = planted(Task.BINARY)
    declared = declaration(metric="f1", positive=1)
    as_numbers = Predictions((predicted.label == "yes").astype(int), predicted.proba, (0, 1))
    truth = np.array(values)[(truth == "yes").astype(int)]
    for name in METRICS_OF[Task.BINARY]:
        again = replace(declared, metric=name)
        assert quality(again, truth, as_numbers) == quality(again, truth.astype(int), as_numbers)
        assert np.isfinite(resampled(again, truth, as_numbers, 20).interval().low)


def test_a_difference_is_paired():
    truth, good = planted(Task.REGRESSION)
    shifted = Predictions(good.label + np.sign(good.label - truth))
    declared = declaration(task=Task.REGRESSION, metric="mae")
    one, other = resampled(declared, truth, good), resampled(declared, truth, shifted)
    difference = (one - other).interval()
    assert difference.estimate == pytest.approx(1)  # every error grew by one: no uncertainty is left
    assert difference.high - difference.low < 1e-9 < one.interval().high - one.interval().low
    assert one.standard_error() == pytest.approx((one.interval().high - one.interval().low) / 3.92, rel=0.1)


def test_large_data_draws_fewer_resamples():
    truth = np.arange(110_000) % 7
    found = resampled(declaration(metric="accuracy"), truth, Predictions(np.zeros_like(truth)))
    assert len(found.draws) == FEWEST_RESAMPLES


@pytest.mark.parametrize("name", NEEDS_PROBABILITIES)
def test_probabilities_are_asked_for(name):
    truth, predicted = planted(Task.BINARY)
    for score in (quality, resampled):
        with pytest.raises(Missing, match=f"probabilities, which the metric {name}"):
            score(declaration(metric=name, positive="yes"), truth, Predictions(predicted.label))


def test_a_class_that_the_model_does_not_know_is_named():
    truth, predicted = planted(Task.MULTICLASS)
    truth = np.where(np.arange(ROWS) < 3, "e", truth)
    with pytest.raises(Missing, match="the class e, which 3 rows have"):
        quality(declaration(task=Task.MULTICLASS, metric="log_loss"), truth, predicted)


def test_one_class_only_leaves_nothing_to_bound():
    _, predicted = planted(Task.BINARY)
    truth = np.full(ROWS, "no")
    declared = declaration(positive="yes")
    assert np.isnan(quality(declared, truth, predicted))
    with pytest.raises(Missing, match="every class"):
        resampled(declared, truth, predicted, 20).interval()


def test_losses_are_shown_as_people_know_them():
    assert shown("mae", -41.25) == "41.25"
    assert shown("roc_auc", 0.98765) == "0.9877"


def test_bootstrap_of_a_mean_covers_it_as_often_as_promised():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        values = rng.normal(5, 2, 80)
        bounds = bootstrap(lambda rows, v=values: float(v[rows].mean()), 80, 200)
        covered += bounds.low <= 5 <= bounds.high
    assert 88 <= covered <= 99


def test_rows_needed_grows_with_the_square_of_the_gap():
    assert rows_needed(100, estimate=0.02, bound=-0.02, limit=0.0) == 400
    assert rows_needed(100, estimate=0.02, bound=0.01, limit=0.0) == 101
    assert rows_needed(100, estimate=0.0, bound=-0.02, limit=0.0) is None


def test_normal_upper_p():
    assert normal_upper_p(1.96, 1, 0) == pytest.approx(0.025, abs=1e-4)
    assert normal_upper_p(0.1, 0, 0) == 0
    assert normal_upper_p(0, 0, 0) == 1


def test_benjamini_hochberg_gives_the_papers_example():
    # Benjamini and Hochberg 1995, section 3.2: the four smallest of fifteen are rejected.
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    assert benjamini_hochberg(p) == [True] * 4 + [False] * 11
    assert benjamini_hochberg(p[::-1]) == [False] * 11 + [True] * 4
    assert benjamini_hochberg([]) == []


def test_corrected_bounds_cross_the_limit_where_benjamini_hochberg_rejects():
    rng = np.random.default_rng(1)
    for _ in range(100):
        estimates = [(float(e), 0.01) for e in rng.normal(0.06, 0.02, 8)]
        rejected = benjamini_hochberg([normal_upper_p(e, s, 0.05) for e, s in estimates])
        assert [bound > 0.05 for bound in corrected_lower_bounds(estimates, 0.05)] == rejected
    assert corrected_lower_bounds([], 0) == []
    [alone] = corrected_lower_bounds([(0.5, 0.1)], 0)
    assert alone == pytest.approx(0.5 - 0.1 * NormalDist().inv_cdf(0.95))


def test_screened_bounds_cross_the_limit_where_doubled_p_values_of_candidates_are_rejected():
    rng = np.random.default_rng(1)
    for _ in range(100):
        estimates = [(float(e), 0.01) for e in rng.normal(0.06, 0.02, 8)]
        above = [e for e, _ in estimates if e > 0.05]
        rejected = benjamini_hochberg([2 * normal_upper_p(e, 0.01, 0.05) for e in above])
        bounds = screened_lower_bounds(estimates, 0.05)
        assert [bound > 0.05 for (e, _), bound in zip(estimates, bounds, strict=True) if e > 0.05] == rejected
        assert not any(bound > 0.05 for (e, _), bound in zip(estimates, bounds, strict=True) if e <= 0.05)
    assert screened_lower_bounds([], 0) == []
    [alone] = screened_lower_bounds([(0.5, 0.1)], 0)
    assert alone == pytest.approx(0.5 - 0.1 * NormalDist().inv_cdf(0.95))
    first, _ = screened_lower_bounds([(0.5, 0.1), (-9, 0.1)], 0)
    assert first == pytest.approx(0.5 - 0.1 * NormalDist().inv_cdf(0.975))


@pytest.mark.parametrize("truth", [[0.0] * 8, [0.0] + [-5.0] * 7, [0.0] * 4 + [-5.0] * 4, [-0.5] * 8])
def test_screened_bounds_are_wrong_as_seldom_as_promised(truth):
    """Every true value is at the limit or below, so one bound above it is one too many."""
    drawn = np.random.default_rng(2).normal(truth, 1.0, (4000, len(truth)))
    wrong = np.mean([max(screened_lower_bounds([(float(e), 1.0) for e in one], 0)) > 0 for one in drawn])
    assert wrong <= 0.05 + 3 * (0.05 * 0.95 / 4000) ** 0.5


def test_judging_loads_no_heavy_library():
    """Policies are judged anew in the web process, from what is stored."""
    modules = ("model.simpler_baseline", "model.slice_quality", "model.inclusion", "infra.quality_validation")
    script = f"""
import importlib, sys
for name in {modules}:
    importlib.import_module("checks." + name)
from checks.model.inclusion import Inclusion
column = {{"column": "sex", "problem": None, "without_value": 0, "left_out": 0, "groups": [
    {{"group": g, "rows": 500, "error": 0.1, "error_variance": 1e-4,
     "outcomes": [{{"class": "1", "actual": 100, "selected": 90, "hits": 80}}]}} for g in "fm"]}}
check = Inclusion()
print(check.judge({{"task": "binary", "rows": 1000, "columns": [column]}}, check.thresholds).verdict)
heavy = {{"numpy", "pandas", "scipy", "sklearn", "fairlearn"}} & set(sys.modules)
assert not heavy, heavy
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.strip()) == (0, "pass"), run.stderr
