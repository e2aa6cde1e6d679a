"""Builders of planted evidence: declarations, small seeded frames, fitted models, and how to judge with them."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.pipeline import Pipeline

from checks.contract import Check, Judgement, Measurement
from checks.evidence import Declaration, Feature, Holdout, HoldoutPredictions, Predictions, Task, TrainingData


def declaration(**overrides) -> Declaration:
    """A binary model with label ``y``, positive class 1 and no feature declared, unless overridden."""
    defaults = {
        "model": "planted",
        "version": "1.0.0",
        "task": Task.BINARY,
        "label": "y",
        "features": (),
        "metric": "roc_auc",
        "schema_declared": True,
        "positive": 1,
    }
    return Declaration(**{**defaults, **overrides})


def features_of(frame: pd.DataFrame, *besides: str) -> tuple[Feature, ...]:
    """One feature per column of ``frame`` but those named, with the ranges and categories seen in it."""
    return tuple(_feature(frame[name]) for name in frame.columns if name not in besides)


def _feature(column: pd.Series) -> Feature:
    name, nullable = str(column.name), bool(column.isna().any())
    if pd.api.types.is_bool_dtype(column):
        return Feature(name, "boolean", nullable=nullable)
    if pd.api.types.is_numeric_dtype(column):
        kind = "integer" if pd.api.types.is_integer_dtype(column) else "number"
        return Feature(name, kind, min=float(column.min()), max=float(column.max()), nullable=nullable)
    categories = tuple(sorted(map(str, column.dropna().unique())))
    return Feature(name, "category", categories=categories, nullable=nullable)


def _digest(frame: pd.DataFrame) -> str:
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()


def training(frame: pd.DataFrame) -> TrainingData:
    return TrainingData(frame, _digest(frame))


def holdout(frame: pd.DataFrame) -> Holdout:
    return Holdout(frame, _digest(frame))


class SklearnPredictor:
    """A fitted scikit-learn estimator as the ``Predictor`` that a check is handed."""

    def __init__(self, estimator, declared: Declaration) -> None:
        self.estimator = estimator
        self.declared = declared

    def predict(self, frame: pd.DataFrame) -> Predictions:
        inputs = frame[self.declared.feature_names]
        label = np.asarray(self.estimator.predict(inputs))
        if not hasattr(self.estimator, "predict_proba"):
            return Predictions(label)
        return Predictions(label, self.estimator.predict_proba(inputs), tuple(self.estimator.classes_.tolist()))

    def transformed(self, frame: pd.DataFrame) -> np.ndarray | None:
        if not isinstance(self.estimator, Pipeline):
            return None
        inputs = self.estimator[:-1].transform(frame[self.declared.feature_names])
        return inputs.toarray() if issparse(inputs) else np.asarray(inputs)


def fitted(estimator, declared: Declaration, frame: pd.DataFrame) -> SklearnPredictor:
    """``estimator`` fitted on the declared features and label of ``frame``."""
    return SklearnPredictor(estimator.fit(frame[declared.feature_names], frame[declared.label]), declared)


def predictions(predictor: SklearnPredictor, frame: pd.DataFrame) -> HoldoutPredictions:
    predicted = predictor.predict(frame)
    return HoldoutPredictions(predicted.label, predicted.proba, predicted.classes)


def halves(frame: pd.DataFrame, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows shuffled and split into two: train and test."""
    shuffled = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    middle = len(frame) // 2
    return shuffled.iloc[:middle].reset_index(drop=True), shuffled.iloc[middle:].reset_index(drop=True)


def tumours() -> pd.DataFrame:
    """scikit-learn's breast-cancer data, 569 rows; the label ``y`` is 1 for malignant."""
    frame = load_breast_cancer(as_frame=True).frame
    frame.columns = [name.replace(" ", "_") for name in frame.columns]
    return frame.assign(y=1 - frame["target"]).drop(columns="target")


def diabetes() -> pd.DataFrame:
    """scikit-learn's diabetes data, unscaled, 442 rows; the label ``y`` is the progression after a year."""
    return load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "y"})


def applications(rows: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Synthetic credit applications: ``income`` and ``debt`` decide on ``y``, ``region`` a bit, ``noise`` not."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.normal(50_000, 15_000, rows),
            "debt": rng.uniform(0, 1, rows),
            "children": rng.integers(0, 5, rows),
            "region": rng.choice(["east", "north", "south", "west"], rows),
            "noise": rng.normal(0, 1, rows),
            "sex": rng.choice(["f", "m"], rows),
        }
    )
    risk = 3 * (frame["debt"] - 0.5) - (frame["income"] - 50_000) / 15_000 + 0.5 * (frame["region"] == "north")
    return frame.assign(y=(risk + rng.logistic(0, 0.5, rows) > 0).astype(int))


def judged(check: Check, measurement: Measurement, **thresholds) -> Judgement:
    """The check's judgement under its own thresholds unless overridden; the same as read back from a database."""
    limits = {**check.thresholds, **thresholds}
    judgement = check.judge(measurement.values, limits)
    read_back = json.loads(json.dumps(measurement.values, allow_nan=False, sort_keys=True))
    assert check.judge(read_back, limits) == judgement
    return judgement


def require_storable(measurement: Measurement) -> None:
    """Fails unless the measured values survive JSON unchanged and every exhibit is bytes."""
    stored = json.dumps(measurement.values, allow_nan=False)
    assert replace(measurement, values=json.loads(stored)) == measurement
    assert all(isinstance(exhibit.content, bytes) and exhibit.content for exhibit in measurement.exhibits)
