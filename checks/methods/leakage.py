"""What makes a holdout's number void: rows that were trained on, and features that give the label away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import atanh, sqrt, tanh
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from checks.contract import CONFIDENCE, SEED
from checks.evidence import Declaration, Feature, Predictions, Task, TrainingData
from checks.methods.cohorts import Labelled, labels_of, require_columns, smoothed
from checks.methods.columns import TEXTUAL, comparable, comparable_frame
from checks.methods.metrics import codes, quality
from checks.methods.resampling import resampled

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_TRAINING_ROWS = 20_000
STRONGEST = 3
RESAMPLES = 400
TREE = {"max_leaf_nodes": 32, "min_samples_leaf": 5, "random_state": SEED}


def overlap(declared: Declaration, train: TrainingData, rows: Labelled) -> dict[str, Any]:
    """How many labelled holdout rows are training rows, by content and by id. JSON-ready.

    ``shared``: holdout rows that equal a training row in all features and the label (numbers to seven digits).
    ``training_twins``, ``twins``: training and holdout rows that equal another one of their own data set, which
    tells how often rows are alike by nature; training rows with one id and one content count once.
    ``shared_ids``: holdout rows whose id is a training row's, None unless ids are unique in both.
    """
    require_columns(train.frame, declared.feature_names, "train")
    require_columns(rows.frame, declared.feature_names, "test")
    known, _ = labels_of(declared, train, "train")
    labelled_train = train.frame[known]
    trained, held = _fingerprints(declared, labelled_train), _fingerprints(declared, rows.frame)
    ids = _ids(declared, labelled_train)
    distinct = trained if ids is None else trained[~_pairs(trained, ids).duplicated().to_numpy()]
    return {
        "training_rows": len(distinct),
        "training_twins": int(distinct.duplicated(keep=False).sum()),
        "rows": len(held),
        "twins": int(held.duplicated(keep=False).sum()),
        "shared": int(held.isin(trained).sum()),
        "shared_ids": _shared_ids(ids, _ids(declared, rows.frame)),
    }


def credible_overlap(counts: Mapping[str, Any]) -> float:
    """The share of holdout rows that were trained on, credibly and beyond rows that are alike by nature.

    The lower 95 % bound of the shared rows less the natural share. For that there are two upper 95 % bounds, and
    the smaller holds: u, how many training rows have a twin among the training rows, and 1 - (1 - t)^k with t
    how many holdout rows have one among the k times fewer holdout rows. The second, an overestimate of what
    independent draws give (Jensen's inequality), is not misled by training rows that were oversampled.
    """
    z = NormalDist().inv_cdf(CONFIDENCE)

    def bound(hits: int, rows: int, side: int) -> float:
        rate, variance = smoothed(hits, rows)
        return min(max(rate + side * z * sqrt(variance), 0.0), 1.0)

    trained, rows = int(counts["training_rows"]), int(counts["rows"])
    within: float = 1 - (1 - bound(counts["twins"], rows, 1)) ** max(trained / rows, 1.0)
    natural = min(bound(counts["training_twins"], trained, 1), within)
    return bound(counts["shared"], rows, -1) - natural


def _fingerprints(declared: Declaration, frame: pd.DataFrame) -> pd.Series[Any]:
    """(n,) a hash of features and label; numbers as 32-bit floats, so that a file's precision does not matter."""
    import pandas as pd

    label = Feature(declared.label, "number" if declared.task is Task.REGRESSION else "category")
    plain = comparable_frame(frame, [*declared.features, label])
    numeric = plain.select_dtypes("number").columns
    return pd.util.hash_pandas_object(plain.astype(dict.fromkeys(numeric, "float32")), index=False)


def _pairs(fingerprints: pd.Series[Any], ids: pd.Series[Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"row": fingerprints.to_numpy(), "id": ids.to_numpy()})


def _ids(declared: Declaration, frame: pd.DataFrame) -> pd.Series[Any] | None:
    name = declared.id_column
    return None if name is None or name not in frame.columns else comparable(frame[name], "text")


def _shared_ids(trained: pd.Series[Any] | None, held: pd.Series[Any] | None) -> int | None:
    if trained is None or held is None or trained.duplicated().any() or held.duplicated().any():
        return None
    return int(held.isin(trained).sum())


def revealing_features(declared: Declaration, train: TrainingData, rows: Labelled) -> list[dict[str, Any]]:
    """The features that predict the label best, each alone, with the lower bound of how well. JSON-ready.

    Classes: the ROC area on the holdout of a small tree of that feature, fitted on at most 20,000 training rows
    (so that missing values, categories and intervals count); the mean over classes where there are several.
    Regression: the absolute rank correlation with the label on the holdout; missing values have the median.
    Categories and texts are replaced by the mean label of their training rows.

    Returns:
        The ``STRONGEST`` features: ``feature``, ``score``, ``low`` (two-sided 95 %: bootstrap, or Fisher's z).
    """
    import numpy as np

    known, truth = labels_of(declared, train, "train")
    chosen = np.random.default_rng(SEED).permutation(len(truth))[:MOST_TRAINING_ROWS]
    trained, truth = train.frame.iloc[known.nonzero()[0][chosen]], truth[chosen]
    scored = []
    for feature in declared.features:
        inputs, asked = _encoded(feature, declared, trained, truth, rows.frame)
        scored.append((feature.name, *_revealed(declared, inputs, truth, asked, rows.truth)))
    strongest = sorted(scored, key=lambda one: -one[1])[:STRONGEST]
    return [{"feature": n, "score": s, "low": _low(declared, s, p, rows.truth)} for n, s, p in strongest]


def _encoded(
    feature: Feature, declared: Declaration, trained: pd.DataFrame, truth: np.ndarray, asked: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """The feature as numbers (n,), NaN where missing, for training and holdout rows."""
    import pandas as pd

    inputs, asked_for = (comparable(frame[feature.name], feature.type) for frame in (trained, asked))
    if feature.type not in TEXTUAL:
        return inputs.to_numpy(), asked_for.to_numpy()
    values = truth if declared.task is Task.REGRESSION else codes(truth, sorted(set(truth.tolist()), key=str))
    means = pd.Series(values, index=inputs.index).groupby(inputs).mean()
    return inputs.map(means).to_numpy(dtype=float), asked_for.map(means).to_numpy(dtype=float)


def _revealed(
    declared: Declaration, inputs: np.ndarray, truth: np.ndarray, asked: np.ndarray, asked_truth: np.ndarray
) -> tuple[float, Predictions | None]:
    """How well one feature alone predicts the holdout's labels, and its predictions where these are classes."""
    import numpy as np
    from sklearn.tree import DecisionTreeClassifier

    if declared.task is Task.REGRESSION:
        return _rank_correlation(asked, asked_truth), None
    tree = DecisionTreeClassifier(**TREE).fit(inputs[:, None], truth)
    proba = tree.predict_proba(asked[:, None])
    predicted = Predictions(tree.classes_[proba.argmax(axis=1)], proba, tuple(tree.classes_.tolist()))
    area = quality(replace(declared, metric="roc_auc"), asked_truth, predicted)
    return (area if np.isfinite(area) else 0.0), predicted


def _rank_correlation(values: np.ndarray, truth: np.ndarray) -> float:
    import numpy as np
    from scipy.stats import spearmanr

    present = np.isfinite(values)
    if present.sum() < 3:
        return 0.0
    filled = np.where(present, values, np.median(values[present]))
    if filled.min() == filled.max() or truth.min() == truth.max():
        return 0.0
    return abs(float(spearmanr(filled, truth).statistic))


def _low(declared: Declaration, score: float, predicted: Predictions | None, truth: np.ndarray) -> float:
    if predicted is not None:
        return resampled(replace(declared, metric="roc_auc"), truth, predicted, RESAMPLES).interval().low
    if len(truth) < 4 or score >= 1:
        return score if len(truth) >= 4 else 0.0
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2) * sqrt(1.06 / (len(truth) - 3))
    return tanh(atanh(score) - z)
