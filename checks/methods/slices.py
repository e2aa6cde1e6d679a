"""Subsets of rows: those that are declared, and those that are searched for on one half of the test data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from checks.contract import SEED
from checks.evidence import Declaration, OrganisationPolicy, Slice
from checks.methods.cohorts import nearest
from checks.methods.schema import as_category

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


MANDATORY, DECLARED, FOUND = "organisation", "declared", "found"
"""Families of slices. Each is corrected for its own number, so that none can dilute another."""


def slices_of(declared: Declaration, policy: OrganisationPolicy | None) -> list[tuple[str, Slice]]:
    """(family, slice): the organisation's mandatory slices and the declared ones, each once, under own names."""
    mandatory = list(policy.slices) if policy else []
    taken = {one.name for one in declared.slices if one not in mandatory}
    renamed = [Slice(f"{s.name} (organisation)", s.where) if s.name in taken else s for s in mandatory]
    own = [one for one in declared.slices if one not in mandatory]
    return [*((MANDATORY, one) for one in renamed), *((DECLARED, one) for one in own)]


def search_half(rows: int) -> np.ndarray:
    """(rows,) bool: the half of the test data in which weak segments may be searched for; the other half judges.

    What was picked because it looked bad in some rows looks bad in them; fresh rows tell whether it is.
    """
    import numpy as np

    searched = np.zeros(rows, dtype=bool)
    searched[np.random.default_rng(SEED).permutation(rows)[: rows // 2]] = True
    return searched


def slice_mask(where: Mapping[str, Any], frame: pd.DataFrame) -> np.ndarray:
    """(n,) the rows in which all conditions hold; a missing value meets none but ``null``.

    A condition is a value, a list of values of which one is met, or a range.

    Raises:
        ValueError: a column is not there, or a range is asked of a column that has no order.
    """
    import numpy as np

    mask = np.ones(len(frame), dtype=bool)
    for name, condition in where.items():
        if name not in frame.columns:
            raise ValueError(f"the test data has no column {name!r}{nearest(name, frame.columns)}")
        mask &= _meets(frame[name], condition)
    return mask


def _meets(column: pd.Series[Any], condition: Any) -> np.ndarray:
    import numpy as np
    import pandas as pd

    if condition is None:
        return column.isna().to_numpy()
    if isinstance(condition, Mapping):
        return _within(column, condition)
    if isinstance(condition, list):
        met = [_meets(column, one) for one in condition]
        return np.any(met, axis=0) if met else np.zeros(len(column), dtype=bool)
    if pd.api.types.is_numeric_dtype(column) and isinstance(condition, (int, float)):
        equal = column == condition
    else:
        equal = column.astype(object).map(as_category, na_action="ignore") == as_category(condition)
    return equal.fillna(False).to_numpy(dtype=bool)


def _within(column: pd.Series[Any], limits: Mapping[str, Any]) -> np.ndarray:
    import numpy as np
    import pandas as pd

    values: Any
    low, high = limits.get("min"), limits.get("max")
    if pd.api.types.is_datetime64_any_dtype(column):
        values = pd.to_datetime(column, utc=True)
        low, high = (None if bound is None else pd.to_datetime(bound, utc=True) for bound in (low, high))
    elif pd.api.types.is_numeric_dtype(column):
        values = column.astype("Float64").astype(float)
    else:
        raise ValueError(f"the column {column.name!r} is neither a number nor a time, so it has no range")
    inside = np.asarray(values.notna())
    if low is not None:
        inside &= np.asarray(values >= low)
    if high is not None:
        inside &= np.asarray(values < high)
    return inside
