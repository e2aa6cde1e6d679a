"""Column profiles: DuckDB reads, filters and converts, and what it hands over batch by batch is counted at once.

What files and columns are called, and what their cells hold, never becomes part of a statement; ``duck_files`` has
how nothing else can be read. It all runs in the attempt's own process, under its limit of memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.engines.duck_files import THREADS, attached
from app.engines.duck_sql import CATEGORICAL, Part, epoch, expression, is_whole, microseconds
from app.engines.profiles import (
    FEW_VALUES,
    LARGEST,
    NumberBins,
    Profile,
    empty,
    profile_categories,
    profile_numbers,
)
from checks.evidence import Feature
from checks.serving import AT

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Side:
    """Files (path, format) of one side. With a window [start, end), rows of other times are left out."""

    files: Sequence[tuple[Path, str]]
    window: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class Profiles:
    """By feature, but for those that a side does not have at all: ``absent`` says which side."""

    reference: Mapping[str, Profile]
    serving: Mapping[str, Profile]
    absent: Mapping[str, str]
    reference_rows: int
    serving_rows: int


def profiles(reference: Side, serving: Side, features: Sequence[Feature], folder: Path | None = None) -> Profiles:
    """Profile the features that both sides have, over the same bins.

    Args:
        folder: where links to the files are kept for the moment.

    Raises:
        Invalid: a file cannot be read as a table.
    """
    with attached({"reference": reference.files, "serving": serving.files}, folder) as (connection, parts):
        readers = {
            "reference": _Reader(connection, parts["reference"], reference),
            "serving": _Reader(connection, parts["serving"], serving),
        }
        absent = {
            one.name: side for side, reader in readers.items() for one in features if not reader.has(one.name)
        }
        shared = [one for one in features if one.name not in absent]
        bins = _bins(readers["reference"], readers["serving"], shared)
        counted = {name: reader.profile(shared, bins) for name, reader in readers.items()}
        rows = {name: reader.rows() for name, reader in readers.items()}
    return Profiles(counted["reference"], counted["serving"], absent, rows["reference"], rows["serving"])


@dataclass(frozen=True)
class _Range:
    """``rows`` with a number, the least and the greatest; ``whole``: stored as integers, all of them."""

    rows: int = 0
    low: float | None = None
    high: float | None = None
    whole: bool = True

    @property
    def finite(self) -> bool:
        return all(end is None or abs(end) < LARGEST for end in (self.low, self.high))

    def __add__(self, other: _Range) -> _Range:
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        whole = self.whole and other.whole
        return _Range(self.rows + other.rows, min(lows, default=None), max(highs, default=None), whole)


class _Reader:
    """One side, read by SQL of ours."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], side: Side) -> None:
        self._connection, self._parts = connection, parts
        self._window = [microseconds(time) for time in side.window or ()]

    def has(self, name: str) -> bool:
        return any(name in part.columns for part in self._parts)

    def rows(self) -> int:
        return sum(int(self._run(part, ["count(*)"]).fetchall()[0][0]) for part in self._parts)

    def ranges(self, features: Sequence[Feature]) -> dict[str, _Range]:
        """Where the finite numbers lie, by feature."""
        found = {one.name: _Range() for one in features}
        for part in self._parts:
            known = [one for one in features if one.name in part.columns]
            ranges = self._ranges(part, known, finite=False)
            # To leave out NaN and infinity makes it many times as slow: only where there are some.
            odd = [one for one in known if not ranges[one.name].finite]
            ranges |= self._ranges(part, odd, finite=True)
            for name, one in ranges.items():
                found[name] += one
        return found

    def _ranges(self, part: Part, features: Sequence[Feature], *, finite: bool) -> dict[str, _Range]:
        if not features:
            return {}
        values = [expression(part, one) for one in features]
        wanted = [
            f"{which}({value})" + (f" FILTER (WHERE abs({value}) < {LARGEST})" if finite else "")
            for value in values
            for which in ("count", "min", "max")
        ]
        row = iter(self._run(part, wanted).fetchall()[0])
        triples = zip(features, row, row, row, strict=True)
        return {f.name: _Range(n, a, b, is_whole(part.columns[f.name][1])) for f, n, a, b in triples}

    def head(self, features: Sequence[Feature]) -> dict[str, np.ndarray]:
        """The finite numbers among the first rows, by feature."""
        import numpy as np

        found: dict[str, np.ndarray] = {}
        for part in self._parts:
            known = [one for one in features if one.name in part.columns and not len(found.get(one.name, ()))]
            if not known:
                continue
            wanted = [expression(part, one) for one in known]
            batch: pa.Table = self._run(part, wanted, f"LIMIT {BATCH_ROWS}").to_arrow_table()
            for index, one in enumerate(known):
                numbers = batch.column(index).to_numpy()
                found[one.name] = numbers[np.abs(numbers) < LARGEST]
        return found

    def values(self, feature: Feature) -> tuple[float, ...]:
        """The distinct numbers in ascending order, or none when there are more than ``FEW_VALUES``."""
        found: set[float] = set()
        for part in self._parts:
            if feature.name in part.columns:
                value = expression(part, feature)
                rows = self._run(part, [f"DISTINCT {value}"], f"LIMIT {FEW_VALUES + 5}").fetchall()
                found |= {row[0] for row in rows if row[0] is not None and abs(row[0]) < LARGEST}
        return tuple(sorted(found)) if len(found) <= FEW_VALUES else ()

    def profile(self, features: Sequence[Feature], bins: Mapping[str, NumberBins | None]) -> dict[str, Profile]:
        """All features in one pass over the rows."""
        counted = {one.name: empty(bins[one.name]) for one in features}
        with ThreadPoolExecutor(THREADS) as pool:
            for part in self._parts:
                wanted = [expression(part, one) for one in features]
                reader: pa.RecordBatchReader = self._run(part, wanted).to_arrow_reader(BATCH_ROWS)
                limits = [_limits(part, one) for one in features]
                for batch in reader:
                    columns = [batch.column(index) for index in range(batch.num_columns)]
                    several = pool.map(_profile, columns, features, [bins[one.name] for one in features], limits)
                    for one, profile in zip(features, several, strict=True):
                        counted[one.name] = counted[one.name] + profile  # type: ignore[operator]
        return counted

    def _run(self, part: Part, wanted: Sequence[str], ending: str = "") -> duckdb.DuckDBPyRelation:
        at = part.columns.get(AT) if self._window else None
        when = f"WHERE {epoch(at, 'epoch_us')} >= ? AND {epoch(at, 'epoch_us')} < ?" if at else ""
        statement = f"SELECT {', '.join(wanted)} FROM {part.view} {when} {ending}"  # noqa: S608 - names are ours
        return self._connection.sql(statement, params=self._window if at else [])


