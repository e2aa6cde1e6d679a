"""MON-5 on models that stay finite and calm, that make NaN or infinity somewhere, and that jump at a touch."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from checks.contract import Verdict
from checks.evidence import Feature, HoldoutPredictions, Predictions, Task, TrainingMetrics
from checks.methods.metrics import chance_of_at_least
from checks.methods.noise import MOVES_KEPT, NOISE
from checks.monitoring.numerical_stability import NumericalStability
from tests.checks.planted import (
    applications,
    declaration,
    diabetes,
    features_of,
    fitted,
    halves,
    holdout,
    judged,
    predictions,
    require_storable,
    tumours,
)
from tests.checks.planted_models import stored

CHECK = NumericalStability()
FINITE = TrainingMetrics("d" * 64, None, {"loss": (0.9, 0.5, 0.3)})
SCALED = make_pipeline(StandardScaler(), LogisticRegression())


def measured(frame, model, training=None, **declared):
    """The check of ``model``, a predictor or an estimator to be fitted on half of ``frame``, on the other half."""
    train, test = halves(frame)
    declared = declaration(features=features_of(frame, "y"), **declared)
    predictor = model if isinstance(model, Formula) else fitted(model, declared, train)
    measurement = CHECK.measure(declared, holdout(test), predictions(predictor, test), predictor, training)
    require_storable(measurement)
    return measurement


class Formula:
    """A model whose probability is a formula of one column; its preprocessed input is another."""

    def __init__(self, formula, transform=None):
        self.formula = formula
        self.transform = transform

    def predict(self, frame):
        score = np.asarray(self.formula(frame["x"].to_numpy(dtype=float, na_value=np.nan)))
        return Predictions((score > 0.5).astype(int), np.column_stack([1 - score, score]), (0, 1))

    def transformed(self, frame):
        return None if self.transform is None else np.asarray(self.transform(frame[["x"]].to_numpy()))


def line(rows=1000):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(0, 1, rows), "y": rng.integers(0, 2, rows)})


def calm(x):
    return 1 / (1 + np.exp(-x))


def jumping(share):
    """A model that for this share of inputs answers 0 or 1 as if by chance, and otherwise always 0.5."""
    return Formula(lambda x: np.where(np.abs(x) % 0.1 < 0.1 * share, np.sin(1e9 * x) > 0, 0.5))


@pytest.mark.parametrize(
    "model",
    [
        SCALED,
        RandomForestClassifier(20, random_state=0),
        HistGradientBoostingClassifier(max_iter=20, random_state=0),
        DecisionTreeClassifier(random_state=0),
    ],
    ids=["linear", "forest", "boosted", "tree"],
)
def test_real_models_are_stable(model):
    judgement = judged(CHECK, measured(tumours(), model, FINITE))
    assert judgement.verdict is Verdict.PASS
    assert "No NaN or infinity in 285 rows (" in judgement.reason
    assert "Noise in 30 features moves " in judgement.reason


def test_real_regression_is_stable():
    measurement = measured(diabetes(), LinearRegression(), task=Task.REGRESSION, positive=None)
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.PASS
    assert "0 of 221 predictions by more than 0.25 standard deviations of the label" in judgement.reason
    assert 0 < max(stored(measurement)["noise"]["greatest"]) < 10 * NOISE


def rounded():
    frame = applications(4000)[["income", "debt", "noise", "y"]]
    return frame.assign(income=frame["income"].round(-3), debt=frame["debt"].round(2))


def test_forest_on_rounded_data_is_stable_though_values_lie_on_its_splits():
    measurement = measured(rounded(), RandomForestClassifier(50, random_state=0))
    assert judged(CHECK, measurement).verdict is Verdict.PASS
    assert judged(CHECK, measurement, max_move=0.01).verdict is Verdict.FAIL


def test_single_deep_tree_on_rounded_data_fails():
    judgement = judged(CHECK, measured(rounded(), DecisionTreeClassifier(random_state=0)))
    assert judgement.verdict is Verdict.FAIL
    assert "of 2000 predictions by more than 0.25 in probability, credibly more than 0.1 %" in judgement.reason


@pytest.mark.parametrize("faulty", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["label", "proba"])
def test_non_finite_prediction_fails_and_its_row_is_listed(where, faulty):
    frame, values = line(), {"label": np.zeros(1000), "proba": np.full((1000, 2), 0.5)}
    values[where][7] = faulty
    predicted = HoldoutPredictions(**values, classes=(0, 1))
    measurement = CHECK.measure(declaration(features=features_of(frame, "y")), holdout(frame), predicted)
    require_storable(measurement)
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "NaN or infinity in 1 rows of predictions."
    assert measurement.exhibits[0].content.decode() == "where,row\npredictions,7\n"
    assert judged(CHECK, measurement, max_non_finite=1).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("labels", [["a", None, "b"], ["a", np.nan, "b"], [1.0, np.inf, 0.0]])
def test_label_that_is_missing_counts_whatever_its_type(labels):
    frame = line(3)
    predicted = HoldoutPredictions(np.array(labels, dtype=object))
    measurement = CHECK.measure(declaration(features=features_of(frame, "y")), holdout(frame), predicted)
    assert stored(measurement)["non_finite"] == {"predictions": 1}


def test_predictions_alone_cannot_pass():
    frame = tumours()
    declared = declaration(features=features_of(frame, "y"))
    predicted = predictions(fitted(SCALED, declared, frame), frame)
    judgement = judged(CHECK, CHECK.measure(declared, holdout(frame), predicted, None, FINITE))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "No NaN or infinity in 569 predictions, but without the model" in judgement.reason
    assert "artifact" in judgement.remedy


@pytest.mark.parametrize("faulty", [float("nan"), float("inf"), float("-inf")])
def test_non_finite_training_metric_fails_by_name(faulty):
    training = TrainingMetrics("d" * 64, None, {"loss": (0.9, faulty, faulty), "accuracy": (0.1, 0.9)})
    judgement = judged(CHECK, measured(line(), Formula(calm), training))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "NaN or infinity in 2 steps of the training metric loss."


def test_what_was_not_looked_at_is_told():
    everything = judged(CHECK, measured(tumours(), SCALED, FINITE))
    assert "Not looked at" not in everything.reason
    assert "(predictions, predictions under noise, preprocessed inputs, training metrics)" in everything.reason
    little = judged(CHECK, measured(line(), Formula(calm)))
    assert little.verdict is Verdict.PASS
    assert "Not looked at: preprocessed inputs, training metrics." in little.reason


@pytest.mark.parametrize("made", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [float, object])
def test_preprocessing_that_makes_nan_or_infinity_fails(made, dtype):
    frame = line()
    _, test = halves(frame)
    rows = np.flatnonzero(test["x"] > 1.5)
    model = Formula(calm, lambda inputs: np.where(inputs > 1.5, made, inputs).astype(dtype))
    measurement = measured(frame, model)
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == f"NaN or infinity in {len(rows)} rows of preprocessed inputs."
    listed = measurement.exhibits[0].content.decode().splitlines()[1:]
    assert listed == [f"preprocessed inputs,{row}" for row in rows[:20]]


def test_missing_values_that_a_model_takes_as_they_are_pass():
    frame = applications(2000).drop(columns="sex")
    frame.loc[::3, ["debt", "region"]] = None
    encode = make_column_transformer((OneHotEncoder(), ["region"]), remainder="passthrough")
    model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=20, random_state=0))
    measurement = measured(frame, model)
    assert stored(measurement)["non_finite"]["preprocessed inputs"] == 0
    assert judged(CHECK, measurement).verdict is Verdict.PASS


def test_infinity_beside_a_missing_value_still_fails():
    frame = line()
    frame.loc[:, "x"] = np.where(frame.index == 0, np.nan, frame["x"])
    predicted = HoldoutPredictions(np.zeros(1000))
    model = Formula(lambda x: calm(np.nan_to_num(x)), lambda inputs: np.nan_to_num(inputs, nan=np.inf))
    declared = declaration(features=features_of(frame, "y"))
    judgement = judged(CHECK, CHECK.measure(declared, holdout(frame), predicted, model))
    assert judgement.reason == "NaN or infinity in 1 rows of preprocessed inputs."


def test_noise_that_makes_a_prediction_nan_fails():
    frame = line()
    exact = set(halves(frame)[1]["x"])
    model = Formula(lambda x: np.array([0.5 if value in exact or value < 1.5 else np.nan for value in x]))
    judgement = judged(CHECK, measured(frame, model))
    assert judgement.verdict is Verdict.FAIL
    assert "rows of predictions under noise" in judgement.reason


def test_model_that_jumps_at_a_touch_fails():
    measurement = measured(line(), jumping(1))
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.FAIL
    assert "Noise of 1e-06 standard deviations moves at least 200 of 500 predictions" in judgement.reason
    assert len(stored(measurement)["noise"]["greatest"]) == MOVES_KEPT


def test_regression_that_jumps_fails_in_units_of_the_label():
    frame = diabetes()
    steep = make_pipeline(FunctionTransformer(lambda inputs: np.sin(1e9 * inputs)), LinearRegression())
    judgement = judged(CHECK, measured(frame, steep, task=Task.REGRESSION, positive=None))
    assert judgement.verdict is Verdict.FAIL
    assert "by more than 0.25 standard deviations of the label, credibly more than 0.1 %" in judgement.reason


def test_without_probabilities_a_changed_label_is_a_move():
    steep = make_pipeline(FunctionTransformer(lambda inputs: np.sin(1e9 * inputs)), LinearSVC())
    judgement = judged(CHECK, measured(line()[["x", "y"]], steep))
    assert judgement.verdict is Verdict.FAIL
    assert "of a label, credibly" in judgement.reason
    calm_one = make_pipeline(StandardScaler(), LinearSVC())
    assert judged(CHECK, measured(tumours(), calm_one)).verdict is Verdict.PASS


def test_thresholds_decide_at_their_boundaries():
    """About 1 % of 5,000 rows jump, by 1."""
    measurement = measured(line(10_000), jumping(0.02))
    noise = stored(measurement)["noise"]
    moved = len(noise["greatest"])
    assert 20 < moved < MOVES_KEPT
    low = binomtest(moved, noise["rows"]).proportion_ci(0.9, "exact").low
    assert judged(CHECK, measurement).verdict is Verdict.FAIL
    assert judged(CHECK, measurement, max_moved_share=low * 0.999).verdict is Verdict.FAIL
    assert judged(CHECK, measurement, max_moved_share=low * 1.001).verdict is Verdict.PASS
    assert judged(CHECK, measurement, max_move=1.0).verdict is Verdict.PASS
    assert f"moves {moved} of 5000 predictions" in judged(CHECK, measurement, max_moved_share=1).reason


def test_too_few_rows_are_inconclusive_until_the_threshold_allows_them():
    measurement = measured(line(198), jumping(1))
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "99 rows; 100 are needed" in judgement.reason
    assert judged(CHECK, measurement, min_rows=99).verdict is Verdict.FAIL


def test_integers_and_categories_are_not_disturbed():
    frame = applications(1000)[["children", "region", "y"]].astype({"children": float})
    declared = declaration(features=(Feature("children", "integer"), Feature("region", "category")))
    encode = make_column_transformer((OneHotEncoder(), ["region"]), remainder="passthrough")
    predictor = fitted(make_pipeline(encode, LogisticRegression()), declared, frame)
    measurement = CHECK.measure(declared, holdout(frame), predictions(predictor, frame), predictor)
    assert stored(measurement)["noise"]["columns"] == []
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.PASS
    assert "nothing to disturb" in judgement.reason


def test_large_test_data_is_sampled_for_noise_and_measures_the_same():
    model = Formula(calm, lambda inputs: np.where(np.arange(len(inputs))[:, None] == 0, np.nan, inputs))
    first, second = (measured(line(120_000), model) for _ in range(2))
    assert first == second
    assert stored(first)["noise"]["rows"] == 10_000
    assert stored(first)["non_finite"]["preprocessed inputs"] == 2
    assert first.exhibits[0].content.decode().splitlines()[1:] == [
        "preprocessed inputs,0",
        "preprocessed inputs,50000",
    ]


@pytest.mark.parametrize(
    ("count", "rows", "share"), [(1, 100, 0.001), (2, 285, 0.001), (18, 10_000, 0.001), (5, 5, 0.9)]
)
def test_chance_is_the_exact_binomial_test(count, rows, share):
    expected = binomtest(count, rows, share, "greater").pvalue
    assert chance_of_at_least(count, rows, share) == pytest.approx(expected)


def test_chance_at_the_ends():
    assert chance_of_at_least(0, 10, 0.5) == 1
    assert chance_of_at_least(1, 10, 0) == 0
    assert chance_of_at_least(10, 10, 1) == 1
