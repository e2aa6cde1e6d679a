"""Columns of two data sets made comparable: one type for what is declared alike, however a file stored it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from checks.evidence import Feature
from checks.methods.schema import as_category

if TYPE_CHECKING:
    import pandas as pd

TEXTUAL = ("category", "text")


def comparable(column: pd.Series[Any], declared_type: str) -> pd.Series[Any]:
    """(n,) numbers as float, booleans as 0 and 1, times as seconds since 1970; categories and texts as text.

    What is missing, infinite or not of the declared type is NaN, and None among texts.
    """
    import numpy as np
    import pandas as pd

    if declared_type in TEXTUAL:
        positions, values = pd.factorize(column.astype(object))
        names = np.array([*map(as_category, values), None], dtype=object)
        return pd.Series(names[positions], index=column.index, name=column.name, dtype=object)
    if declared_type == "datetime" or pd.api.types.is_datetime64_any_dtype(column):
        times = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
        numbers = (times - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    else:
        numbers = pd.to_numeric(column, errors="coerce")
    plain = numbers.to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(np.where(np.isfinite(plain), plain, np.nan), index=column.index, name=column.name)


def comparable_frame(frame: pd.DataFrame, features: Iterable[Feature]) -> pd.DataFrame:
    """The features of ``frame`` made ``comparable``, in their order; they must all be there."""
    import pandas as pd

    return pd.DataFrame({one.name: comparable(frame[one.name], one.type) for one in features}, index=frame.index)
