"""Permutation importance of clusters of correlated features (Breiman, "Random Forests", 2001)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from checks.contract import SEED, Missing
from checks.evidence import Declaration, Holdout, Predictions, Predictor
from checks.methods.association import encode, strength
from checks.methods.metrics import NEEDS_PROBABILITIES, screened_lower_bounds
from checks.methods.resampling import average, resampled

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 10_000
PERMUTATIONS = (3, 10)
ROWS_A_CLUSTER = 30_000
"""Rows predicted for a cluster: ten permutations up to 3,000 rows, at least three beyond."""
RESAMPLES = 200
CORRELATED_FROM = 0.8
COUNT_LABELS = ("accuracy", "balanced_accuracy", "f1")
ROUNDING = 1e-9
"""Of a probability, as linear algebra over other numbers of rows leaves it."""
IN_UNITS_OF_THE_LABEL = ("mae", "rmse")


@dataclass(frozen=True)
class Benefit:
    """What a cluster of features is worth to the model.

    ``gain``: quality lost when the cluster is permuted, in standard deviations of the label for mae and rmse, in
    the metric's own points otherwise. ``error``: its standard error. ``moved``: share of rows and permutations in
    which the output changed at all.
    """

    features: list[str]
    gain: float
    error: float
    moved: float


@dataclass(frozen=True)
class FeatureGains:
    """What every cluster of features is worth, greatest first, in ``metric`` on the labelled rows of ``frame``."""

    metric: str
    clusters: tuple[Benefit, ...]
    frame: pd.DataFrame = field(repr=False)


def feature_gains(declared: Declaration, holdout: Holdout, predictor: Predictor) -> FeatureGains:
    """Every cluster's benefit on at most ``MOST_ROWS`` labelled rows, seeded.

    Where the model gives no class probabilities, balanced_accuracy takes the place of roc_auc and log_loss.

    Raises:
        Missing: a column is not in the test data, or its labels are all alike.
    """
    frame = _labelled(declared, holdout.frame)
    if declared.metric in NEEDS_PROBABILITIES and predictor.predict(frame.head(1)).proba is None:
        declared = replace(declared, metric="balanced_accuracy")
    return FeatureGains(declared.metric, tuple(benefits(declared, frame, predictor)), frame)


def _labelled(declared: Declaration, frame: pd.DataFrame) -> pd.DataFrame:
    absent = [name for name in [*declared.feature_names, declared.label] if name not in frame.columns]
    if absent:
        raise Missing(f"the columns {', '.join(absent)} in the test data", "register test data with every column")
    labelled = frame[frame[declared.label].notna()]
    if labelled[declared.label].nunique() < 2:
        what = f"two different labels in the test data ({len(labelled)} labelled rows have fewer)"
        raise Missing(what, "register test data in which the label varies")
    return labelled if len(labelled) <= MOST_ROWS else labelled.sample(MOST_ROWS, random_state=SEED)


def highest_gains(gains: Sequence[tuple[float, float]], least: float) -> list[float]:
    """Upper bounds of (gain, standard error), corrected together for the claim that a gain is below ``least``."""
    return [-bound for bound in screened_lower_bounds([(-gain, error) for gain, error in gains], -least)]


def told(features: Sequence[str]) -> str:
    """The name of a cluster."""
    first, *others = features
    return f"{first} and {len(others)} correlated with it" if len(others) > 3 else " + ".join(features)


def benefits(declared: Declaration, frame: pd.DataFrame, predictor: Predictor) -> list[Benefit]:
    """Every cluster's benefit on the labelled rows of ``frame``, greatest first.

    The variance is that over paired resamples of the rows of quality - mean quality when permuted; a row's
    permuted values are drawn with it, so it holds the variance over permutations, too. Metrics that count labels
    move in steps and would seem exact where no label happened to flip: while any output moves, their error is at
    least one row of the smallest class.
    """
    import numpy as np

    truth, base = frame[declared.label].to_numpy(), predictor.predict(frame)
    whole = resampled(declared, truth, base, RESAMPLES)
    unit = float(np.std(truth)) if declared.metric in IN_UNITS_OF_THE_LABEL else 1.0
    step = 1 / int(frame[declared.label].value_counts().min()) if declared.metric in COUNT_LABELS else 0.0
    permutations = int(np.clip(ROWS_A_CLUSTER // len(frame), *PERMUTATIONS))
    repeated = frame.iloc[np.tile(np.arange(len(frame)), permutations)].reset_index(drop=True)
    found = []
    for names in clusters(declared, frame):
        permuted = _permuted(repeated, predictor, names, permutations)
        gain = whole - average([resampled(declared, truth, one, RESAMPLES) for one in permuted])
        error = gain.standard_error()
        moved = float(np.mean([_moved(base, one) for one in permuted]))
        error = max(error, step) if moved else error
        found.append(Benefit(names, gain.estimate / unit, error / unit, moved))
    return sorted(found, key=lambda benefit: -benefit.gain)


def clusters(declared: Declaration, frame: pd.DataFrame) -> list[list[str]]:
    """The features; those linked by an association of ``CORRELATED_FROM`` or more, if by others, together.

    Single links err on the side of large clusters: a feature whose stand-in is left in place would seem useless.
    """
    import numpy as np
    from scipy.sparse.csgraph import connected_components

    encoded = [encode(frame[feature.name], feature.type, ranks=True) for feature in declared.features]
    linked = np.eye(len(encoded))
    for i, left in enumerate(encoded):
        for j, right in enumerate(encoded[:i]):
            linked[i, j] = strength(left, right) >= CORRELATED_FROM
    number, cluster_of = connected_components(linked, directed=False)
    return [[n for n, c in zip(declared.feature_names, cluster_of, strict=True) if c == k] for k in range(number)]


def _permuted(repeated: pd.DataFrame, predictor: Predictor, names: Sequence[str], times: int) -> list[Predictions]:
    """Predictions with the rows of the named columns permuted, as one, in each of the copies of all rows.

    They are made together, because a call costs more than the rows in it.
    """
    import numpy as np

    rows = len(repeated) // times
    rng = np.random.default_rng(SEED)
    order = np.concatenate([rng.permutation(rows) for _ in range(times)])
    made = predictor.predict(repeated.assign(**{name: repeated[name].array[order] for name in names}))
    labels = np.split(made.label, times)
    scores = [None] * times if made.proba is None else np.split(made.proba, times)
    return [Predictions(label, proba, made.classes) for label, proba in zip(labels, scores, strict=True)]


def _moved(before: Predictions, after: Predictions) -> float:
    """Share of rows whose label or probabilities are not the same."""
    moved = before.label != after.label
    if before.proba is not None and after.proba is not None:
        moved = moved | (abs(before.proba - after.proba) > ROUNDING).any(axis=1)
    return float(moved.mean())
