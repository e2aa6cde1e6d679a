"""Quality without labels: what a calibrated model, or a model of its errors, lets one expect. Always an estimate.

Classification: confidence-based performance estimation (CBPE). Where probabilities are calibrated, the expected
confusion matrix of unlabelled rows follows from them. Regression: direct loss estimation (DLE). A second model
learns from labelled rows how large the error is. Both hold while inputs alone have changed; neither sees that the
same inputs now mean another outcome. Source: J. Białek, W. Kuberski, N. Perrakis, A. Bifet, "Estimating Model
Performance Under Covariate Shift Without Labels", 2023 (arXiv:2401.08348), and the documentation of NannyML, "How
it works: Performance Estimation". Written anew; of the test data one half teaches, the other tells how far it errs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING

from checks.contract import SEED, Missing
from checks.evidence import Declaration, Task
from checks.methods.columns import comparable_frame
from checks.methods.metrics import codes, quality
from checks.methods.resampling import resampled
from checks.methods.served import Answers

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RESAMPLES = 200
MOST_ROWS = 50_000


@dataclass(frozen=True)
class Estimated:
    """An estimated quality (more is better) beside the one that was found on half of the test data.

    ``error``: standard error of their difference, the method's own miss on that half included. ``metric``: what was
    estimated; r2 cannot be, its place is taken by rmse.
    """

    metric: str
    quality: float
    reference: float
    reference_rows: int
    error: float


def estimate(declared: Declaration, reference: Answers, served: Answers) -> Estimated:
    """The declared metric of ``served``, whose labels are unknown.

    Raises:
        Missing: the metric cannot be estimated without probabilities, and there are none.
    """
    import numpy as np

    if len(served) > MOST_ROWS:
        served = served.take(np.arange(len(served)) >= len(served) - MOST_ROWS)
    drawn = np.random.default_rng(SEED).permutation(len(reference)) % 2 == 0
    teaching, checking = reference.take(drawn), reference.take(~drawn)
    expected: Callable[[Answers], tuple[float, float]]
    if declared.task is Task.REGRESSION:
        scored = replace(declared, metric="mae" if declared.metric == "mae" else "rmse")
        expected = _Losses(scored, teaching)
    else:
        scored, expected = declared, _Confidence(declared, teaching)
    assert checking.truth is not None  # noqa: S101 - test data is labelled
    found = resampled(scored, checking.truth, checking.predicted, RESAMPLES)
    value, spread = expected(served)
    miss = expected(checking)[0] - found.estimate
    error = sqrt(spread**2 + found.standard_error() ** 2 + miss**2)
    return Estimated(scored.metric, value, found.estimate, len(checking), error)


class _Confidence:
    """CBPE: labels are drawn from the calibrated probabilities, and the metric is that of the draws."""

    def __init__(self, declared: Declaration, teaching: Answers) -> None:
        from sklearn.isotonic import IsotonicRegression

        proba, truth = teaching.predicted.proba, teaching.truth
        if proba is None or truth is None:
            raise Missing("probabilities in the log, from which quality is estimated", "log them, or push labels")
        self.declared, self.classes = declared, teaching.predicted.classes
        self.calibrators = [
            IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(proba[:, place], truth == one)
            for place, one in enumerate(self.classes)
        ]

    def __call__(self, rows: Answers) -> tuple[float, float]:
        """The mean over draws of rows and labels, and its standard deviation."""
        import numpy as np

        rng, chance = np.random.default_rng(SEED), self._chances(rows)
        cumulated, values = chance.cumsum(axis=1), []
        for _ in range(RESAMPLES // 4):
            kept = rng.integers(0, len(rows), len(rows))
            place = (rng.random((len(rows), 1)) > cumulated[kept]).sum(axis=1).clip(max=len(self.classes) - 1)
            predicted = replace(
                rows.predicted,
                label=rows.predicted.label[kept],
                proba=None if rows.predicted.proba is None else rows.predicted.proba[kept],
            )
            values.append(quality(self.declared, np.array(self.classes)[place], predicted))
        return float(np.nanmean(values)), float(np.nanstd(values, ddof=1))

    def _chances(self, rows: Answers) -> np.ndarray:
        """(n, k) calibrated probabilities."""
        import numpy as np

        proba = rows.predicted.proba
        if proba is None:
            raise Missing("probabilities in the log, from which quality is estimated", "log them, or push labels")
        columns = [one.predict(proba[:, place]) for place, one in enumerate(self.calibrators)]
        chances = np.column_stack(columns)
        total = chances.sum(axis=1, keepdims=True)
        shares: np.ndarray = np.where(total > 0, chances / np.where(total > 0, total, 1), proba)
        return shares


class _Losses:
    """DLE: boosted trees predict a row's absolute or squared error from its features and the prediction."""

    def __init__(self, declared: Declaration, teaching: Answers) -> None:
        from sklearn.ensemble import HistGradientBoostingRegressor

        assert teaching.truth is not None  # noqa: S101 - test data is labelled
        self.declared, self.squared = declared, declared.metric == "rmse"
        self.texts: dict[str, list[str]] = {}
        error = abs(teaching.truth - teaching.predicted.label)
        self.model = HistGradientBoostingRegressor(max_iter=100, min_samples_leaf=20, random_state=SEED)
        self.model.fit(self._inputs(teaching), error**2 if self.squared else error)

    def __call__(self, rows: Answers) -> tuple[float, float]:
        """The estimated metric, negated as qualities are, and its standard error over rows."""
        import numpy as np

        losses = np.clip(self.model.predict(self._inputs(rows)), 0, None)
        mean, error = float(losses.mean()), float(losses.std(ddof=1)) / sqrt(len(losses))
        if not self.squared:
            return -mean, error
        root = sqrt(mean)
        return -root, error / (2 * root) if root > 0 else 0.0

    def _inputs(self, rows: Answers) -> np.ndarray:
        import numpy as np

        frame: pd.DataFrame = comparable_frame(rows.frame, self.declared.features)
        columns = []
        for name in frame.columns:
            column = frame[name].to_numpy()
            if column.dtype == object:
                known = self.texts.setdefault(name, sorted(frame[name].dropna().unique()))
                column = codes(column, known)
            columns.append(np.asarray(column, dtype=float))
        return np.column_stack([*columns, rows.predicted.label])
