"""Offline and online figures of versions, or of a model made worse on purpose, as CSV.

Columns name, offline, online and rows; one line an experiment. Both figures are scores or both are losses, so that
they should rise together. ``rows``: on how many labelled predictions the online figure rests.
"""

from __future__ import annotations

import csv
import math
from io import StringIO

from app.errors import FieldError, Invalid, nearest
from checks.serving import MetricPair

COLUMNS = ("name", "offline", "online", "rows")
MOST_PAIRS = 200
LONGEST_NAME = 200


def parse(content: bytes) -> tuple[MetricPair, ...]:
    """The pairs, in the file's order.

    Raises:
        Invalid: not such a file, or a name is there twice: windows of one version are no independent experiments.
    """
    try:
        reader = csv.DictReader(StringIO(content.decode("utf-8-sig")), strict=True)
        _require_columns(list(reader.fieldnames or []))
        found: dict[str, MetricPair] = {}
        for row in reader:
            pair = _pair(row, reader.line_num)
            if pair.name in found:
                raise _refused(f"{pair.name[:40]!r} is there twice; one line an experiment", reader.line_num)
            found[pair.name] = pair
    except UnicodeDecodeError:
        raise _refused("it is not UTF-8 text; write CSV") from None
    except csv.Error as error:
        raise _refused(str(error)) from None
    if not 0 < len(found) <= MOST_PAIRS:
        raise _refused(f"it has {len(found)} pairs; 1 to {MOST_PAIRS} are due")
    return tuple(found.values())


def _require_columns(names: list[str]) -> None:
    if missing := [name for name in COLUMNS if name not in names]:
        raise _refused(f"there is no column {missing[0]!r}{nearest(missing[0], names)}", 1)


def _pair(row: dict[str, str], line: int) -> MetricPair:
    name = (row["name"] or "").strip()
    if not name or len(name) > LONGEST_NAME:
        raise _refused(f"a name has 1 to {LONGEST_NAME} characters", line)
    offline, online, rows = (_number(row, column, line) for column in COLUMNS[1:])
    if rows < 0 or not rows.is_integer():
        raise _refused(f"rows {rows:g} is no count", line)
    return MetricPair(name, offline, online, int(rows))


def _number(row: dict[str, str], column: str, line: int) -> float:
    try:
        number = float(row[column] or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _refused(f"the {column} figure {(row[column] or '')[:40]!r} is no finite number", line)
    return number


def _refused(message: str, line: int | None = None) -> Invalid:
    where = f" in line {line}" if line else ""
    return Invalid(f"These are no pairs of metrics{where}: {message}.", [FieldError("", message, line)])
