"""JSON lines: one flat object a line, read with bounded memory; whatever is wrong is named by its line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from app.engines.prediction_log import array_of
from app.errors import Invalid

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_LINE = 1024 * 1024
MAX_CELLS = 30_000_000
"""Each takes up to 100 bytes until all of them are columns."""


def read_json_lines(path: Path) -> pa.Table:
    """The objects as a table; a key that a line lacks is null there. Empty lines are passed over.

    Raises:
        Invalid: a line is no flat JSON object in UTF-8, is too long, or there are too many cells.
    """
    import pyarrow as pa

    columns: dict[str, list[Any]] = {}
    rows = 0
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            if not line.strip():
                continue
            for name, value in _object(line, number).items():
                column = columns.setdefault(name, [])
                column.extend([None] * (rows - len(column)))
                column.append(value)
            rows += 1
            if rows * len(columns) > MAX_CELLS:
                raise Invalid(f"line {number}: more than the {MAX_CELLS} cells that are accepted; split the file")
    for values in columns.values():
        values.extend([None] * (rows - len(values)))
    return pa.table({name: array_of(values) for name, values in columns.items()})


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise Invalid(f"line {number}: is longer than {LONGEST_LINE} bytes")
        yield line


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise Invalid(f"line {number}: is not UTF-8 (byte {error.start})") from error
    except (ValueError, RecursionError) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else f"is not JSON: {error}"
        raise Invalid(f"line {number}: {reason}") from error
    if not isinstance(found, dict):
        raise Invalid(f"line {number}: is not a JSON object")
    for name, value in found.items():
        if isinstance(value, dict | list):
            raise Invalid(f"line {number}: {name!r} holds {type(value).__name__}; accepted are plain values")
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; leave the value out or write null")
