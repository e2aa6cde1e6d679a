"""MODEL-5 on models that are better than, as good as and worse than a simple one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from checks.contract import Missing, Verdict
from checks.evidence import Feature, Predictions, Task
from checks.methods.baselines import baseline_predictions, family
from checks.methods.cohorts import labelled
from checks.methods.held_out import cross_fitted
from checks.methods.metrics import METRICS_OF, NEEDS_PROBABILITIES
from checks.model.simpler_baseline import SimplerBaseline
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
    training,
    tumours,
)
from tests.checks.planted_models import answered, stored

CHECK = SimplerBaseline()


def ringed(rows=4000, seed=0):
    """In a ring or not, with missing values and rare categories: nothing for a line, little for a small tree."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(0, 1, rows), "b": rng.normal(0, 1, rows), "c": rng.normal(0, 1, rows)})
    frame["y"] = (frame["a"] ** 2 + frame["b"] ** 2 + frame["c"] ** 2 < 2.37).astype(int)
    frame["city"] = rng.integers(0, 500, rows).astype(str)
    return frame.mask((rng.random(frame.shape) < 0.02) & (frame.columns != "y"))


def measured(frame, estimator, **declared):
    train, test = halves(frame)
    declared = declaration(features=features_of(frame, "y"), **declared)
    predicted = predictions(fitted(estimator, declared, train), test)
    return CHECK.measure(declared, training(train), holdout(test), predicted)


@pytest.fixture(scope="module")
def boosted():
    numbers = make_column_transformer(("passthrough", ["a", "b", "c"]))
    model = make_pipeline(numbers, HistGradientBoostingClassifier(random_state=0))
    return measured(ringed(), model, model_class="HistGradientBoostingClassifier")


def test_a_model_that_beats_all_three_passes(boosted):
    judgement = judged(CHECK, boosted, require_proof=True)
    assert judgement.verdict is Verdict.PASS
    for name in ("dummy", "linear", "tree"):
        assert f"{name} baseline with 0." in judgement.reason
    assert "Neither" not in judgement.reason
    require_storable(boosted)
    assert stored(boosted)["training_rows"] == stored(boosted)["rows"] == 2000


def test_a_forest_worse_than_ridge_fails_for_the_linear_baseline():
    found = measured(
        diabetes(),
        RandomForestRegressor(30, max_features=1, max_depth=2, random_state=0),
        task=Task.REGRESSION,
        metric="mae",
        model_class="RandomForestRegressor",
    )
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "credibly worse than the linear baseline with 44.22" in judgement.reason
    assert "dummy" not in judgement.reason
    assert judgement.remedy


def test_a_linear_model_need_only_beat_the_constant():
    found = measured(
        tumours(), make_pipeline(StandardScaler(), LogisticRegression()), model_class="LogisticRegression"
    )
    assert judged(CHECK, found).verdict is Verdict.PASS
    assert "itself linear" in judged(CHECK, found).reason


def test_the_same_predictions_under_a_class_that_is_not_simple_fail_as_equivalent():
    frame = applications(6000).drop(columns=["region", "sex"])
    found = measured(frame, make_pipeline(StandardScaler(), LogisticRegression()), model_class=None)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "(of unknown class)" in judgement.reason
    assert "no more than" in judgement.reason
    assert "better than the simpler linear baseline" in judgement.reason
    # without a margin, nothing is credibly better than the version: no proven harm
    lenient = judged(CHECK, found, equivalence=0)
    assert lenient.verdict is Verdict.PASS
    assert "Neither proven nor disproven against the linear" in lenient.reason
    assert judged(CHECK, found, equivalence=0, require_proof=True).verdict is Verdict.INCONCLUSIVE


def test_a_constant_model_fails_even_when_it_is_called_linear():
    found = measured(tumours(), DummyClassifier(), model_class="LogisticRegression")
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "no better than the dummy baseline with 0.5" in judgement.reason


def test_guessing_is_not_shown_to_beat_the_constant_and_names_the_rows_needed():
    frame = applications(400)
    train, test = halves(frame)
    guess = np.random.default_rng(0).random(len(test)) + 0.05 * test["y"]
    declared = declaration(features=features_of(frame, "y"), model_class="Ridge")
    found = CHECK.measure(declared, training(train), holdout(test), answered(None, guess > 0.5, guess / 1.05))
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "not shown to be better than the dummy" in judgement.reason
    assert "labelled rows would settle it" in judgement.remedy


def values(**differences):
    """Measured values with the given bounds of the lead: quality 0.5 for the constant, 0.7 for the others."""
    compared = {
        name: {
            "quality": 0.5 if name == "dummy" else 0.7,
            "difference": {"estimate": (low + high) / 2, "low": low, "high": high},
        }
        for name, (low, high) in {
            "dummy": (0.1, 0.3),
            "linear": (0.1, 0.2),
            "tree": (0.1, 0.2),
            **differences,
        }.items()
    }
    common = {"metric": "roc_auc", "rows": 500, "unlabelled": 0, "training_rows": 500, "model_class": "X"}
    quality = {"estimate": 0.75, "low": 0.7, "high": 0.8}
    return {**common, "family": "other", "quality": quality, "baselines": compared}


