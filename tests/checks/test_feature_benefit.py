"""DATA-2 on models whose features are known to help, to be useless, to harm or to stand in for each other."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from defusedxml import ElementTree
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from checks.contract import Missing, Verdict
from checks.data.feature_benefit import FeatureBenefit
from checks.evidence import Acceptances, Feature, Predictions, Task
from checks.methods.importance import Benefit, FeatureGains, benefits, clusters, feature_gains
from checks.methods.plots import MOST_ROWS, interval_plot
from tests.checks.planted import (
    SklearnPredictor,
    applications,
    declaration,
    diabetes,
    features_of,
    fitted,
    halves,
    holdout,
    judged,
    require_storable,
    tumours,
)
from tests.checks.planted_models import stored

CHECK = FeatureBenefit()
NUMBERS = ["income", "debt", "noise", "children"]


class Weighing:
    """A logistic model with given weights: what each feature is worth is known without training."""

    classes_ = np.array([0, 1])

    def __init__(self, **weights):
        self.weights = pd.Series(weights)

    def predict_proba(self, inputs):
        score = 1 / (1 + np.exp(-(inputs[self.weights.index] @ self.weights).to_numpy()))
        return np.column_stack([1 - score, score])

    def predict(self, inputs):
        return (self.predict_proba(inputs)[:, 1] > 0.5).astype(int)


def normal(rows=4000, seed=0, **weights):
    """Independent normal columns, named as the weights by which they decide over ``y``."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.normal(0, 1, rows) for name in weights})
    return frame.assign(y=(frame @ pd.Series(weights) + rng.logistic(0, 1, rows) > 0).astype(int))


def of(declared, data, predictor):
    return CHECK.measure(feature_gains(declared, data, predictor))


def measured(frame, estimator, **declared):
    declared = declaration(features=features_of(frame, "y"), **declared)
    measurement = of(declared, holdout(frame), SklearnPredictor(estimator, declared))
    require_storable(measurement)
    return measurement


def trained(frame, estimator, **declared):
    train, test = halves(frame)
    declared = declaration(features=features_of(frame, "y"), **declared)
    return of(declared, holdout(test), fitted(estimator, declared, train))


def clusters_of(measurement):
    return stored(measurement)["clusters"]


def gains(measurement):
    return {" + ".join(cluster["features"]): cluster["gain"] for cluster in clusters_of(measurement)}


@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss"])
def test_features_that_decide_pass_under_every_metric(metric):
    measurement = measured(normal(a=2.0, b=1.0), Weighing(a=2.0, b=1.0), metric=metric)
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.PASS
    assert f"2 of 2 clusters credibly add to {metric}, none is proven useless." in judgement.reason
    assert list(gains(measurement)) == ["a", "b"]


@pytest.mark.parametrize("metric", ["mae", "rmse", "r2"])
def test_real_regression_passes_in_units_of_the_label(metric):
    frame = diabetes()[["bmi", "s5", "bp", "y"]]
    model, declared = LinearRegression(), {"task": Task.REGRESSION, "positive": None, "metric": metric}
    measurement = trained(frame, model, **declared)
    assert judged(CHECK, measurement).verdict is Verdict.PASS
    in_other_units = trained(frame.assign(y=frame["y"] * 1000), model, **declared)
    assert gains(in_other_units) == pytest.approx(gains(measurement))


def test_feature_that_the_model_never_uses_fails_by_name():
    judgement = judged(CHECK, measured(normal(rows=300, a=2.0, idle=0.0), Weighing(a=2.0, idle=0.0)))
    assert judgement.verdict is Verdict.FAIL
    assert "1 of 2 clusters add nothing to roc_auc: idle (gain at most" in judgement.reason
    assert judgement.remedy


def test_noise_that_boosted_trees_learnt_fails_by_name():
    frame = applications(20_000, seed=1)[["income", "debt", "noise", "y"]]
    model = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, random_state=0)
    judgement = judged(CHECK, trained(frame, model))
    assert judgement.verdict is Verdict.FAIL
    assert "1 of 3 clusters add nothing to roc_auc: noise" in judgement.reason


def test_feature_that_harms_fails_as_harmful():
    judgement = judged(CHECK, measured(normal(a=2.0, b=1.0), Weighing(a=2.0, b=-1.0)))
    assert judgement.verdict is Verdict.FAIL
    assert "b credibly harms (gain -" in judgement.reason


def test_stand_ins_are_permuted_together_and_not_called_useless():
    frame = normal(a=2.0, b=1.0)
    frame["copy"] = np.exp(frame["a"])
    measurement = measured(frame, Weighing(a=2.0, b=1.0, copy=0.0))
    assert list(gains(measurement)) == ["a + copy", "b"]
    assert judged(CHECK, measurement).verdict is Verdict.PASS
    halved = measured(frame.assign(copy=frame["a"]), Weighing(a=1.0, b=1.0, copy=1.0))
    assert gains(halved) == pytest.approx(gains(measurement))


