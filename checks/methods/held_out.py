"""What a linear model learns from test data alone: it knows nothing of what went wrong in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.contract import SEED
from checks.evidence import Declaration, Predictions, Task
from checks.methods.baselines import models, sample
from checks.methods.cohorts import Labelled
from checks.methods.columns import comparable_frame

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_ROWS = 10_000
"""Rows that one linear model learns from."""
FOLDS = 5


def cross_fitted(declared: Declaration, rows: Labelled) -> Predictions | None:
    """Predictions of the n rows, each by a linear model that learned from the others (five seeded folds).

    None where features are not among the columns, or a class has fewer rows than there are folds.
    """
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold

    regression = declared.task is Task.REGRESSION
    classes, sizes = np.unique(rows.truth, return_counts=True)
    if not _has_features(declared, rows) or (len(rows) if regression else sizes.min()) < FOLDS:
        return None
    label, proba = np.empty_like(rows.truth), np.zeros((len(rows), len(classes)))
    folds = (KFold if regression else StratifiedKFold)(FOLDS, shuffle=True, random_state=SEED)
    inputs = comparable_frame(rows.frame, declared.features)
    for others, fold in folds.split(inputs, rows.truth):
        model = _fitted(declared, inputs, rows.truth, others)
        label[fold] = model.predict(inputs.iloc[fold])
        if not regression:
            known = np.searchsorted(classes, model.classes_)
            proba[np.ix_(fold, known)] = model.predict_proba(inputs.iloc[fold])
    return Predictions(label) if regression else Predictions(label, proba, tuple(classes.tolist()))


def chances_by_others(declared: Declaration, rows: Labelled, mask: np.ndarray) -> np.ndarray | None:
    """(k,) chances of the positive class for the k rows where ``mask`` (n,) is true, by a linear model of the other
    rows; None where features are not among the columns. Both kinds of rows must hold both classes.
    """
    import numpy as np

    if not _has_features(declared, rows):
        return None
    inputs = comparable_frame(rows.frame, declared.features)
    model = _fitted(declared, inputs, rows.truth == declared.positive, np.flatnonzero(~mask))
    chances: np.ndarray = model.predict_proba(inputs[mask])[:, 1]
    return chances


def _has_features(declared: Declaration, rows: Labelled) -> bool:
    return bool(declared.features) and set(declared.feature_names) <= set(rows.frame.columns)


def _fitted(declared: Declaration, inputs: pd.DataFrame, truth: np.ndarray, rows: np.ndarray) -> Any:
    import warnings

    learned = rows[sample(len(rows), MOST_ROWS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a linear model that did not fully converge will do
        return models(declared)["linear"].fit(inputs.iloc[learned], truth[learned])
