"""An additive explanation that is fitted apart from the answer, so that the two can be compared.

Kernel SHAP (Lundberg and Lee 2017) constrains its parts to sum to the answer and so always agrees with it. Here the
fit is free, and neither the full nor the empty coalition of features is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.contract import CONFIDENCE, SEED
from checks.evidence import Declaration, Predictor, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

EXPLAINED = 25
BACKGROUND = 12
COALITIONS = 150
RESAMPLES = 1000
CLIP = 1e-6
"""Probabilities are kept so far from 0 and 1 that log odds stay finite."""
LEAST_SPREAD = 1e-9


def explained(declared: Declaration, predictor: Predictor, frame: pd.DataFrame) -> dict[str, float] | None:
    """How far explanations of rows drawn from ``frame`` (n, features and more) are from the answers.

    Returns:
        ``rows`` explained, the root mean square ``deviation`` in standard deviations of the margin, and the bounds
        ``low``, ``high`` of its 95 % interval. None where margins do not differ.
    """
    import numpy as np

    rng = np.random.default_rng(SEED)
    inputs = frame[declared.feature_names]
    spread = float(np.std(margins(declared, predictor, inputs)))
    if not spread > LEAST_SPREAD:
        return None
    chosen = rng.choice(len(inputs), min(EXPLAINED, len(inputs)), replace=False)
    background = inputs.iloc[rng.choice(len(inputs), min(BACKGROUND, len(inputs)), replace=False)]
    squares = []
    for row in chosen:
        kept = coalitions(len(declared.features), rng)
        summed = _surrogate(declared, predictor, inputs.iloc[[row]], background, kept)
        answer = margins(declared, predictor, inputs.iloc[[row]])[0]
        squares.append(((summed - answer) / spread) ** 2)
    draws = np.sqrt(rng.choice(squares, (RESAMPLES, len(squares))).mean(axis=1))
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    deviation = float(np.sqrt(np.mean(squares)))
    return {"rows": len(squares), "deviation": deviation, "low": float(low), "high": float(high)}


def margins(declared: Declaration, predictor: Predictor, inputs: pd.DataFrame) -> np.ndarray:
    """(n,) log odds of the positive class (of the last class, in a task with several), or the predicted number."""
    import numpy as np

    made = predictor.predict(inputs)
    if declared.task is Task.REGRESSION:
        return np.asarray(made.label, dtype=float)
    if made.proba is None:
        return np.asarray(np.asarray(made.label).astype(str) == str(made.classes[-1]), dtype=float)
    score = made.positive_score(declared.positive) if declared.task is Task.BINARY else None
    share = np.clip(made.proba[:, -1] if score is None else score, CLIP, 1 - CLIP)
    return np.asarray(np.log(share / (1 - share)))


def coalitions(features: int, rng: np.random.Generator) -> np.ndarray:
    """(m, features) bool: which features keep the row's value; sizes 1 to features - 1, by the Shapley kernel."""
    import numpy as np

    if features < 2:
        return np.zeros((0, features), dtype=bool)
    sizes = np.arange(1, features)
    weights = 1 / (sizes * (features - sizes))
    drawn = rng.choice(sizes, COALITIONS, p=weights / weights.sum())
    kept = np.zeros((COALITIONS, features), dtype=bool)
    for row, size in zip(kept, drawn, strict=True):
        row[rng.choice(features, size, replace=False)] = True
    return kept


def _surrogate(
    declared: Declaration, predictor: Predictor, row: pd.DataFrame, background: pd.DataFrame, kept: np.ndarray
) -> float:
    """What the parts fitted on ``kept`` sum to where every feature has the row's value."""
    import numpy as np

    size = len(background)
    mixed = background.iloc[np.tile(np.arange(size), len(kept))].reset_index(drop=True)
    mask = np.repeat(kept, size, axis=0)
    columns = {
        name: mixed[name].where(~mask[:, place], row[name].iloc[0]).astype(mixed[name].dtype)
        for place, name in enumerate(background.columns)
    }
    means = margins(declared, predictor, mixed.assign(**columns)).reshape(len(kept), size).mean(axis=1)
    design = np.column_stack([np.ones(len(kept)), kept])
    parts, *_ = np.linalg.lstsq(design, means, rcond=None)
    return float(parts.sum())
