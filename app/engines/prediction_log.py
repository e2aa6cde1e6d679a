"""Logged predictions as one Parquet file: columns of ``checks.serving`` first, then the model's own.

What comes in may be typed differently from file to file; the declared types are restored where that loses nothing,
and where a value is not of its type the column becomes text, so that what was really served can still be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from checks.serving import AT, ID, LATENCY, PREDICTION, ROLE, SCORE

if TYPE_CHECKING:
    import pyarrow as pa

PROBABILITY_OF = "assay.proba."
"""Prefix of a column with the probability of one class, in a task with several."""


@dataclass(frozen=True)
class Row:
    """One prediction as a server logs it.

    ``features``: name -> value. ``score``: probability of the positive class. ``probabilities``: by class, in a
    task with several.
    """

    id: str
    at: datetime
    features: Mapping[str, Any]
    prediction: Any
    score: float | None = None
    probabilities: Mapping[str, float] | None = None
    latency_ms: float | None = None


def table_of(rows: Sequence[Row], types: Mapping[str, str], role: str) -> pa.Table:
    """The rows as a table. ``types``: the declared type of each feature; a feature that no row has is all null."""
    import pyarrow as pa

    columns = {
        ID: pa.array([row.id for row in rows], pa.string()),
        AT: pa.array([row.at for row in rows], pa.timestamp("us", "UTC")),
        PREDICTION: array_of([row.prediction for row in rows]),
        SCORE: pa.array([row.score for row in rows], pa.float64()),
        LATENCY: pa.array([row.latency_ms for row in rows], pa.float64()),
        ROLE: pa.array([role] * len(rows), pa.string()),
    }
    for name in _all_keys(row.probabilities or {} for row in rows):
        values = [(row.probabilities or {}).get(name) for row in rows]
        columns[PROBABILITY_OF + str(name)] = pa.array(values, pa.float64())
    for name in dict.fromkeys([*types, *_all_keys(row.features for row in rows)]):
        columns[name] = typed(array_of([row.features.get(name) for row in rows]), types.get(name))
    return pa.table(columns)


def _all_keys(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for one in mappings for key in one))


def array_of(values: list[Any]) -> pa.Array:
    """Plain values as one column; values that have no type in common become text."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def typed(column: Any, declared: str | None) -> Any:
    """The column in its declared type, or as near to it as its values allow."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    wanted = {
        "number": (pa.float64(),),
        "integer": (pa.int64(), pa.float64()),
        "boolean": (pa.bool_(),) if types.is_null(column.type) else (),
        "datetime": (pa.timestamp("us", "UTC"),),
    }.get(declared or "", ())
    if types.is_string(column.type) or types.is_large_string(column.type):
        wanted = wanted if declared == "datetime" else ()
    for kind in wanted:
        try:
            return column.cast(kind)
        except (pa.ArrowException, ValueError):
            continue
    return column.cast(pa.string()) if types.is_null(column.type) else column


def parquet(table: pa.Table, keep: Sequence[int] | None = None) -> bytes:
    """The table as Parquet; only the row positions ``keep``, in this order, if given."""
    import pyarrow.parquet as pq

    buffer = BytesIO()
    pq.write_table(table if keep is None else table.take(keep), buffer, compression="zstd")
    return buffer.getvalue()
