"""Columns of a frame as the tensors that an ONNX model takes. Nothing is converted that would change a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.contract import Missing

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NUMBERS = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}
TEXT = "tensor(string)"


def matrix_tensor(frame: pd.DataFrame, given: Any) -> np.ndarray:
    """(n, k) all columns in one tensor of the input's type.

    Raises:
        Missing: a column cannot become that type.
    """
    import numpy as np

    if len(given.shape) < 2:
        return column_tensor(frame.iloc[:, 0], given)
    return np.column_stack([_converted(frame[name], given.type) for name in frame.columns])


def column_tensor(column: pd.Series[Any], given: Any) -> np.ndarray:
    """(n, 1), or (n,) where the input has one dimension."""
    values = _converted(column, given.type)
    return values.reshape(-1, 1) if len(given.shape) == 2 else values


def _converted(column: pd.Series[Any], kind: str) -> np.ndarray:
    import numpy as np
    import pandas as pd

    if kind == TEXT:
        return np.array(["" if pd.isna(value) else str(value) for value in column], dtype=object)
    if kind not in NUMBERS:
        raise Missing(f"a type for column {column.name!r}: the model takes {kind}", "export it with float inputs")
    target = np.dtype(NUMBERS[kind])
    numbers = _numbers(column)
    if target.kind == "f":
        return numbers.astype(target)
    whole = numbers.astype(target) if np.isfinite(numbers).all() else None
    if whole is None or not (whole == numbers).all():
        raise Missing(
            f"{'true or false' if target.kind == 'b' else 'whole numbers'} in every row of column "
            f"{column.name!r}, which the model takes as {kind}",
            "fill what is missing, or export the model with a float input for this column",
        )
    return whole


def _numbers(column: pd.Series[Any]) -> np.ndarray:
    """The column as numbers: booleans are 0 and 1, missing values NaN. Text is never read as a number."""
    import numpy as np
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind not in {"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"}:
        raise Missing(
            f"numbers in column {column.name!r}, which holds {kind} values while the model takes numbers",
            "export the model with one input a column (text as string tensors), or encode the column before",
        )
    if column.dtype.kind in "iu":
        return column.to_numpy()
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