def _bins(reference: _Reader, serving: _Reader, features: Sequence[Feature]) -> dict[str, NumberBins | None]:
    import numpy as np

    numbers = [one for one in features if one.type not in CATEGORICAL]
    head, mine, its = reference.head(numbers), reference.ranges(numbers), serving.ranges(numbers)
    found: dict[str, NumberBins | None] = {one.name: None for one in features}
    for one in numbers:
        first = head.get(one.name, np.zeros(0))
        centre = float(np.partition(first, len(first) // 2)[len(first) // 2]) if len(first) else 0.0
        values = reference.values(one) if len(np.unique(first)) <= FEW_VALUES else ()
        edges = () if values else _sturges(mine[one.name] + its[one.name])
        found[one.name] = NumberBins(centre, values, edges)
    return found


def _sturges(range_: _Range) -> tuple[float, ...]:
    """Equal bins by Sturges' rule ("The choice of a class interval", 1926), as numpy cuts them."""
    import numpy as np

    low, high = range_.low, range_.high
    if low is None or high is None:
        return ()
    if low == high:
        return (low - 0.5, high + 0.5)
    width = (high - low) / (np.log2(range_.rows) + 1)
    number = int(np.ceil((high - low) / (max(1.0, width) if range_.whole else width)))
    return tuple(np.linspace(low, high, number + 1).tolist())


def _profile(
    column: pa.Array, feature: Feature, bins: NumberBins | None, limits: tuple[float | None, float | None]
) -> Profile:
    if bins is None:
        return profile_categories(column, feature)
    return profile_numbers(column.to_numpy(zero_copy_only=False), bins, limits)


def _limits(part: Part, feature: Feature) -> tuple[float | None, float | None]:
    """Those declared, in the precision of the column: 0.3 in single precision is a little more."""
    import numpy as np

    single = part.columns.get(feature.name, ("", ""))[1] == "FLOAT"
    low, high = (
        float(np.float32(limit)) if single and limit is not None else limit for limit in (feature.min, feature.max)
    )
    return low, high