@pytest.mark.parametrize(
    ("bounds", "kind", "verdict"),
    [
        ({}, "other", Verdict.PASS),
        ({"linear": (-0.02, -0.0001)}, "other", Verdict.FAIL),
        ({"linear": (-0.02, 0.0019)}, "other", Verdict.FAIL),  # 1 % of the baseline's skill of 0.2 is 0.002
        ({"linear": (-0.02, 0.0021)}, "other", Verdict.PASS),
        ({"linear": (-0.02, 0.0019)}, "tree", Verdict.PASS),
        ({"tree": (-0.02, -0.0001)}, "tree", Verdict.FAIL),
        ({"linear": (-0.02, -0.0001)}, "linear", Verdict.PASS),
        ({"dummy": (-0.01, 0.0)}, "linear", Verdict.FAIL),
        ({"dummy": (-0.01, 0.01)}, "linear", Verdict.INCONCLUSIVE),
        ({"dummy": (0.0001, 0.01)}, "linear", Verdict.PASS),
    ],
)
def test_boundaries(bounds, kind, verdict):
    judgement = CHECK.judge({**values(**bounds), "family": kind}, CHECK.thresholds)
    assert judgement.verdict is verdict
    assert bool(judgement.remedy) is (verdict is not Verdict.PASS)


def test_proof_is_a_lead_beyond_the_margin():
    proof = {**CHECK.thresholds, "require_proof": True}
    assert CHECK.judge(values(tree=(0.0019, 0.1)), proof).verdict is Verdict.INCONCLUSIVE
    assert CHECK.judge(values(tree=(0.0021, 0.1)), proof).verdict is Verdict.PASS


def test_too_few_rows_are_inconclusive_and_name_the_number(boosted):
    short = {**stored(boosted), "rows": 99}
    judgement = CHECK.judge(short, CHECK.thresholds)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "99 labelled rows; 100 are needed" in judgement.reason
    assert CHECK.judge({**short, "rows": 100}, CHECK.thresholds).verdict is Verdict.PASS


def test_a_tiny_holdout_is_measured_and_left_to_the_judge():
    frame = applications(220)
    declared = declaration(features=features_of(frame, "y"))
    test = frame.iloc[200:].reset_index(drop=True)
    found = CHECK.measure(declared, training(frame.iloc[:200]), holdout(test), answered(None, test["y"]))
    assert judged(CHECK, found).verdict is Verdict.INCONCLUSIVE
    assert "20 labelled rows; 100 are needed" in judged(CHECK, found).reason


def test_the_same_audit_twice_is_identical(boosted):
    numbers = make_column_transformer(("passthrough", ["a", "b", "c"]))
    model = make_pipeline(numbers, HistGradientBoostingClassifier(random_state=0))
    assert measured(ringed(), model, model_class="HistGradientBoostingClassifier") == boosted


@pytest.mark.parametrize("metric", METRICS_OF[Task.MULTICLASS])
def test_every_metric_of_three_classes(metric):
    frame = applications(900)
    frame["y"] = np.array(["low", "mid", "high"])[pd.qcut(frame["income"], 3, labels=False)]
    train, test = halves(frame)
    declared = declaration(features=features_of(frame, "y"), task=Task.MULTICLASS, metric=metric)
    sure = (test["y"].to_numpy()[:, None] == np.array(["high", "low", "mid"])) * 0.97 + 0.01
    predicted = Predictions(test["y"].to_numpy(), sure, ("high", "low", "mid"))
    found = CHECK.measure(declared, training(train), holdout(test), predicted)
    require_storable(found)
    assert stored(found)["baselines"]["dummy"]["difference"]["low"] > 0.2
    assert judged(CHECK, found).verdict in {Verdict.PASS, Verdict.FAIL}  # a tree on income is nearly perfect, too


def test_columns_as_users_files_have_them():
    frame = ringed(600).assign(
        when=pd.date_range("2024-01-01", periods=600).astype(str), flag=[True, None] * 300, empty=np.nan
    )
    frame.loc[5, "a"] = np.inf
    train, test = halves(frame)
    kinds = {"city": "text", "when": "datetime", "flag": "boolean"}
    features = tuple(Feature(name, kinds.get(name, "number")) for name in frame.columns if name != "y")
    train.loc[:50, "y"] = None
    for metric in METRICS_OF[Task.BINARY]:
        baselines, rows = baseline_predictions(declaration(features=features, metric=metric), training(train), test)
        assert rows == 249
        for predicted in baselines.values():
            assert predicted.label.shape == (300,)
            assert np.isfinite(predicted.proba).all()


