"""Which rows of a data set are looked at: labelled ones, slices, groups; and what is wrong in a row.

Columns come as users' files have them: with missing values, in nullable, categorical or mixed types.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, Any

from checks.contract import Missing
from checks.evidence import Data, Declaration, OrganisationPolicy, Predictions, Task
from checks.methods.metrics import take
from checks.methods.schema import as_category

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MANY_VALUES = 10
"""A numeric column with more distinct values is grouped by its quartiles."""


@dataclass(frozen=True)
class Labelled:
    """The rows of a data set that have a label: (n,) their ``positions`` in it, ``truth``, what is predicted."""

    positions: np.ndarray
    frame: pd.DataFrame
    truth: np.ndarray
    predicted: Predictions
    unlabelled: int

    def __len__(self) -> int:
        return len(self.truth)


def nearest(name: str, names: Iterable[Any]) -> str:
    """A hint at the name that was probably meant, or ""."""
    close = get_close_matches(name, [str(one) for one in names], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def require_columns(frame: pd.DataFrame, names: Iterable[str], where: str) -> None:
    """Raises Missing when ``frame``, the data set called ``where``, lacks one of ``names``."""
    absent = [name for name in names if name not in frame.columns]
    if absent:
        hint = nearest(absent[0], frame.columns)
        raise Missing(
            f"{', '.join(absent)} in the {where} data{hint}",
            f"add the column to the {where} data or correct its name in the manifest",
        )


def labels_of(declared: Declaration, data: Data, where: str) -> tuple[np.ndarray, np.ndarray]:
    """(n,) which rows have a label, and the labels of these, as plain numbers, booleans or texts.

    Raises:
        Missing: there is no label column, no label, no row of the positive class, or a regression's label is no
            number.
    """
    import numpy as np
    import pandas as pd

    require_columns(data.frame, [declared.label], where)
    column = data.frame[declared.label]
    known = column.notna().to_numpy()
    if not known.any():
        raise Missing(f"labelled rows in the {where} data", f"register {where} data with its labels")
    truth = column[known].infer_objects().to_numpy()
    if declared.task is Task.REGRESSION:
        numbers = pd.to_numeric(pd.Series(truth), errors="coerce").to_numpy(dtype=float)
        if not np.isfinite(numbers).all():
            raise Missing(f"numbers in the label column {declared.label!r}", f"correct the {where} data")
        return known, numbers
    if declared.task is Task.BINARY and not (truth == declared.positive).any():
        seen = ", ".join(sorted({repr(one) for one in truth.tolist()})[:5])
        raise Missing(
            f"rows of the positive class {declared.positive!r} in the {where} data, whose labels are {seen}",
            "correct columns.positive in the manifest, or register data with rows of both classes",
        )
    return known, truth


def labelled(declared: Declaration, holdout: Data, predicted: Predictions) -> Labelled:
    """The rows of the holdout that have a label, with their predictions; Missing as ``labels_of``, ``answers``."""
    import numpy as np

    known, truth = labels_of(declared, holdout, "test")
    rows = np.flatnonzero(known)
    frame = holdout.frame.iloc[rows].reset_index(drop=True)
    return Labelled(rows, frame, truth, answers(predicted, rows), len(known) - len(rows))


def subset(rows: Labelled, kept: np.ndarray) -> Labelled:
    """The rows at these positions, or where this mask is true."""
    frame = rows.frame.iloc[kept].reset_index(drop=True)
    return Labelled(rows.positions[kept], frame, rows.truth[kept], take(rows.predicted, kept), rows.unlabelled)


def answers(predicted: Predictions, rows: np.ndarray) -> Predictions:
    """The predictions of these row positions; Missing when one is absent, NaN or infinite."""
    import numpy as np
    import pandas as pd

    kept = take(predicted, rows)
    broken = pd.isna(kept.label)
    for values in (kept.label, kept.proba):
        if values is not None and values.dtype.kind == "f":
            broken = broken | ~np.isfinite(values.reshape(len(rows), -1)).all(axis=1)
    if broken.any():
        raise Missing(
            f"a finite prediction for {int(broken.sum())} of {len(rows)} rows",
            "let the model, or the prediction columns of the test data, answer every row",
        )
    return kept


def errors_of(declared: Declaration, truth: np.ndarray, predicted: Predictions) -> np.ndarray:
    """(n,) 1 where a class is wrong, else 0; in regression the absolute error in units of the label's sd.

    Raises:
        Missing: the labels of a regression are all the same.
    """
    import numpy as np

    if declared.task is not Task.REGRESSION:
        return np.asarray(truth != predicted.label, dtype=float)
    spread = float(np.std(truth))
    if spread == 0:
        raise Missing("labels that differ", "register test data in which the label takes several values")
    errors: np.ndarray = np.abs(truth - predicted.label) / spread
    return errors


def smoothed(hits: float, rows: float) -> tuple[float, float]:
    """A rate and its variance with one success and one failure added (Agresti and Caffo 2000).

    Differences of such rates keep their coverage where counts are small or a rate is 0 or 1.
    """
    rate = (hits + 1) / (rows + 2)
    return rate, rate * (1 - rate) / (rows + 2)


def mean_and_variance(values: np.ndarray, binary: bool) -> tuple[float, float]:
    """The mean of at least two values and its variance; that of zeros and ones (``binary``) is smoothed."""
    mean = float(values.mean())
    if binary:
        return mean, smoothed(float(values.sum()), len(values))[1]
    return mean, float(values.var(ddof=1)) / len(values)


def standard_error(*variances: float) -> float:
    """Of a sum or difference of independent estimates with these variances."""
    return sqrt(sum(variances))


def sensitive_columns(declared: Declaration, policy: OrganisationPolicy | None) -> list[str]:
    """The declared sensitive columns and the organisation's mandatory ones, each once."""
    return list(dict.fromkeys([*declared.sensitive, *(policy.sensitive if policy else ())]))


def groups_of(column: pd.Series[Any]) -> pd.Series[Any]:
    """(n,) the group of each row as text, None where the value is missing.

    A value is a group; a numeric or time column with more than ``MANY_VALUES`` values has four groups, cut at
    the quartiles of this column.
    """
    import pandas as pd

    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    ordered = numeric or pd.api.types.is_datetime64_any_dtype(column)
    if ordered and column.nunique() > MANY_VALUES:
        column = _quartiles(column.astype("Float64").astype(float) if numeric else column)
    groups = column.astype(object).map(as_category, na_action="ignore")
    return groups.where(column.notna(), None)


def _quartiles(column: pd.Series[Any]) -> pd.Series[Any]:
    """(n,) "up to 38", "over 38 to 50" and so on, fewer than four where quartiles coincide.

    The least and the greatest value are not named: each may be that of a single person.
    """
    import pandas as pd

    cuts = column.quantile([0, 0.25, 0.5, 0.75, 1]).drop_duplicates().tolist()
    inner = [f"{cut:g}" if isinstance(cut, float) else f"{cut:%Y-%m-%d}" for cut in cuts[1:-1]]
    labels = [_between(low, high) for low, high in pairwise(["", *inner, ""])]
    return pd.cut(column, cuts, labels=labels, include_lowest=True, ordered=False)


def _between(low: str, high: str) -> str:
    """The range in words; an empty text is an open end."""
    if not low:
        return f"up to {high}" if high else "any value"
    return f"over {low} to {high}" if high else f"over {low}"
