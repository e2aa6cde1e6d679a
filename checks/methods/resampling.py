"""The declared metric on many bootstrap resamples at once: fast enough to compare several models.

A resample is a vector of counts, how often each row was drawn. Most metrics are a function of a few sums over
rows, hence of a matrix product with these counts; the area under the ROC curve needs the rows sorted once.
The draws are those of ``checks.methods.metrics.bootstrap``, and so the same for every model on the same rows: the
difference of two results is a paired comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from checks.contract import SEED
from checks.evidence import Declaration, Predictions, Task
from checks.methods.metrics import (
    HIGHER_IS_BETTER,
    RESAMPLES,
    Interval,
    codes,
    known_codes,
    percentile_interval,
    probabilities,
    quality,
    ranked_classes,
)

if TYPE_CHECKING:
    import numpy as np

FEWEST_RESAMPLES = 200
CELLS = 20_000_000
"""Rows times resamples beyond which fewer resamples are drawn: 1000 up to 20,000 rows, 200 from 100,000."""
CELLS_AT_ONCE = 200_000


@dataclass(frozen=True)
class Resampled:
    """A quality (more is better) and its values on the seeded resamples, NaN where undefined."""

    estimate: float
    draws: np.ndarray = field(repr=False)

    def __sub__(self, other: Resampled) -> Resampled:
        """The paired difference; both must come from the same rows."""
        return Resampled(self.estimate - other.estimate, self.draws - other.draws)

    def interval(self) -> Interval:
        """The 95 % percentile interval; Missing when most draws are undefined."""
        return percentile_interval(self.estimate, self.draws)

    def standard_error(self) -> float:
        import numpy as np

        return float(np.nanstd(self.draws, ddof=1))


def average(several: Sequence[Resampled]) -> Resampled:
    """The mean of qualities on the same rows."""
    import numpy as np

    return Resampled(fmean(one.estimate for one in several), np.mean([one.draws for one in several], axis=0))


def resampled(
    declared: Declaration, truth: np.ndarray, predicted: Predictions, resamples: int = RESAMPLES
) -> Resampled:
    """The declared metric of ``predicted`` with its bootstrap draws.

    Args:
        truth: (n,) labels.
        predicted: predictions of the same n rows.
        resamples: how many at most; fewer for more than 20,000 rows, see ``CELLS``.

    Raises:
        Missing: as ``quality``.
    """
    import numpy as np

    estimate = quality(declared, truth, predicted)
    number = min(resamples, max(FEWEST_RESAMPLES, CELLS // max(len(truth), 1)))
    score = _scorer(declared, truth, predicted)
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = np.concatenate([score(counts) for counts in _drawn_counts(len(truth), number)])
    return Resampled(estimate, draws if HIGHER_IS_BETTER[declared.metric] else -draws)


def _drawn_counts(rows: int, resamples: int) -> Iterator[np.ndarray]:
    """Blocks (b, rows) of how often each row was drawn."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    block = max(1, CELLS_AT_ONCE // rows)
    for start in range(0, resamples, block):
        several = range(min(block, resamples - start))
        drawn = [np.bincount(rng.integers(0, rows, rows), minlength=rows) for _ in several]
        yield np.array(drawn, dtype=float)


Scorer = Callable[["np.ndarray"], "np.ndarray"]
"""Counts (b, n) of the rows drawn -> (b,) values of the metric, unsigned, NaN where undefined."""


def _scorer(declared: Declaration, truth: np.ndarray, predicted: Predictions) -> Scorer:
    import numpy as np

    name, label = declared.metric, predicted.label
    if declared.task is Task.REGRESSION:
        return _regression(name, truth, label)
    if name == "roc_auc":
        return _mean_area(declared, truth, predicted)
    if name == "log_loss":
        proba = probabilities(declared, predicted)
        given = proba[np.arange(len(truth)), known_codes(truth, predicted)]
        tiny = np.finfo(proba.dtype).eps
        return _mean(-np.log(np.clip(given, tiny, 1 - tiny)))
    if name == "accuracy":
        return _mean(truth == label)
    if name == "f1" and declared.task is Task.BINARY:
        return _f1(truth == declared.positive, label == declared.positive)
    classes = list(dict.fromkeys([*truth.tolist(), *label.tolist()]))
    true, guess = (np.arange(len(classes)) == codes(values, classes)[:, None] for values in (truth, label))
    return _f1(true, guess) if name == "f1" else _recall(true, guess)


def _mean(values: np.ndarray) -> Scorer:
    return lambda counts: (counts @ values) / len(values)


def _regression(name: str, truth: np.ndarray, label: np.ndarray) -> Scorer:
    import numpy as np

    error = truth - label
    if name == "mae":
        return _mean(np.abs(error))
    if name == "rmse":
        return lambda counts: np.sqrt(_mean(error**2)(counts))
    centred = truth - truth.mean()

    def r2(counts: np.ndarray) -> np.ndarray:
        spread = _mean(centred**2)(counts) - _mean(centred)(counts) ** 2
        return np.where(spread > 0, 1 - _mean(error**2)(counts) / spread, np.nan)

    return r2


def _f1(true: np.ndarray, guess: np.ndarray) -> Scorer:
    """F1 of one class (n,), or the mean over the classes (n, k) that occur in the resample."""
    import numpy as np

    hits, either = (true & guess).astype(float), true.astype(float) + guess

    def f1(counts: np.ndarray) -> np.ndarray:
        total = counts @ either
        if true.ndim == 1:
            return np.where(total > 0, 2 * (counts @ hits) / total, 0.0)
        mean: np.ndarray = np.nanmean(2 * (counts @ hits) / total, axis=1)
        return mean

    return f1


def _recall(true: np.ndarray, guess: np.ndarray) -> Scorer:
    """Mean recall over the classes (n, k) that occur in the resample: the balanced accuracy."""
    import numpy as np

    hits, all_true = (true & guess).astype(float), true.astype(float)
    return lambda counts: np.nanmean((counts @ hits) / (counts @ all_true), axis=1)


def _mean_area(declared: Declaration, truth: np.ndarray, predicted: Predictions) -> Scorer:
    import numpy as np

    proba, order = probabilities(declared, predicted), predicted.classes
    areas = [_area(truth == one, proba[:, order.index(one)]) for one in ranked_classes(declared, predicted)]

    def mean_area(counts: np.ndarray) -> np.ndarray:
        values = np.array([area(counts) for area in areas])
        defined = np.isfinite(values)
        mean: np.ndarray = np.where(defined, values, 0).sum(axis=0) / defined.sum(axis=0)
        return mean

    return mean_area


def _area(positive: np.ndarray, score: np.ndarray) -> Scorer:
    """How often a positive outranks a negative, ties counting half: the ROC area (Hanley and McNeil 1982)."""
    import numpy as np

    order = np.argsort(score, kind="stable")
    ranked, sign = score[order], positive[order].astype(float)
    ties = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])

    def area(counts: np.ndarray) -> np.ndarray:
        drawn = counts[:, order]
        above = drawn * sign
        below = np.add.reduceat(drawn - above, ties, axis=1)
        above = np.add.reduceat(above, ties, axis=1)
        outranked = np.cumsum(below, axis=1) - below / 2
        pairs = above.sum(axis=1) * below.sum(axis=1)
        return np.where(pairs > 0, (above * outranked).sum(axis=1) / pairs, np.nan)

    return area
