"""INFRA-5: replayed logs, steps, and explanations on models that follow their inputs and one that does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from checks.contract import Missing, Verdict
from checks.evidence import Predictions, Task
from checks.infra.debuggability import Debuggability
from checks.serving import ID, PREDICTION, SCORE, ServingLog, Window
from tests.checks import planted, planted_models

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CHECK = Debuggability()


def log_of(declared, predictor, frame):
    made = predictor.predict(frame[declared.feature_names])
    logged = frame[declared.feature_names].assign(**{PREDICTION: made.label})
    logged[ID] = [f"id-{i}" for i in range(len(frame))]
    logged[SCORE] = np.nan if made.proba is None else made.proba[:, 1]
    return ServingLog(Window("production", NOW - timedelta(days=1), NOW), logged, len(logged), "d" * 64)


class Follower:
    """A model that answers with ``score(frame)``, (n,) probabilities."""

    classes = (0, 1)

    def __init__(self, score, steps=None):
        self.score, self.steps = score, steps

    def predict(self, frame):
        score = np.asarray(self.score(frame))
        return Predictions((score > 0.5).astype(int), np.column_stack([1 - score, score]), self.classes)

    def transformed(self, frame):
        return None if self.steps is None else self.steps(frame)


def found(declared, predictor, log):
    measurement = CHECK.measure(declared, predictor, log)
    planted.require_storable(measurement)
    measured = planted_models.stored(measurement)
    return CHECK.judge(measured, CHECK.thresholds), measured


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.standard_normal((600, 6)), columns=list("abcdef"))
    y = (frame["a"] + 0.5 * frame["b"] * frame["c"] + 0.3 * rng.standard_normal(600) > 0).astype(int)
    return frame, y


def declaration(frame):
    return planted.declaration(features=planted.features_of(frame))


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        HistGradientBoostingClassifier(max_iter=50, random_state=0),
        RandomForestClassifier(30, min_samples_leaf=10, random_state=0),
    ],
    ids=lambda one: type(one).__name__,
)
def test_models_that_follow_their_inputs_pass(data, estimator):
    frame, y = data
    estimator.fit(frame, y)
    model = Follower(lambda given: estimator.predict_proba(given)[:, 1])
    declared = declaration(frame)
    judgement, measured = found(declared, model, log_of(declared, model, frame))
    assert judgement.verdict is Verdict.PASS, judgement.reason
    assert measured["differing"] == 0
    assert measured["explanation"]["high"] < 0.3


def test_an_output_that_does_not_follow_its_inputs_fails_by_its_explanation(data):
    frame, _ = data
    model = Follower(lambda given: (np.sin(given.to_numpy().sum(axis=1) * 1e5) + 1) / 2)
    declared = declaration(frame)
    judgement, measured = found(declared, model, log_of(declared, model, frame))
    assert judgement.verdict is Verdict.FAIL
    assert measured["differing"] == 0
    assert "explanations are" in judgement.reason


def test_rounding_between_log_and_model_fails(data):
    frame, y = data
    estimator = LogisticRegression().fit(frame, y)
    model = Follower(lambda given: estimator.predict_proba(given)[:, 1])
    declared = declaration(frame)
    log = log_of(declared, model, frame)
    log.frame.loc[3, SCORE] += 2e-6
    judgement, measured = found(declared, model, log)
    assert judgement.verdict is Verdict.FAIL
    assert measured["differing"] == 1
    assert "1 are computed otherwise now" in judgement.reason
    log.frame.loc[3, SCORE] -= 1.5e-6
    assert found(declared, model, log)[0].verdict is Verdict.PASS


def test_another_label_differs_however_close_the_score(data):
    frame, y = data
    estimator = LogisticRegression().fit(frame, y)
    model = Follower(lambda given: estimator.predict_proba(given)[:, 1])
    declared = declaration(frame)
    log = log_of(declared, model, frame)
    log.frame.loc[5, PREDICTION] = 1 - log.frame.loc[5, PREDICTION]
    judgement, measured = found(declared, model, log)
    assert (judgement.verdict, measured["differing"]) == (Verdict.FAIL, 1)


def test_a_step_that_is_not_finite_fails(data):
    frame, y = data
    estimator = LogisticRegression().fit(frame, y)

    def steps(given):
        made = given.to_numpy().copy()
        made[0, 0] = np.inf
        return made

    model = Follower(lambda given: estimator.predict_proba(given)[:, 1], steps)
    declared = declaration(frame)
    judgement, _ = found(declared, model, log_of(declared, model, frame))
    assert judgement.verdict is Verdict.FAIL
    assert "1 have intermediate values that are not finite" in judgement.reason


@pytest.mark.parametrize(("missing", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL)])
def test_a_step_may_hand_on_what_is_missing_in_the_row_itself(data, missing, verdict):
    frame, y = data
    model = HistGradientBoostingClassifier(max_iter=30).fit(frame, y)
    served = frame.copy()
    if missing:
        served.loc[::7, "a"] = np.nan

    def steps(given):
        return (
            given.to_numpy(float) if missing else given.assign(a=given["a"].where(given["a"] < 1)).to_numpy(float)
        )

    predictor = Follower(lambda given: model.predict_proba(given)[:, 1], steps)
    declared = declaration(served)
    judgement, _ = found(declared, predictor, log_of(declared, predictor, served))
    assert judgement.verdict is verdict


def test_regression_is_replayed_and_explained(data):
    frame, _ = data
    target = 3 * frame["a"] - frame["b"]
    declared = planted.declaration(features=planted.features_of(frame), task=Task.REGRESSION, positive=None)
    estimator = make_pipeline(FunctionTransformer(), LinearRegression()).fit(frame, target)
    model = planted.SklearnPredictor(estimator, declared)
    judgement, measured = found(declared, model, log_of(declared, model, frame))
    assert judgement.verdict is Verdict.PASS, judgement.reason
    assert measured["explanation"]["deviation"] < 1e-6


@pytest.mark.parametrize(("n", "verdict"), [(99, Verdict.INCONCLUSIVE), (100, Verdict.PASS)])
def test_a_hundred_logged_rows_are_needed(data, n, verdict):
    frame, y = data
    estimator = LogisticRegression().fit(frame, y)
    model = Follower(lambda given: estimator.predict_proba(given)[:, 1])
    declared = declaration(frame)
    assert found(declared, model, log_of(declared, model, frame.head(n)))[0].verdict is verdict


def test_answers_that_never_differ_cannot_be_explained(data):
    frame, _ = data
    model = Follower(lambda given: np.full(len(given), 0.3))
    declared = declaration(frame)
    assert found(declared, model, log_of(declared, model, frame))[0].verdict is Verdict.INCONCLUSIVE


def test_a_log_without_a_feature_is_named(data):
    frame, _ = data
    model = Follower(lambda given: np.full(len(given), 0.3))
    declared = declaration(frame)
    log = log_of(declared, model, frame)
    del log.frame["c"]
    with pytest.raises(Missing, match="'c'"):
        CHECK.measure(declared, model, log)
