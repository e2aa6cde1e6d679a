"""Parquet, CSV and Arrow files: looked into with bounded memory, then read as a frame.

Everything that a file declares about itself is doubted: sizes are checked before anything is read, Arrow buffers
are validated before they are used, and metadata of pandas and of extension types is never followed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engines.csv_text import check_text
from app.engines.json_lines import read_json_lines
from app.errors import Invalid

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MAX_COLUMNS = 10_000
MAX_CELLS = 200_000_000
MAX_BYTES = 8 * 1024**3
"""Of all columns decoded; an audit would not have the memory for more."""
MAX_NAME = 512
BATCH_CELLS = 2_000_000
MAX_BATCH_ROWS = 65_536
CSV_BLOCK_BYTES = 8 * 1024**2
"""Also the longest row of a CSV file."""
_CELLS = re.compile(r"(invalid value|got \d+)\b.*")
"""What Arrow says before it quotes a cell or a row."""
_PARQUET = {"arrow_extensions_enabled": False, "page_checksum_verification": True}


@dataclass(frozen=True)
class Table:
    """``columns``: name -> Arrow type."""

    rows: int
    columns: dict[str, str]


def look_into(path: Path, kind: str) -> Table:
    """Read the whole file once, Parquet and Arrow batch by batch, and say what is in it.

    Args:
        kind: "parquet", "csv" or "arrow".

    Raises:
        Invalid: it cannot be read, or holds what a table of features and labels cannot hold.
    """
    rows, size = 0, 0
    columns: dict[str, str] = {}
    with _readable(kind):
        for batch in _batches(path, kind):
            columns = columns or check_columns(batch.schema)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            _check_size(rows, len(columns), size)
    if not rows:
        raise Invalid("the file has no rows")
    return Table(rows, columns)


def read_frame(path: Path, format: str, columns: Sequence[str] | None = None) -> pd.DataFrame:  # noqa: A002
    """The file as a frame, one row an example.

    Dictionary columns become categories, dates timestamps, decimals floats, integers with nulls floats; times
    with a zone are in UTC.

    Args:
        format: "parquet", "csv" or "arrow".
        columns: read only these, in this order.

    Raises:
        Invalid: the file cannot be read, or lacks a column.
    """
    with _readable(format):
        frame: pd.DataFrame = read_table(path, format, columns).to_pandas(
            ignore_metadata=True, date_as_object=False, split_blocks=True, self_destruct=True
        )
    return frame


def read_table(path: Path, format: str, columns: Sequence[str] | None = None) -> pa.Table:  # noqa: A002
    """As ``read_frame``, as a table of Arrow's."""
    with _readable(format):
        table = _table(path, format, columns)
        check_columns(table.schema)
        return _plain(table)


def parquet_columns(path: Path) -> tuple[tuple[str, str], ...]:
    """Name and Arrow type of each column, by the file's footer alone. Raises Invalid."""
    import pyarrow.parquet as pq

    with _readable("parquet"), pq.ParquetFile(path, **_PARQUET) as file:
        _check_footer(file)
        return tuple(check_columns(file.schema_arrow).items())


def read_upload(path: Path, kind: str) -> pa.Table:
    """The file as an Arrow table, with the types it has there.

    Args:
        kind: "parquet", "csv", "arrow" or "json-lines".

    Raises:
        Invalid: it cannot be read, has no rows, or holds what a table of plain values cannot hold.
    """
    with _readable(kind):
        table = read_json_lines(path) if kind == "json-lines" else _table(path, kind, None)
        if not table.num_rows:
            raise Invalid("the file has no rows")
        check_columns(table.schema)
        _check_size(table.num_rows, table.num_columns, table.nbytes)
        return _plain(table)


