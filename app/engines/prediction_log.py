"""Logged predictions as one Parquet file: columns of ``checks.serving`` first, then the model's own.

What comes in may be typed differently from file to file; the declared types are restored where that loses nothing,
and where a value is not of its type the column becomes text, so that what was really served can still be looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.methods.schema import as_category
from checks.serving import AT, ID, LABEL, LATENCY, PREDICTION, ROLE, SCORE

if TYPE_CHECKING:
    import pandas as pd
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


def write_labels(labels: Mapping[str, Any], path: Path) -> str:
    """Write labels by prediction id as Parquet, columns ``ID`` and ``LABEL``; returns the file's sha256."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = sorted(labels)
    columns = {ID: pa.array(ids, pa.string()), LABEL: array_of([labels[one] for one in ids])}
    pq.write_table(pa.table(columns), path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Logged:
    """Rows of a log, oldest first, and how many there were in all."""

    frame: pd.DataFrame
    rows: int


def read_log(paths: Sequence[Path], start: datetime, end: datetime, newest: int) -> Logged:
    """The newest predictions answered from ``start`` (inclusive) to ``end`` (exclusive)."""
    return _newest(paths, start, end, newest, None)


def read_labelled(paths: Sequence[Path], start: datetime, end: datetime, newest: int, labels: Path) -> Logged:
    """The newest of these predictions that have a label, which is in the column ``LABEL``."""
    import pyarrow.parquet as pq

    known = pq.read_table(labels).to_pandas()
    logged = _newest(paths, start, end, newest, set(known[ID]))
    frame = logged.frame.merge(known, on=ID, how="inner", validate="one_to_one")
    return Logged(frame.sort_values([AT, ID], kind="stable", ignore_index=True), logged.rows)


def _newest(
    paths: Sequence[Path], start: datetime, end: datetime, newest: int, wanted: Collection[str] | None
) -> Logged:
    """Two passes: one over the times says which rows are the newest, another reads these."""
    import pandas as pd
    import pyarrow as pa

    index = [_index(path, number, start, end, wanted) for number, path in enumerate(paths)]
    rows = pd.concat(index, ignore_index=True) if index else pd.DataFrame({"file": [], "row": [], AT: [], ID: []})
    kept = rows.sort_values([AT, ID], kind="stable").tail(newest)
    parts = ((path, kept["row"][kept["file"] == number].to_numpy()) for number, path in enumerate(paths))
    tables = [_rows(path, positions) for path, positions in parts if len(positions)]
    if not tables:
        return Logged(pd.DataFrame({ID: [], AT: []}), 0)
    frame = pa.concat_tables(_alike(tables), promote_options="permissive").to_pandas(ignore_metadata=True)
    return Logged(frame.sort_values([AT, ID], kind="stable", ignore_index=True), len(rows))


def _index(path: Path, number: int, start: datetime, end: datetime, wanted: Collection[str] | None) -> pd.DataFrame:
    """Which rows of a file are in question: ``file``, ``row``, time and id."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        frame: pd.DataFrame = file.read(columns=[AT, ID]).to_pandas()
    frame = frame.assign(file=number, row=range(len(frame)))
    inside = (frame[AT] >= start) & (frame[AT] < end)
    if wanted is not None:
        inside &= frame[ID].isin(wanted)
    return frame.loc[inside]


def _rows(path: Path, positions: Any) -> pa.Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read().take(positions)


def _alike(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Columns whose types have nothing in common become text in all of the tables."""
    import pyarrow as pa

    kinds: dict[str, set[Any]] = {}
    for table in tables:
        for field in table.schema:
            kinds.setdefault(field.name, set()).add(field.type)
    texts = {name for name, several in kinds.items() if len(several) > 1 and not _numeric(several)}

    def cast(table: pa.Table) -> pa.Table:
        fields = [field.with_type(pa.string()) if field.name in texts else field for field in table.schema]
        return table.cast(pa.schema(fields))

    return [cast(table) for table in tables]


def _numeric(kinds: Iterable[Any]) -> bool:
    from pyarrow import types

    return all(types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind) for kind in kinds)


def index_of(table: pa.Table, person: str | None) -> dict[str, list[Any]]:
    """``ids``, ``times`` (microseconds since 1970) and ``persons`` (text or None) of all rows."""
    import pyarrow as pa

    ids, times = table.column(ID).to_pylist(), table.column(AT).cast(pa.int64()).to_pylist()
    persons = table.column(person).to_pylist() if person in table.column_names else [None] * len(ids)
    return {"ids": ids, "times": times, "persons": [as_person(one) for one in persons]}


def as_person(value: Any) -> str | None:
    """The id of a person as text, the same however a file stored it."""
    return None if value is None else as_category(value)


def rows_with(table: pa.Table, ids: Sequence[str]) -> pa.Table:
    """The rows of these predictions, in their order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.is_in(table.column(ID), value_set=pa.array(ids, pa.string())))


def read_parquet(path: Path) -> pa.Table:
    """A log that ``parquet`` wrote."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read()
