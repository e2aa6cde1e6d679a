"""How far small noise in the inputs moves a model's predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.contract import SEED
from checks.evidence import Declaration, Predictions, Predictor, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NOISE = 1e-6
"""Standard deviation of the noise, in standard deviations of the column."""

MOVES_KEPT = 200


@dataclass(frozen=True)
class Disturbance:
    """``moves``: (n,) how far each prediction moved, in ``unit``. ``after``: the predictions under noise."""

    columns: list[str]
    unit: str
    moves: np.ndarray
    after: Predictions

    def summary(self) -> dict[str, Any]:
        """JSON-ready: ``columns``, ``unit``, ``rows`` and the ``greatest`` moves, at most ``MOVES_KEPT``, not 0."""
        greatest = sorted(self.moves[self.moves > 0].tolist(), reverse=True)[:MOVES_KEPT]
        return {"columns": self.columns, "unit": self.unit, "rows": len(self.moves), "greatest": greatest}


def disturb(declared: Declaration, predictor: Predictor, frame: pd.DataFrame) -> Disturbance:
    """Predicts ``frame`` with and without seeded normal noise in its features of type ``number``.

    A move is the greatest change of a class probability; 1 for a changed label where there are no probabilities;
    for regression the change in standard deviations of the label. It is 0 where either prediction is not finite.
    """
    import numpy as np

    noisy = _noisy(declared, frame)
    before, after = predictor.predict(frame), predictor.predict(frame.assign(**noisy))
    if before.proba is not None and after.proba is not None:
        unit, moves = "in probability", np.abs(after.proba - before.proba).max(axis=1)
    elif declared.task is Task.REGRESSION:
        spread = np.nanstd(frame[declared.label] if declared.label in frame.columns else before.label) or 1
        unit, moves = "standard deviations of the label", np.abs(after.label - before.label) / spread
    else:
        unit, moves = "of a label", (after.label != before.label).astype(float)
    return Disturbance(list(noisy), unit, np.where(np.isfinite(moves), moves, 0.0), after)


def _noisy(declared: Declaration, frame: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """The columns of type ``number`` with noise, in their own precision; integers have none to lose."""
    import numpy as np
    import pandas as pd

    rng, noisy = np.random.default_rng(SEED), {}
    for feature in declared.features:
        column = frame[feature.name]
        if feature.type == "number" and pd.api.types.is_float_dtype(column):
            spread = np.nanstd(column.to_numpy(dtype=float, na_value=np.nan))
            noisy[feature.name] = (column + rng.normal(0, NOISE * spread, len(frame))).astype(column.dtype)
    return noisy
