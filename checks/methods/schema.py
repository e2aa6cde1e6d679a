"""A column against the expectations of its feature, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any

from checks.evidence import Feature, type_names

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SINGLE = ("float32", "Float32", "float[pyarrow]")


def expectations(feature: Feature) -> list[str]:
    """What is declared of the feature: ``type``, ``range``, ``categories``, ``nullability``."""
    declared = {
        "type": feature.type in type_names,
        "range": feature.min is not None or feature.max is not None,
        "categories": feature.categories is not None,
        "nullability": feature.nullable is not None,
    }
    return [name for name, there in declared.items() if there]


def faults(feature: Feature, column: pd.Series[Any]) -> Mapping[str, np.ndarray]:
    """The cells that break the schema, by kind of fault.

    Returns:
        fault -> (n,) bool: ``null``, ``type``, ``below min``, ``above max``, ``category``. A cell has one fault
        at most; nulls are judged only where ``nullable`` is false.
    """
    import numpy as np

    null = column.isna().to_numpy(dtype=bool)
    conforms = _conforming(feature.type, column)
    valid = conforms & ~null
    found = {"null": null & (feature.nullable is False), "type": ~conforms & ~null}
    if feature.min is not None or feature.max is not None:
        # A limit of 0.3 must hold for the 0.3 of a single-precision column, which is a little more.
        precision = np.float32 if str(column.dtype) in SINGLE else np.float64
        numbers = finite_numbers(column)
        found["below min"] = valid & (numbers < precision(-np.inf if feature.min is None else feature.min))
        found["above max"] = valid & (numbers > precision(np.inf if feature.max is None else feature.max))
    if feature.categories is not None:
        allowed = frozenset(feature.categories)
        known = (as_category(value) in allowed for value in column)
        found["category"] = valid & ~np.fromiter(known, bool, len(column))
    return found


def as_category(value: Any) -> str:
    """A value as categories are compared: as text, whole floats (integers beside nulls) without their ``.0``."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def finite_numbers(column: pd.Series[Any]) -> np.ndarray:
    """(n,) float: the cells, NaN where one is no finite number (text that looks like one is not)."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
    else:
        cells = (float(value) if _is_number(value) else np.nan for value in column)
        numbers = np.fromiter(cells, float, len(column))
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool)


def _conforming(kind: str, column: pd.Series[Any]) -> np.ndarray:
    """(n,) bool: which cells are of the declared type; what nulls give does not matter."""
    import numpy as np
    import pandas as pd

    if kind == "number":
        return np.asarray(np.isfinite(finite_numbers(column)))
    if kind == "integer":
        return np.asarray(finite_numbers(column) % 1 == 0)
    if kind == "boolean":
        truths = np.fromiter((isinstance(value, bool | np.bool_) for value in column), bool, len(column))
        return np.asarray(truths | np.isin(finite_numbers(column), (0, 1)))
    if kind == "text":
        return np.fromiter((isinstance(value, str) for value in column), bool, len(column))
    if kind == "datetime" and not pd.api.types.is_datetime64_any_dtype(column):
        # CSV and JSON have no dates: ISO 8601 text counts as one, a bare number does not.
        dates = pd.Series([value if isinstance(value, str | date) else None for value in column], dtype=object)
        return np.asarray(pd.to_datetime(dates, format="ISO8601", errors="coerce", utc=True).notna())
    return np.ones(len(column), bool)
