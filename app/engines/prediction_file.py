"""A file of predictions or of labels from elsewhere: checked row by row, brought into the columns of ``checks``.

Errors name the row and the column, never the cell: it may be somebody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from app.engines.prediction_log import PROBABILITY_OF, typed
from app.errors import Invalid, nearest
from checks.serving import AT, ID, LABEL, LATENCY, PREDICTION, ROLE, SCORE

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ROWS = 1_000_000
LONGEST_ID = 200
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
OBSERVED = "observed_at"

UNDERSTOOD: Mapping[str, tuple[str, ...]] = {
    "id": (ID, "prediction_id", "id"),
    "time": (AT, "at", "timestamp", "time"),
    "prediction": (PREDICTION, "prediction"),
    "probability": (SCORE, "probability", "score"),
    "latency": (LATENCY, "latency_ms"),
    "label": (LABEL, "label"),
    "observed": (OBSERVED, "label_at"),
}
"""Names by which a part of a prediction is known, after the one that was asked for and the manifest's."""


@dataclass(frozen=True)
class Layout:
    """What a file's columns mean.

    ``asked``: column by part, as the request names it; ``declared``: as the manifest does; a part is a key of
    ``UNDERSTOOD``. ``types``: the declared type of every feature. ``also``: columns that are kept if they are there
    (slices and sensitive columns need them). ``latest``: no prediction can be later. ``person``: the column that
    names a person, ``ID`` where the prediction's id does.
    """

    asked: Mapping[str, str]
    declared: Mapping[str, str]
    types: Mapping[str, str]
    also: tuple[str, ...]
    regression: bool
    role: str
    latest: datetime
    person: str | None = None


def normalised(table: pa.Table, layout: Layout) -> pa.Table:
    """The predictions of a file in the columns of ``app.engines.prediction_log``.

    Raises:
        Invalid: a column is missing, or a row has no id, an id twice, an absurd time, or what is no prediction.
    """
    import pyarrow as pa

    _require_rows(table)
    found = {part: _column(table, part, layout) for part in ("id", "time", "prediction", "probability", "latency")}
    if missing := [*_missing(table, found, layout), *_missing_features(table, layout)]:
        raise Invalid("; ".join(missing[:10]))
    columns = {
        ID: pa.array(_ids(table, found["id"]), pa.string()),
        AT: pa.array(_times(table, found["time"], layout.latest), pa.timestamp("us", "UTC")),
        PREDICTION: _predictions(table, found["prediction"], layout),
        SCORE: _numbers(table, found["probability"], 0, 1),
        LATENCY: _numbers(table, found["latency"], 0, float("inf")),
        ROLE: pa.array([layout.role] * table.num_rows, pa.string()),
    }
    for name in table.column_names:
        if name.startswith(PROBABILITY_OF):
            columns[name] = _numbers(table, name, 0, 1)
    kept = [*layout.types, *(name for name in layout.also if name in table.column_names)]
    for name in dict.fromkeys(kept):
        columns[name] = typed(table.column(name).combine_chunks(), layout.types.get(name))
    return pa.table(columns)


def labels_in(table: pa.Table, layout: Layout) -> dict[str, list[Any]]:
    """``id``, ``label`` and ``observed_at`` (ISO 8601 or None) of every row; raises Invalid as ``normalised``."""
    _require_rows(table)
    found = {part: _column(table, part, layout) for part in ("id", "label", "observed")}
    if missing := list(_missing(table, {part: found[part] for part in ("id", "label")}, layout)):
        raise Invalid("; ".join(missing))
    values = table.column(str(found["label"])).to_pylist()
    observed: list[str | None] = [None] * table.num_rows
    if found["observed"]:
        times = _times(table, found["observed"], layout.latest)
        observed = [moment.isoformat() for moment in times]
    return {
        "id": _ids(table, found["id"], once=False),
        "label": [value.isoformat() if isinstance(value, date) else value for value in values],
        "observed_at": observed,
    }


def _require_rows(table: pa.Table) -> None:
    if table.num_rows > MAX_ROWS:
        raise Invalid(f"the file has {table.num_rows} rows, {MAX_ROWS} at most are accepted; split it")


