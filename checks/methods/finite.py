"""Where numbers are NaN or infinite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.evidence import Declaration, Predictor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ROWS_AT_ONCE = 50_000
"""So that what a preprocessing makes of them fits into memory."""


def non_finite_inputs(declared: Declaration, predictor: Predictor, frame: pd.DataFrame) -> np.ndarray | None:
    """(n,) whether the final estimator's inputs are infinite, or NaN although the row misses nothing.

    Many models take missing values as they are. None if the model does not show its steps.
    """
    import numpy as np

    faulty = [np.zeros(0, bool)]
    for start in range(0, len(frame), ROWS_AT_ONCE):
        part = frame.iloc[start : start + ROWS_AT_ONCE]
        inputs = predictor.transformed(part)
        if inputs is None:
            return None
        complete = part[declared.feature_names].notna().all(axis=1).to_numpy()
        faulty.append(is_inf(inputs).any(axis=1) | (is_nan(inputs).any(axis=1) & complete))
    return np.concatenate(faulty)


def is_nan(values: np.ndarray) -> np.ndarray:
    import numpy as np
    import pandas as pd

    return np.asarray(pd.isna(values))


def is_inf(values: np.ndarray) -> np.ndarray:
    import numpy as np

    if values.dtype.kind == "O":
        return np.isin(values, (np.inf, -np.inf))
    return np.asarray(np.isinf(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool))
