"""Planted predictions: known error rates, known unfairness, models that are better or worse by a known amount."""

import json

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from checks.contract import Measurement
from checks.evidence import EarlierVersions, Floor, HoldoutPredictions, Predictions, Rescored, Task
from checks.infra.quality_validation import QualityValidation
from tests.checks.planted import declaration, features_of, fitted, halves, holdout, predictions, training

NOTHING = EarlierVersions()


def stored(measurement: Measurement) -> dict:
    """What was measured, as the database gives it back: keys in another order, tuples as lists."""
    return json.loads(json.dumps(measurement.values, allow_nan=False, sort_keys=True))


def answered(truth, label, proba=None) -> HoldoutPredictions:
    """Predictions of a binary model; without ``proba``, the label's probability is certain."""
    label = np.asarray(label)
    score = label.astype(float) if proba is None else np.asarray(proba)
    return HoldoutPredictions(label, np.column_stack([1 - score, score]), (0, 1))


def flipped(truth, rate, rng) -> np.ndarray:
    """The labels (n,) with a share ``rate`` (number, or one a row) of them wrong by chance."""
    wrong = rng.random(len(truth)) < rate
    return np.where(wrong, 1 - truth, truth)


def scored(truth, strength, rng) -> HoldoutPredictions:
    """A binary model whose scores are ``strength`` standard deviations apart: ROC area Phi(strength / sqrt 2)."""
    margin = rng.normal(0, 1, len(truth)) + strength * (np.asarray(truth) - 0.5)
    return answered(truth, (margin > 0).astype(int), 1 / (1 + np.exp(-margin)))


def people(groups: dict[str, int], true_rates, false_rates, rng, positives=0.4) -> tuple[pd.DataFrame, np.ndarray]:
    """A frame with ``sex`` and ``y``, and predicted labels with these true and false positive rates by group."""
    sex = np.repeat(list(groups), list(groups.values()))
    truth = (rng.random(len(sex)) < positives).astype(int)
    rate = np.where(truth == 1, np.vectorize(true_rates.get)(sex), np.vectorize(false_rates.get)(sex))
    return pd.DataFrame({"sex": sex, "y": truth}), (rng.random(len(sex)) < rate).astype(int)


def serving(version: str, predictions: Predictions, *others: tuple[str, Predictions]) -> EarlierVersions:
    """``version`` serves and is the newest of the earlier ones."""
    incumbent = Rescored(version, predictions)
    return EarlierVersions((incumbent, *(Rescored(*other) for other in others)), incumbent)


def validated(frame, floor, *, train=None, test=None, metric="roc_auc", earlier=NOTHING, features=None, **declared):
    """What INFRA-4 measures of a linear model on halves of the data, or on the given halves."""
    given_train, given_test = halves(frame)
    train, test = given_train if train is None else train, given_test if test is None else test
    declared = declaration(
        features=features or features_of(frame, "y"), metric=metric, floor=Floor(metric, floor), **declared
    )
    estimator = LinearRegression() if declared.task is Task.REGRESSION else LogisticRegression()
    model = fitted(make_pipeline(StandardScaler(), estimator), declared, train)
    return QualityValidation().measure(declared, training(train), holdout(test), predictions(model, test), earlier)