def _column(table: pa.Table, part: str, layout: Layout) -> str | None:
    """The name of the column with this part; None when there is none."""
    names = table.column_names
    if asked := layout.asked.get(part):
        if asked not in names:
            raise Invalid(f"there is no column {asked!r}{nearest(asked, names)}, which was named for the {part}")
        return asked
    declared = layout.declared.get(part)
    return next((name for name in (*([declared] if declared else []), *UNDERSTOOD[part]) if name in names), None)


def _missing(table: pa.Table, found: Mapping[str, str | None], layout: Layout) -> Iterator[str]:
    for part in ("id", "time", "prediction", "label"):
        if part in found and found[part] is None:
            declared = layout.declared.get(part)
            known = " or ".join(map(repr, [*([declared] if declared else []), *UNDERSTOOD[part]]))
            hint = nearest(declared or part, table.column_names)
            yield f"there is no column with the {part}{hint}: call it {known}, or name it (--{part}-column)"


def _missing_features(table: pa.Table, layout: Layout) -> Iterator[str]:
    for name in layout.types:
        if name not in table.column_names:
            others = [other for other in table.column_names if other not in layout.types]
            yield f"there is no column {name!r}{nearest(name, others)}, a feature of the model"


def _ids(table: pa.Table, name: str | None, *, once: bool = True) -> list[str]:
    import pyarrow as pa
    from pyarrow import types

    column = table.column(str(name))
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (types.is_string(column.type) or types.is_large_string(column.type) or types.is_integer(column.type)):
        raise Invalid(f"the column {name!r} holds {column.type}; an id is text or a whole number")
    ids: list[str] = column.cast(pa.string()).to_pylist()
    seen: dict[str, int] = {}
    for row, one in enumerate(ids, 1):
        if not one or len(one) > LONGEST_ID or "\0" in one:
            what = "is missing" if not one else f"is longer than {LONGEST_ID} characters or holds NUL"
            raise Invalid(f"row {row}: the id ({name}) {what}")
        if once and seen.setdefault(one, row) != row:
            raise Invalid(f"row {row}: the id ({name}) stands in row {seen[one]} already; an id is used once")
    return ids


def _times(table: pa.Table, name: str | None, latest: datetime) -> list[datetime]:
    import pyarrow as pa
    from pyarrow import types

    column = table.column(str(name))
    if types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    times = []
    for row, value in enumerate(column.to_pylist(), 1):
        moment = _moment(value)
        if moment is None:
            told = "is missing" if value is None else "is no time; write ISO 8601"
            raise Invalid(f"row {row}: the time ({name}) {told}")
        if not EARLIEST <= moment <= latest:
            limits = f"between {EARLIEST:%Y-%m-%d} and now (until {latest:%Y-%m-%dT%H:%MZ})"
            raise Invalid(f"row {row}: the time ({name}) is absurd: it must be {limits}")
        times.append(moment)
    return times


def _moment(value: Any) -> datetime | None:
    """A time in UTC, which is what a time without a zone is taken for; None when it is no time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _predictions(table: pa.Table, name: str | None, layout: Layout) -> Any:
    from pyarrow import types

    column = table.column(str(name)).combine_chunks()
    if column.null_count:
        row = column.is_null().to_pylist().index(True) + 1
        raise Invalid(f"row {row}: the prediction ({name}) is missing")
    if layout.regression and not (types.is_integer(column.type) or types.is_floating(column.type)):
        raise Invalid(f"the column {name!r} holds {column.type}; the prediction of a regression is a number")
    return typed(column, "number" if layout.regression else None)


def _numbers(table: pa.Table, name: str | None, least: float, most: float) -> Any:
    """The column as numbers, all null when there is none; NaN becomes null."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if name is None:
        return pa.nulls(table.num_rows, pa.float64())
    column = table.column(name).combine_chunks()
    if not (types.is_integer(column.type) or types.is_floating(column.type)):
        raise Invalid(f"the column {name!r} holds {column.type}, where numbers are due")
    numbers = column.cast(pa.float64(), safe=False)
    numbers = pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    for row, value in enumerate(numbers.to_pylist(), 1):
        if value is not None and not least <= value <= most:
            raise Invalid(f"row {row}: {name} is not between {least:g} and {most:g}")
    return numbers