@contextmanager
def _readable(kind: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        told = _CELLS.sub(r"\1", lines[0])[:300]
        raise Invalid(f"the {kind} content cannot be read: {told}") from error


def _batches(path: Path, kind: str) -> Iterator[pa.RecordBatch]:
    if kind == "parquet":
        return _parquet_batches(path)
    return _arrow_batches(path) if kind == "arrow" else iter(_read_csv(path).to_batches())


def _table(path: Path, kind: str, columns: Sequence[str] | None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if kind == "parquet":
        with pq.ParquetFile(path, **_PARQUET) as file:
            _check_footer(file)
            _require(columns, file.schema_arrow.names)
            table = file.read(columns=None if columns is None else list(columns))
    else:
        table = _read_csv(path) if kind == "csv" else pa.Table.from_batches(list(_arrow_batches(path)))
        _require(columns, table.column_names)
    return table if columns is None else table.select(list(columns))


def _require(columns: Sequence[str] | None, present: Sequence[str]) -> None:
    if absent := [name for name in columns or () if name not in present]:
        raise Invalid(f"there is no column {absent[0]!r}")


# --- what a table may hold ----------------------------------------------------------------------


def check_columns(schema: pa.Schema) -> dict[str, str]:
    """Name -> Arrow type of every column.

    Raises:
        Invalid: no columns, too many, a name that is empty, too long or used twice, or values of a type that
            is no feature (lists, structs, binary, times of day and the like).
    """
    if not schema.names:
        raise Invalid("the file has no columns")
    if len(schema.names) > MAX_COLUMNS:
        raise Invalid(f"the file has {len(schema.names)} columns, {MAX_COLUMNS} at most are accepted")
    name, count = Counter(schema.names).most_common(1)[0]
    if count > 1:
        raise Invalid(f"the column {name!r} is there {count} times")
    for field in schema:
        if not field.name.strip() or len(field.name) > MAX_NAME:
            raise Invalid(f"the column name {field.name[:40]!r} is empty or longer than {MAX_NAME} characters")
        if not _is_plain(field.type):
            raise Invalid(
                f"the column {field.name!r} holds {field.type}; accepted are numbers, booleans, text, "
                "categories, dates and timestamps"
            )
    return {field.name: str(field.type) for field in schema}


def _is_plain(kind: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return not types.is_dictionary(kind.value_type) and _is_plain(kind.value_type)
    tests = (
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_boolean,
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_date,
        types.is_timestamp,
        types.is_null,
    )
    return any(test(kind) for test in tests)


def _check_size(rows: int, columns: int, size: int) -> None:
    if rows * columns > MAX_CELLS:
        raise Invalid(f"{rows} rows x {columns} columns are more than the {MAX_CELLS} cells that are accepted")
    if size > MAX_BYTES:
        raise Invalid(f"the columns decode to more than the {MAX_BYTES // 1024**3} GB that are accepted")


def _plain(table: pa.Table) -> pa.Table:
    """The table in types that pandas holds natively."""
    import pyarrow as pa
    from pyarrow import types

    def target(kind: pa.DataType) -> pa.DataType:
        if types.is_decimal(kind) or types.is_null(kind):
            return pa.float64()
        if types.is_float16(kind):
            return pa.float32()
        if types.is_string_view(kind):
            return pa.large_string()
        if types.is_timestamp(kind) and kind.tz is not None:
            return pa.timestamp(kind.unit, "UTC")  # the instant stays; no zone named by a file is looked up
        return kind

    fields = [pa.field(field.name, target(field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))


# --- the three formats --------------------------------------------------------------------------


def _parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False, **_PARQUET) as file:
        _check_footer(file)
        columns = check_columns(file.schema_arrow)
        rows = max(1, min(MAX_BATCH_ROWS, BATCH_CELLS // len(columns)))
        seen = 0
        for batch in file.iter_batches(batch_size=rows, use_threads=False):
            seen += batch.num_rows
            yield batch
        if seen != file.metadata.num_rows:
            raise Invalid(f"the footer promises {file.metadata.num_rows} rows, the file holds {seen}")


def _check_footer(file: Any) -> None:
    """Before any page is read: a file of a few kB can promise billions of rows."""
    metadata = file.metadata
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    declared = sum(max(0, group.total_byte_size) for group in groups)
    _check_size(metadata.num_rows, metadata.num_columns, declared)


def _arrow_batches(path: Path) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    with pa.OSFile(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        with (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source) as reader:
            check_columns(reader.schema)
            indices = range(reader.num_record_batches) if is_file else None
            for batch in map(reader.get_batch, indices) if indices is not None else reader:
                batch.validate(full=True)  # offsets and indices come from the file and lead into memory
                yield batch


def _read_csv(path: Path) -> pa.Table:
    from pyarrow import csv

    check_text(path, CSV_BLOCK_BYTES)
    table = csv.read_csv(
        path,
        read_options=csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK_BYTES),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(strings_can_be_null=True),
    )
    if table.num_columns == 1 and (other := next((mark for mark in ";\t|" if mark in table.column_names[0]), None)):
        raise Invalid(f"the columns are separated by {other!r}; separate them by commas")
    _check_size(table.num_rows, table.num_columns, table.nbytes)
    return table