def test_the_constant_suits_the_metric():
    frame = applications(400)
    frame["y"] = (frame["debt"] > 0.9).astype(int)
    constants = {
        metric: set(
            baseline_predictions(
                declaration(features=features_of(frame, "y"), metric=metric), training(frame), frame
            )[0]["dummy"].label
        )
        for metric in ("accuracy", "f1")
    }
    assert constants == {"accuracy": {0}, "f1": {1}}
    skewed = diabetes().assign(y=lambda d: d["y"] ** 3)
    declared = declaration(features=features_of(skewed, "y"), task=Task.REGRESSION, metric="mae")
    [median] = set(baseline_predictions(declared, training(skewed), skewed)[0]["dummy"].label)
    [mean] = set(baseline_predictions(replace(declared, metric="rmse"), training(skewed), skewed)[0]["dummy"].label)
    assert (median, mean) == (pytest.approx(skewed["y"].median()), pytest.approx(skewed["y"].mean()))


def test_what_is_missing_is_named():
    frame = applications(300)
    train, test = halves(frame)
    declared = declaration(features=features_of(frame, "y"))
    predicted = answered(None, test["y"])
    with pytest.raises(Missing, match="income in the train data"):
        CHECK.measure(declared, training(train.drop(columns="income")), holdout(test), predicted)
    with pytest.raises(Missing, match="income in the test data"):
        CHECK.measure(declared, training(train), holdout(test.drop(columns="income")), predicted)
    with pytest.raises(Missing, match="training labels that differ"):
        CHECK.measure(declared, training(train.assign(y=1)), holdout(test), predicted)
    bare = Predictions(predicted.label)
    for metric in NEEDS_PROBABILITIES:
        with pytest.raises(Missing, match="class probabilities"):
            CHECK.measure(replace(declared, metric=metric), training(train), holdout(test), bare)


def test_families():
    assert [family(name) for name in ("Ridge", "LinearClassifier", "DecisionTreeRegressor")] == ["linear"] * 2 + [
        "tree"
    ]
    assert [family(name) for name in ("TreeEnsembleClassifier", None)] == ["other"] * 2
    assert family(type(Ridge()).__name__) == "linear"


# --- a linear model of the holdout --------------------------------------------------------------------


def spoilt(**declared):
    """A version that ranks a little better than chance, as one may by luck, beside shuffled training labels."""
    train, test = halves(applications(6000))
    train["y"] = np.random.default_rng(1).permutation(train["y"])
    luck = np.random.default_rng(0).random(len(test)) + 0.1 * test["y"]
    declared = declaration(features=features_of(train, "y"), **declared)
    return CHECK.measure(declared, training(train), holdout(test), answered(None, luck > 0.55, luck / 1.1))


def test_luck_after_shuffled_labels_fails_against_a_linear_model_of_the_holdout():
    found = spoilt(model_class="HistGradientBoostingClassifier")
    judgement = judged(CHECK, found)
    assert stored(found)["baselines"]["dummy"]["difference"]["low"] > 0
    assert judgement.verdict is Verdict.FAIL
    assert "is credibly worse than the held-out linear baseline with 0." in judgement.reason
    assert "dummy" not in judgement.reason
    assert judged(CHECK, spoilt(model_class="LogisticRegression")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("bounds", "kind", "verdict"),
    [
        ((-0.2, -0.0001), "other", Verdict.FAIL),
        ((-0.2, -0.0001), "tree", Verdict.FAIL),
        ((-0.2, -0.0001), "linear", Verdict.PASS),
        ((-0.2, 0.0), "other", Verdict.PASS),  # it need not be beaten, so nothing is left unproven
    ],
)
def test_only_what_is_credibly_worse_than_the_held_out_model_fails(bounds, kind, verdict):
    measured = {**values(**{"held-out linear": bounds}), "family": kind}
    assert CHECK.judge(measured, {**CHECK.thresholds, "require_proof": True}).verdict is verdict


def test_each_row_is_answered_by_a_model_that_did_not_learn_from_it():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{i}": rng.normal(0, 1, 200) for i in range(50)}).assign(y=rng.integers(0, 2, 200))
    declared = declaration(features=features_of(frame, "y"))
    rows = labelled(declared, holdout(frame), answered(None, frame["y"]))
    found = cross_fitted(declared, rows)
    assert roc_auc_score(rows.truth, found.proba[:, 1]) < 0.6  # one that had seen its rows would reach 0.9
    few = frame.assign(y=(np.arange(200) < 4).astype(int))
    assert cross_fitted(declared, labelled(declared, holdout(few), answered(None, few["y"]))) is None
    assert cross_fitted(replace(declared, features=()), rows) is None


def test_a_linear_model_of_three_classes_and_of_numbers():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(0, 1, 600)})
    labels = {
        Task.MULTICLASS: np.digitize(frame["x"], [-0.5, 0.5]).astype(str).astype(object),
        Task.REGRESSION: frame["x"].to_numpy(),
    }
    for task, label in labels.items():
        declared, data = declaration(task=task, positive=None, features=features_of(frame)), frame.assign(y=label)
        found = cross_fitted(declared, labelled(declared, holdout(data), answered(None, data["y"])))
        right = found.label == label if task is Task.MULTICLASS else abs(found.label - label) < 0.1
        assert right.mean() > 0.95