def test_real_tumours_in_clusters():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    measurement = trained(tumours(), model, metric="log_loss")
    assert [c for c in clusters_of(measurement) if {"mean_radius", "worst_area"} <= set(c["features"])]
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.FAIL
    assert "1 of 13 clusters add nothing to log_loss: concave_points_error (gain at most 0.0002" in judgement.reason


def test_clusters_link_numbers_categories_and_both():
    rng, rows = np.random.default_rng(0), 1000
    kind = rng.choice(["x", "y", "z"], rows)
    frame = pd.DataFrame({"kind": kind, "alone": rng.normal(0, 1, rows), "shouted": np.char.upper(kind)})
    frame["level"] = pd.Series(kind).map({"x": 0, "y": 10, "z": 20}) + rng.normal(0, 1, rows)
    frame["beside"] = frame["level"] + rng.normal(0, 3, rows)
    found = clusters(declaration(features=features_of(frame)), frame)
    assert found == [["kind", "shouted", "level", "beside"], ["alone"]]


def test_categories_and_missing_values_are_permuted_as_they_are():
    frame = applications(3000).drop(columns=["sex", "noise", "children"])
    frame.loc[::7, "debt"] = np.nan
    frame["region"] = frame["region"].astype("category")
    encode = make_column_transformer((OneHotEncoder(), ["region"]), remainder="passthrough")
    model = make_pipeline(encode, HistGradientBoostingClassifier(random_state=0, max_iter=20))
    judgement = judged(CHECK, trained(frame, model))
    assert judgement.verdict is Verdict.PASS
    assert "3 of 3" in judgement.reason


def test_smallest_useful_gain_decides_at_its_boundary():
    measurement = measured(normal(a=2.0, b=0.5), Weighing(a=2.0, b=0.5))
    weak = clusters_of(measurement)[1]
    upper = weak["gain"] + 1.645 * weak["error"]
    assert judged(CHECK, measurement).verdict is Verdict.PASS
    assert judged(CHECK, measurement, min_gain=weak["gain"]).verdict is Verdict.PASS
    assert judged(CHECK, measurement, min_gain=upper * 1.5).verdict is Verdict.FAIL


def test_too_few_rows_are_inconclusive_until_the_threshold_allows_them():
    measurement = measured(normal(rows=99, a=2.0, idle=0.0), Weighing(a=2.0, idle=0.0))
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "99 labelled rows; 100 are needed" in judgement.reason
    assert judged(CHECK, measurement, min_rows=99).verdict is Verdict.FAIL


def test_unlabelled_rows_do_not_count():
    frame = normal(rows=150, a=2.0)
    frame["y"] = frame["y"].where(frame.index < 60)
    assert "60 labelled rows" in judged(CHECK, measured(frame, Weighing(a=2.0))).reason


def test_gains_that_cannot_be_told_from_nothing_are_inconclusive():
    measurement = measured(normal(rows=150, a=0.2, b=0.2), Weighing(a=0.2, b=0.2))
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "On 150 rows the gain of none of 2 clusters can be told from nothing" in judgement.reason


def test_weak_feature_that_flips_no_label_here_is_not_called_useless():
    """300 rows by accuracy: nothing flips, which proves a gain below 1 %, not one below 0.1 %."""
    frame = normal(rows=300, a=8.0, b=0.001)
    measurement = measured(frame, Weighing(a=8.0, b=0.001), metric="accuracy")
    weak = next(c for c in clusters_of(measurement) if c["features"] == ["b"])
    assert weak["gain"] == 0
    assert weak["moved"] > 0.9
    assert weak["error"] == pytest.approx(1 / frame["y"].value_counts().min())
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.PASS
    assert "Neither proven nor excluded on 300 rows: b." in judgement.reason


def test_useful_features_are_seldom_called_useless():
    """A gain just above the limit, in models near perfect and on few rows: at most one in twenty may fail."""
    weights = {"a": 20.0, "b": 0.95}
    declared = declaration(features=(Feature("a", "number"), Feature("b", "number")))
    population = benefits(declared, normal(rows=50_000, **weights), SklearnPredictor(Weighing(**weights), declared))
    assert 0.001 < population[1].gain < 0.002
    measurements = [measured(normal(rows=285, seed=seed, **weights), Weighing(**weights)) for seed in range(20)]
    assert [judged(CHECK, one).verdict for one in measurements].count(Verdict.FAIL) <= 1


def test_without_probabilities_the_label_is_scored():
    measurement = trained(normal(a=2.0, b=1.0), LinearSVC(), metric="roc_auc")
    assert stored(measurement)["metric"] == "balanced_accuracy"
    assert judged(CHECK, measurement).verdict is Verdict.PASS


