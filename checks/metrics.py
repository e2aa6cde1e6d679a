"""Quality metrics and the resampling that bounds them, shared by the checks that compare models.

scikit-learn computes the metrics, scipy the bootstrap (Efron, percentile interval); both are imported when
first used, so that discovering checks stays light.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.contract import CONFIDENCE, SEED, Declaration, Missing, Predictions, Task

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

    Args:
        truth: (n,) labels.
        predicted: predictions of the same n rows.

    Raises:
        Missing: the metric needs class probabilities and there are none.
    """
    value = _metric(declared, truth, predicted)
    return value if HIGHER_IS_BETTER[declared.metric] else -value


def _metric(declared: Declaration, truth: np.ndarray, predicted: Predictions) -> float:
    from sklearn import metrics

    name = declared.metric
    if name in NEEDS_PROBABILITIES and predicted.proba is None:
        raise Missing(
            f"class probabilities, which the metric {name} needs",
            "register a model with predict_proba, a probability column, or another quality.metric",
        )
    if name == "accuracy":
        return float(metrics.accuracy_score(truth, predicted.label))
    if name == "balanced_accuracy":
        return float(metrics.balanced_accuracy_score(truth, predicted.label))
    if name == "f1":
        binary = declared.task is Task.BINARY
        options: dict[str, Any] = {"pos_label": declared.positive} if binary else {"average": "macro"}
        return float(metrics.f1_score(truth, predicted.label, zero_division=0, **options))
    if name == "roc_auc":
        if declared.task is Task.BINARY:
            return float(
                metrics.roc_auc_score(truth == declared.positive, predicted.positive_score(declared.positive))
            )
        return float(
            metrics.roc_auc_score(truth, predicted.proba, multi_class="ovr", labels=list(predicted.classes))
        )
    if name == "log_loss":
        return float(metrics.log_loss(truth, predicted.proba, labels=list(predicted.classes)))
    if name == "mae":
        return float(metrics.mean_absolute_error(truth, predicted.label))
    if name == "rmse":
        return float(metrics.root_mean_squared_error(truth, predicted.label))
    return float(metrics.r2_score(truth, predicted.label))


def take(predicted: Predictions, rows: np.ndarray) -> Predictions:
    """The predictions of the given row positions."""
    proba = None if predicted.proba is None else predicted.proba[rows]
    return Predictions(predicted.label[rows], proba, predicted.classes)


def bootstrap(statistic: Callable[[np.ndarray], float], rows: int, resamples: int = RESAMPLES) -> Interval:
    """Bounds ``statistic(row_positions)`` by resampling ``rows`` rows with replacement (seeded).

    Paired comparisons follow by computing the difference inside ``statistic``. A resample in which the
    statistic is undefined (one class only, say) is left out.
    """
    import numpy as np

    rng = np.random.default_rng(SEED)
    drawn = np.array([statistic(rng.integers(0, rows, rows)) for _ in range(resamples)])
    drawn = drawn[np.isfinite(drawn)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(statistic(np.arange(rows))), float(low), float(high))


def normal_upper_p(estimate: float, standard_error: float, limit: float) -> float:
    """One-sided p-value of "the true value is at most ``limit``" by the normal approximation."""
    from statistics import NormalDist

    if standard_error == 0:
        return 0.0 if estimate > limit else 1.0
    return 1 - NormalDist().cdf((estimate - limit) / standard_error)


def benjamini_hochberg(p_values: list[float], level: float = 1 - CONFIDENCE) -> list[bool]:
    """Which hypotheses are rejected at false-discovery rate ``level`` (Benjamini and Hochberg 1995)."""
    ordered = sorted(range(len(p_values)), key=p_values.__getitem__)
    passing = [rank for rank, i in enumerate(ordered, 1) if p_values[i] <= level * rank / len(ordered)]
    rejected = set(ordered[: max(passing, default=0)])
    return [i in rejected for i in range(len(p_values))]
