"""What was measured, laid out for reading: single values, tables, and the rest as JSON."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

MOST_ROWS = 50
MOST_COLUMNS = 12
PREVIEW_BYTES = 64 * 1024
LONG_FRACTION = re.compile(r"-?\d+\.\d{7,30}(e-?\d{1,3})?")


@dataclass(frozen=True)
class Table:
    """``left_out`` rows are not shown."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    left_out: int = 0


@dataclass(frozen=True)
class Layout:
    """``single`` values by name, ``tables``, and ``nested`` values that fit into neither."""

    single: Mapping[str, Any]
    tables: Sequence[Table]
    nested: Mapping[str, Any]


def lay_out(values: Mapping[str, Any]) -> Layout:
    """Sort measured values by their form: lists of records, and records of records, become tables."""
    single: dict[str, Any] = {}
    tables: list[Table] = []
    nested: dict[str, Any] = {}
    for name, value in values.items():
        if not isinstance(value, list | tuple | Mapping) or _is_flat_list(value):
            single[name] = value
        elif table := _as_table(name, value):
            tables.append(table)
        elif isinstance(value, Mapping) and all(not isinstance(item, list | Mapping) for item in value.values()):
            tables.append(Table(name, ("", ""), [*value.items()][:MOST_ROWS], max(0, len(value) - MOST_ROWS)))
        else:
            nested[name] = value
    return Layout(single, tables, nested)


def _is_flat_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(not isinstance(item, list | tuple | Mapping) for item in value)


def _as_table(name: str, value: Any) -> Table | None:
    """A list of records or a record of records as a table, None for anything else."""
    if isinstance(value, Mapping) and value and all(isinstance(item, Mapping) for item in value.values()):
        value = [{"": key, **item} for key, item in value.items()]
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return None
    header = list(dict.fromkeys(str(key) for item in value for key in item))
    if not header or len(header) > MOST_COLUMNS:
        return None
    rows = [[item.get(column) for column in header] for item in value[:MOST_ROWS]]
    return Table(name, header, rows, max(0, len(value) - MOST_ROWS))


def preview(name: str, content: bytes) -> Table | None:
    """The first rows of a CSV file, long fractions as numbers; None when it has no rows."""
    text = content[:PREVIEW_BYTES].decode("utf-8", errors="replace")
    rows = list(_rows(text))
    if len(content) > PREVIEW_BYTES:
        rows = rows[:-1]  # cut through
    if not rows:
        return None
    shown = [
        [float(cell) if LONG_FRACTION.fullmatch(cell) else cell for cell in row] for row in rows[1 : MOST_ROWS + 1]
    ]
    return Table(name, rows[0], shown, max(0, len(rows) - 1 - MOST_ROWS))


def _rows(text: str) -> Iterable[list[str]]:
    try:
        yield from csv.reader(StringIO(text))
    except csv.Error:
        return