def test_large_test_data_is_sampled():
    class Counting(Weighing):
        rows = 0

        def predict_proba(self, inputs):
            self.rows = max(self.rows, len(inputs))
            return super().predict_proba(inputs)

    model = Counting(a=2.0)
    assert stored(measured(normal(rows=12_000, a=2.0), model))["rows"] == 10_000
    assert model.rows == 30_000  # three permutations in one call


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_test_data_of_one_label_misses_the_other(rows):
    declared = declaration(features=(Feature("a", "number"),))
    frame = pd.DataFrame({"a": np.arange(float(rows)), "y": 1})
    with pytest.raises(Missing, match=f"two different labels .*{rows} labelled rows"):
        of(declared, holdout(frame), SklearnPredictor(Weighing(a=1.0), declared))


def test_absent_columns_are_named():
    declared = declaration(features=(Feature("a", "number"), Feature("b", "number")))
    with pytest.raises(Missing, match="the columns b, y in the test data"):
        of(declared, holdout(pd.DataFrame({"a": [1.0]})), SklearnPredictor(Weighing(a=1.0), declared))


def test_same_data_measures_the_same():
    frame = normal(rows=500, a=2.0, b=1.0)
    assert measured(frame, Weighing(a=2.0, b=1.0)) == measured(frame, Weighing(a=2.0, b=1.0))


def test_table_and_plot_tell_the_measured_gains():
    measurement = measured(normal(a=2.0, b=1.0), Weighing(a=2.0, b=1.0))
    table, plot = measurement.exhibits
    rows = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert {row["features"]: float(row["gain"]) for row in rows} == gains(measurement)
    assert all(float(row["low"]) < float(row["gain"]) < float(row["high"]) for row in rows)
    drawn = ElementTree.fromstring(plot.content)
    assert [text.text for text in drawn.iter() if text.get("text-anchor")] == ["a", "b"]


def test_plot_escapes_names_and_draws_a_bounded_number():
    hostile = "<script>alert(1)</script>"
    plot = interval_plot("p.svg", hostile, [(hostile, 0.0, 0.0, 0.0)] * (MOST_ROWS + 5))
    drawn = ElementTree.fromstring(plot.content)
    assert not [part for part in drawn.iter() if part.tag.endswith("script")]
    assert len([part for part in drawn.iter() if part.tag.endswith("circle")]) == MOST_ROWS


def test_predictions_alone_move_nothing():
    """A model that answers the same whatever it is asked gains nothing from anything."""

    class Constant:
        def predict(self, frame):
            return Predictions(np.ones(len(frame), int), np.full((len(frame), 2), 0.5), (0, 1))

    frame = normal(rows=500, a=2.0, b=1.0)
    measurement = of(declaration(features=features_of(frame, "y")), holdout(frame), Constant())
    assert {cluster["moved"] for cluster in clusters_of(measurement)} == {0.0}
    assert "2 of 2 clusters add nothing" in judged(CHECK, measurement).reason


def test_a_useless_feature_that_two_people_accept_is_named_and_one_that_harms_still_fails():
    found = measured(normal(a=2.0, b=0.0), Weighing(a=2.0, b=0.0))
    assert judged(CHECK, found).verdict is Verdict.FAIL

    def accepting(measurement, *names):
        clusters = tuple(Benefit(**one) for one in clusters_of(measurement))
        until = Acceptances({CHECK.id: dict.fromkeys(names, "2027-01-31"), "DATA-3": {"a": "2027-01-31"}})
        return CHECK.measure(FeatureGains("roc_auc", clusters, pd.DataFrame(index=range(4000))), until)

    judgement = judged(CHECK, accepting(found, "b"))
    assert judgement.verdict is Verdict.PASS
    assert "none else is proven useless. Accepted by two people: b (until 2027-01-31)." in judgement.reason
    assert judged(CHECK, accepting(found, "a")).verdict is Verdict.FAIL
    harmful = measured(normal(a=2.0, b=-1.0), Weighing(a=2.0, b=1.0))
    assert judged(CHECK, accepting(harmful, "b")).verdict is Verdict.FAIL


def test_the_error_of_a_useless_gain_is_how_far_it_strays_from_sample_to_sample():
    model = Weighing(signal=1.0, noise=0.2)
    found = []
    for seed in range(60):
        frame = normal(1500, seed, signal=1.0).assign(noise=np.random.default_rng([seed, 9]).normal(0, 1, 1500))
        found += [one for one in clusters_of(measured(frame, model)) if one["features"] == ["noise"]]
    strayed = np.std([one["gain"] for one in found], ddof=1)
    assert np.mean([one["error"] for one in found]) == pytest.approx(strayed, rel=0.2)
