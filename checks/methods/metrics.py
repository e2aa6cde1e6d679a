"""Quality metrics and the statistics that bound them, shared by the checks that compare models.

scikit-learn computes the metrics; the resampled values of a metric come from ``checks.methods.resampling``, tested
against it. numpy and scikit-learn are imported when first used, so that discovering checks stays light
and that judging needs the standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, exp, lgamma, log, log1p
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from checks.contract import CONFIDENCE, SEED, Missing
from checks.evidence import Declaration, Predictions, Task

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 1000

HIGHER_IS_BETTER = {
    "accuracy": True,
    "balanced_accuracy": True,
    "roc_auc": True,
    "f1": True,
    "r2": True,
    "log_loss": False,
    "mae": False,
    "rmse": False,
}
METRICS_OF = {
    Task.BINARY: ("accuracy", "balanced_accuracy", "roc_auc", "f1", "log_loss"),
    Task.MULTICLASS: ("accuracy", "balanced_accuracy", "roc_auc", "f1", "log_loss"),
    Task.REGRESSION: ("mae", "rmse", "r2"),
}
NEEDS_PROBABILITIES = ("roc_auc", "log_loss")


@dataclass(frozen=True)
class Interval:
    """A point estimate with its two-sided 95 % percentile-bootstrap interval."""

    estimate: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        return {"estimate": self.estimate, "low": self.low, "high": self.high}


def quality(declared: Declaration, truth: np.ndarray, predicted: Predictions) -> float:
    """The declared metric, signed so that more is better (losses and errors are negated).

    Binary: ``f1`` and ``roc_auc`` are those of the positive class. Multiclass: ``f1`` is the mean over classes,
    ``roc_auc`` the mean of one class against the rest over the classes that occur in ``truth``.

    Args:
        truth: (n,) labels.
        predicted: predictions of the same n rows.

    Returns:
        The metric, or NaN where it is undefined: ``roc_auc`` of rows that are all of one class.

    Raises:
        Missing: the metric needs class probabilities and there are none, or none for a class of ``truth``.
    """
    value = _metric(declared, truth, predicted)
    return value if HIGHER_IS_BETTER[declared.metric] else -value


def unsigned(metric: str, signed: float) -> float:
    """A quality as ``quality`` signs it, turned into what people know: losses are positive again."""
    return signed if HIGHER_IS_BETTER[metric] else -signed


def shown(metric: str, signed: float) -> str:
    """A quality as ``quality`` signs it, as text for people, with four digits."""
    return f"{unsigned(metric, signed):.4g}"


def probabilities(declared: Declaration, predicted: Predictions) -> np.ndarray:
    """(n, k) class probabilities for the declared metric, which needs them; Missing when there are none."""
    if predicted.proba is None:
        raise Missing(
            f"class probabilities, which the metric {declared.metric} needs",
            "register a model with predict_proba, a probability column, or another quality.metric",
        )
    return predicted.proba


def codes(values: np.ndarray, classes: Sequence[Any]) -> np.ndarray:
    """(n,) the position in ``classes`` of each value, -1 for a value that is none of them."""
    import numpy as np

    found = np.full(len(values), -1)
    for position, one in enumerate(classes):
        found[values == one] = position
    return found


def known_codes(truth: np.ndarray, predicted: Predictions) -> np.ndarray:
    """(n,) the column of ``predicted.proba`` of each true class; Missing when one has no column."""
    found = codes(truth, predicted.classes)
    if (found < 0).any():
        unknown = sorted({str(one) for one in truth[found < 0]})
        raise Missing(
            f"a probability for the class {', '.join(unknown[:5])}, which {int((found < 0).sum())} rows have",
            "train the model on every class of the test data, or correct the label column",
        )
    return found


def ranked_classes(declared: Declaration, predicted: Predictions) -> tuple[Any, ...]:
    """The classes whose ROC curves count: the positive one (binary) or each against the rest."""
    return (declared.positive,) if declared.task is Task.BINARY else predicted.classes


def _metric(declared: Declaration, truth: np.ndarray, predicted: Predictions) -> float:
    from sklearn import metrics

    name, label = declared.metric, predicted.label
    if name in METRICS_OF[Task.REGRESSION]:
        error = {
            "mae": metrics.mean_absolute_error,
            "rmse": metrics.root_mean_squared_error,
            "r2": metrics.r2_score,
        }[name]
        return float(error(truth, label))
    if name == "roc_auc":
        return _roc_auc(declared, truth, predicted)
    if name == "log_loss":
        proba, known = probabilities(declared, predicted), range(len(predicted.classes))
        return float(metrics.log_loss(known_codes(truth, predicted), proba, labels=known))
    if name == "f1" and declared.task is Task.BINARY:
        positive = declared.positive
        return float(metrics.f1_score(truth == positive, label == positive, zero_division=0))
    classes = list(dict.fromkeys([*truth.tolist(), *label.tolist()]))
    true, guess = codes(truth, classes), codes(label, classes)
    if name == "f1":
        return float(metrics.f1_score(true, guess, average="macro", zero_division=0))
    if name == "balanced_accuracy":
        return float(metrics.recall_score(true, guess, labels=sorted(set(true)), average="macro", zero_division=0))
    return float(metrics.accuracy_score(true, guess))


def _roc_auc(declared: Declaration, truth: np.ndarray, predicted: Predictions) -> float:
    from sklearn.metrics import roc_auc_score

    proba, order = probabilities(declared, predicted), predicted.classes
    areas = [
        roc_auc_score(truth == one, proba[:, order.index(one)])
        for one in ranked_classes(declared, predicted)
        if 0 < (truth == one).sum() < len(truth)
    ]
    return float(sum(areas) / len(areas)) if areas else float("nan")


def take(predicted: Predictions, rows: np.ndarray) -> Predictions:
    """The predictions of the given row positions."""
    proba = None if predicted.proba is None else predicted.proba[rows]
    return Predictions(predicted.label[rows], proba, predicted.classes)


def bootstrap(statistic: Callable[[np.ndarray], float], rows: int, resamples: int = RESAMPLES) -> Interval:
    """Bounds ``statistic(row_positions)`` by resampling ``rows`` rows with replacement (seeded).

    Paired comparisons follow by computing the difference inside ``statistic``. A resample in which the
    statistic is undefined (one class only, say) is left out. For the declared metric of whole predictions
    ``checks.methods.resampling.resampled`` draws the same resamples many times faster.

    Raises:
        Missing: the statistic is undefined on the rows themselves or on most resamples.
    """
    import numpy as np

    rng = np.random.default_rng(SEED)
    drawn = np.array([statistic(rng.integers(0, rows, rows)) for _ in range(resamples)])
    return percentile_interval(float(statistic(np.arange(rows))), drawn)


def percentile_interval(estimate: float, drawn: np.ndarray) -> Interval:
    """The 95 % percentile interval of resampled values (Efron 1979); undefined ones (NaN) are left out.

    Raises:
        Missing: the estimate or most of the resampled values are undefined.
    """
    import numpy as np

    defined = drawn[np.isfinite(drawn)]
    if not np.isfinite(estimate) or 2 * len(defined) < len(drawn):
        raise Missing("enough rows of every class to bound the metric", "register a larger test data set")
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(estimate), float(low), float(high))


def rows_needed(rows: int, estimate: float, bound: float, limit: float) -> int | None:
    """About how many rows would move ``bound`` to the estimate's side of ``limit``, were the estimate true.

    Widths shrink with the square root of the number of rows. None when no number would do.
    """
    if estimate == limit:
        return None
    factor = ((estimate - bound) / (estimate - limit)) ** 2
    return max(rows + 1, ceil(round(rows * factor, 3)))


def normal_upper_p(estimate: float, standard_error: float, limit: float) -> float:
    """One-sided p-value of "the true value is at most ``limit``" by the normal approximation."""
    if standard_error == 0:
        return 0.0 if estimate > limit else 1.0
    return 1 - NormalDist().cdf((estimate - limit) / standard_error)


def benjamini_hochberg(p_values: list[float], level: float = 1 - CONFIDENCE) -> list[bool]:
    """Which hypotheses are rejected at false-discovery rate ``level`` (Benjamini and Hochberg 1995)."""
    ordered = sorted(range(len(p_values)), key=p_values.__getitem__)
    passing = [rank for rank, i in enumerate(ordered, 1) if p_values[i] <= level * rank / len(ordered)]
    rejected = set(ordered[: max(passing, default=0)])
    return [i in rejected for i in range(len(p_values))]


def corrected_lower_bounds(estimates: Sequence[tuple[float, float]], limit: float) -> list[float]:
    """One-sided lower bounds of many estimates, corrected for looking at all of them.

    With R of m hypotheses "the true value is at most ``limit``" rejected by Benjamini-Hochberg at 5 %, each
    bound has the level 1 - 5 % * max(R, 1) / m (Benjamini and Yekutieli 2005). A bound is above the limit just
    where Benjamini-Hochberg rejects; with one estimate it is the ordinary 95 % bound.

    Args:
        estimates: pairs (estimate, standard error).
    """
    p_values = [normal_upper_p(estimate, error, limit) for estimate, error in estimates]
    rejected = sum(benjamini_hochberg(p_values))
    level = (1 - CONFIDENCE) * max(rejected, 1) / max(len(estimates), 1)
    z = NormalDist().inv_cdf(1 - level)
    return [estimate - z * error for estimate, error in estimates]


def screened_lower_bounds(estimates: Sequence[tuple[float, float]], limit: float) -> list[float]:
    """As ``corrected_lower_bounds``, where most of what is looked at is far from the limit, on the good side.

    Only estimates above ``limit`` are counted as looked at, and their p-values are doubled: given that it is at
    most one half, a p-value is still no smaller than uniform on (0, 1/2), so the rate of false discoveries holds
    (Zhao, Small and Su 2019; Ellis, Pecanka and Goeman 2020, for independent estimates). A single estimate has the
    ordinary 95 % bound.
    """
    if len(estimates) < 2:
        return corrected_lower_bounds(estimates, limit)
    above = [2 * normal_upper_p(estimate, error, limit) for estimate, error in estimates if estimate > limit]
    rejected = sum(benjamini_hochberg(above))
    level = (1 - CONFIDENCE) / 2 * max(rejected, 1) / max(len(above), 1)
    z = NormalDist().inv_cdf(1 - level)
    return [estimate - z * error for estimate, error in estimates]


def chance_of_at_least(count: int, rows: int, share: float) -> float:
    """Exact binomial probability of ``count`` or more among ``rows`` when each has the chance ``share``.

    It is at most 5 % just where the one-sided lower 95 % bound of Clopper and Pearson (1934) reaches ``share``.
    """
    if count == 0 or share >= 1:
        return 1.0
    if share <= 0:
        return 0.0

    def exactly(k: int) -> float:
        ways = lgamma(rows + 1) - lgamma(k + 1) - lgamma(rows - k + 1)
        return exp(ways + k * log(share) + (rows - k) * log1p(-share))

    return 1 - sum(exactly(k) for k in range(count))


def credibly_above(count: int, rows: int, share: float) -> float:
    """``chance_of_at_least``, without adding up a great many terms where it is 0 to fifteen digits anyway."""
    plainly = count > 1000 and count > 2 * share * rows
    return 0.0 if plainly else chance_of_at_least(count, rows, share)
