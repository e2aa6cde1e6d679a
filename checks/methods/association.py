"""How strongly two columns are associated, from 0 to 1, whatever their types.

Number with number: absolute Pearson correlation (Spearman's when the numbers are ranks). Category with category:
Cramer's V with the bias correction of Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", 2013. Category
with number: correlation ratio with the bias correction of Kelley, "An unbiased correlation ratio measure", 1935.
Without the corrections a column of many rare values would seem to explain everything.

The standard error comes from random halves of the rows (delete-d jackknife with d = n / 2, Shao and Wu, "A general
theory for jackknife variance estimation", 1989): a bootstrap draws rows twice and so inflates the association of
columns with rare values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from checks.contract import SEED
from checks.methods.columns import comparable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

HALVES = 100
FEW = 20
"""Whole numbers with at most so many different values are taken for the codes of categories, if nobody says."""


class Association(NamedTuple):
    """``rows`` counts those in which neither column is null."""

    strength: float
    error: float
    rows: int


def encode(column: pd.Series[Any], declared_type: str | None = None, *, ranks: bool = False) -> np.ndarray:
    """The column as ``strength`` takes it.

    Args:
        declared_type: one of ``type_names``; None where nobody declared the column.
        ranks: numbers become their ranks.

    Returns:
        (n,) float with NaN for nulls (numbers, dates), or (n,) int codes with -1 for nulls (categories).
    """
    import pandas as pd

    if _is_category(column, declared_type):
        return pd.factorize(column.astype(object))[0]
    numbers = comparable(column, declared_type or "number")
    return (numbers.rank() if ranks else numbers).to_numpy()


def _is_category(column: pd.Series[Any], declared_type: str | None) -> bool:
    import pandas as pd

    if declared_type is not None:
        return declared_type in {"category", "boolean", "text"}
    if pd.api.types.is_datetime64_any_dtype(column):
        return False
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return True
    values = column.dropna()
    return bool((values % 1 == 0).all()) and values.nunique() <= FEW


def strength(left: np.ndarray, right: np.ndarray) -> float:
    """Association of two encoded columns over the rows where both are present; 0 where either is constant."""
    present = _present(left) & _present(right)
    left, right = left[present], right[present]
    if len(left) < 3:
        return 0.0
    match left.dtype.kind, right.dtype.kind:
        case "f", "f":
            return _pearson(left, right)
        case "f", _:
            return _correlation_ratio(right, left)
        case _, "f":
            return _correlation_ratio(left, right)
    return _cramers_v(left, right)


def associate(left: np.ndarray, right: np.ndarray) -> Association:
    """The strength with its standard error over ``HALVES`` seeded halves of the rows."""
    import numpy as np

    present = _present(left) & _present(right)
    left, right = left[present], right[present]
    rng, rows, whole = np.random.default_rng(SEED), len(left), strength(left, right)
    halves = (rng.permutation(rows)[: (rows + 1) // 2] for _ in range(HALVES))
    spread = [strength(left[half], right[half]) - whole for half in halves]
    return Association(whole, float(np.sqrt(np.mean(np.square(spread)))), rows)


def _present(encoded: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(np.isfinite(encoded) if encoded.dtype.kind == "f" else encoded >= 0)


def _centred(values: np.ndarray) -> np.ndarray:
    """Scaled to at most 1 before anything is squared, and exactly 0 where constant: means round."""
    import numpy as np

    if values.min() == values.max():
        return np.zeros(len(values))
    scaled = values / np.abs(values).max()
    return np.asarray(scaled - scaled.mean())


def _pearson(left: np.ndarray, right: np.ndarray) -> float:
    import numpy as np

    left, right = _centred(left), _centred(right)
    scale = float(np.sqrt((left @ left) * (right @ right)))
    return min(abs(float(left @ right)) / scale, 1.0) if scale else 0.0


def _correlation_ratio(codes: np.ndarray, values: np.ndarray) -> float:
    import numpy as np

    _, groups, counts = np.unique(codes, return_inverse=True, return_counts=True)
    rows, values = len(values), _centred(values)
    total = float(values @ values)
    if total == 0 or len(counts) == rows:
        return 0.0
    between = float((np.bincount(groups, values) ** 2 / counts).sum())
    explained = 1 - (1 - between / total) * (rows - 1) / (rows - len(counts))
    return float(np.sqrt(np.clip(explained, 0, 1)))


def _cramers_v(left: np.ndarray, right: np.ndarray) -> float:
    import numpy as np

    _, left, left_counts = np.unique(left, return_inverse=True, return_counts=True)
    _, right, right_counts = np.unique(right, return_inverse=True, return_counts=True)
    rows, k, r = len(left), len(left_counts), len(right_counts)
    cells, counts = np.unique(left * r + right, return_counts=True)
    # Chi-squared / n over the occupied cells only: a full table of two free-text columns would not fit.
    phi2 = float((counts**2 / (left_counts[cells // r] * right_counts[cells % r])).sum()) - 1
    spare = min(k - (k - 1) ** 2 / (rows - 1), r - (r - 1) ** 2 / (rows - 1)) - 1
    corrected = max(0.0, phi2 - (k - 1) * (r - 1) / (rows - 1))
    return min(1.0, float(np.sqrt(corrected / spare))) if spare > 0 else 0.0
