"""Simple models to hold a version against: a constant answer, a linear model, a small tree.

They are fitted on the version's own training data and declared features. Numbers: the median where missing, with
a column that says so, scaled for the linear model. Categories and texts, missing being a value as any other: one
column for each of the 20 most frequent values, one for all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from checks.contract import SEED, Missing
from checks.evidence import Declaration, Predictions, Task, TrainingData
from checks.methods.cohorts import labels_of, require_columns
from checks.methods.columns import TEXTUAL, comparable_frame

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_ROWS = 50_000
MOST_CATEGORIES = 20
TREE_DEPTH = 4
TREE_LEAF = 20

LINEAR = (
    *("LinearRegression", "LogisticRegression", "LogisticRegressionCV", "LinearClassifier", "LinearRegressor"),
    *("Ridge", "RidgeCV", "RidgeClassifier", "RidgeClassifierCV", "BayesianRidge", "ARDRegression"),
    *("Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "Lars", "LarsCV"),
    *("ElasticNet", "ElasticNetCV", "SGDClassifier", "SGDRegressor", "Perceptron", "LinearSVC", "LinearSVR"),
    *("HuberRegressor", "QuantileRegressor", "TheilSenRegressor", "RANSACRegressor"),
    *("PoissonRegressor", "GammaRegressor", "TweedieRegressor", "LinearDiscriminantAnalysis"),
    *("OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "PassiveAggressiveClassifier"),
    *("PassiveAggressiveRegressor", "DummyClassifier", "DummyRegressor"),
)
SINGLE_TREES = ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor")


def family(model_class: str | None) -> str:
    """``linear``, ``tree`` (a single one) or ``other``, which also stands for a class that nobody knows."""
    if model_class in LINEAR:
        return "linear"
    return "tree" if model_class in SINGLE_TREES else "other"


def baseline_predictions(
    declared: Declaration, train: TrainingData, frame: pd.DataFrame
) -> tuple[Mapping[str, Predictions], int]:
    """Predictions of each baseline for ``frame``, by name, and the number of training rows they were fitted on.

    Raises:
        Missing: a feature is not in one of the data sets, or the training labels are all the same.
    """
    import warnings

    require_columns(train.frame, declared.feature_names, "train")
    require_columns(frame, declared.feature_names, "test")
    known, truth = labels_of(declared, train, "train")
    chosen = sample(len(truth))
    kept = truth[chosen]
    if len(set(kept.tolist())) < 2:
        raise Missing("training labels that differ", "register training data in which the label takes two values")
    inputs = comparable_frame(train.frame.iloc[known.nonzero()[0][chosen]], declared.features)
    asked = comparable_frame(frame, declared.features)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a baseline that did not fully converge is still a baseline
        fitted = {name: model.fit(inputs, kept) for name, model in models(declared).items()}
        return {name: _predicted(model, asked) for name, model in fitted.items()}, len(kept)


def sample(rows: int, most: int = MOST_ROWS) -> np.ndarray:
    """Positions of at most so many seeded rows, in their order."""
    import numpy as np

    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False))


def _predicted(model: Any, frame: pd.DataFrame) -> Predictions:
    label = model.predict(frame)
    if not hasattr(model, "predict_proba"):
        return Predictions(label)
    return Predictions(label, model.predict_proba(frame), tuple(model.classes_.tolist()))


def models(declared: Declaration) -> Mapping[str, Any]:
    """Unfitted baselines; those whose metric weighs the classes alike are told to do so, too."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    small = {"max_depth": TREE_DEPTH, "min_samples_leaf": TREE_LEAF, "random_state": SEED}
    if declared.task is Task.REGRESSION:
        linear, tree = Ridge(), DecisionTreeRegressor(**small)
    else:
        weights = "balanced" if declared.metric in {"balanced_accuracy", "f1"} else None
        linear = LogisticRegression(max_iter=1000, class_weight=weights)
        tree = DecisionTreeClassifier(class_weight=weights, **small)
    return {
        "dummy": _constant(declared),
        "linear": make_pipeline(_columns(declared), StandardScaler(), linear),
        "tree": make_pipeline(_columns(declared), tree),
    }


def _constant(declared: Declaration) -> Any:
    """The constant answer that the metric likes best."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    if declared.task is Task.REGRESSION:
        return DummyRegressor(strategy="median" if declared.metric == "mae" else "mean")
    if declared.metric == "f1" and declared.task is Task.BINARY:
        return DummyClassifier(strategy="constant", constant=declared.positive)
    return DummyClassifier(strategy="prior")


def _columns(declared: Declaration) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    textual = [one.name for one in declared.features if one.type in TEXTUAL]
    numeric = [one.name for one in declared.features if one.type not in TEXTUAL]
    values = OneHotEncoder(
        max_categories=MOST_CATEGORIES + 1, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    numbers = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return make_column_transformer((numbers, numeric), (values, textual))
