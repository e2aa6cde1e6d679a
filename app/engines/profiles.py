"""What is counted of one column: profiles of parts add up to the profile of the whole.

A number falls into one of 65,536 cells on both sides of a centre, each as wide as 0.4 % to 0.8 % of its distance
from there; the sum of a cell's values makes distances between two profiles exact but for cells inside which the
distributions cross. A category is counted by value, up to ``MOST_VALUES`` of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from checks.evidence import Feature

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

CELLS = 1 << 16
LARGEST = 1e38
"""What is larger cannot be reckoned with in single precision, and counts as a cell that could not be read."""
MOST_VALUES = 10_000
"""Values of a category that are told apart; what turns up after them is counted together."""
FEW_VALUES = 20
"""Up to so many values in the reference, a number is compared value by value, as Evidently does."""


@dataclass(frozen=True)
class NumberBins:
    """Where numbers are counted. ``values``: the reference's when they are ``FEW_VALUES`` or less, else none.

    ``edges``: of the equal bins between the extremes of both sides, by Sturges' rule; none where there are
    ``values``.
    """

    centre: float
    values: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()


@dataclass(frozen=True)
class Faults:
    """Cells that are missing or break the declared schema, see ``checks.serving.ColumnProfile``."""

    rows: int = 0
    missing: int = 0
    unreadable: int = 0
    below: int = 0
    above: int = 0
    unknown: int = 0

    def __add__(self, other: Faults) -> Faults:
        return Faults(*(mine + its for mine, its in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass(frozen=True)
class NumberProfile:
    """``cells``: (65536,) counts; ``sums``: the same, of value - centre. ``compared``: counts in ``bins.edges``, or
    of ``bins.values`` and of all others. ``squares`` is the sum of squared deviations from the mean.
    """

    bins: NumberBins
    faults: Faults
    cells: np.ndarray = field(repr=False)
    sums: np.ndarray = field(repr=False)
    compared: np.ndarray = field(repr=False)
    squares: float = 0.0

    @property
    def counted(self) -> int:
        return int(self.cells.sum())

    @property
    def mean(self) -> float | None:
        """None without a finite number."""
        return self.bins.centre + float(self.sums.sum()) / self.counted if self.counted else None

    @property
    def std(self) -> float | None:
        """Population standard deviation."""
        return float((self.squares / self.counted) ** 0.5) if self.counted else None

    def __add__(self, other: NumberProfile) -> NumberProfile:
        """The profile of both parts; their bins must be the same.

        Squares: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm", 1979.
        """
        if self.bins != other.bins:
            raise ValueError("profiles over different bins cannot be merged")
        mine, its = self.counted, other.counted
        apart = (self.mean or 0.0) - (other.mean or 0.0)
        between = apart**2 * mine * its / (mine + its) if mine and its else 0.0
        return NumberProfile(
            self.bins,
            self.faults + other.faults,
            self.cells + other.cells,
            self.sums + other.sums,
            self.compared + other.compared,
            self.squares + other.squares + between,
        )


@dataclass(frozen=True)
class CategoryProfile:
    """``values``: count by value as text, in the order of their first appearance; ``others``: rows beyond them."""

    faults: Faults
    values: Mapping[str, int] = field(default_factory=dict)
    others: int = 0

    @property
    def counted(self) -> int:
        return sum(self.values.values()) + self.others

    def __add__(self, other: CategoryProfile) -> CategoryProfile:
        """The profile of both parts; exact while there are no ``others``."""
        values, others = dict(self.values), self.others + other.others
        for value, count in other.values.items():
            if value in values or len(values) < MOST_VALUES:
                values[value] = values.get(value, 0) + count
            else:
                others += count
        return CategoryProfile(self.faults + other.faults, values, others)


Profile = NumberProfile | CategoryProfile


def empty(bins: NumberBins | None) -> Profile:
    """Of no rows: numbers where there are bins, else categories."""
    import numpy as np

    if bins is None:
        return CategoryProfile(Faults())
    cells = np.zeros(CELLS, np.int64)
    compared = np.zeros(len(bins.values) + 1 if bins.values else max(0, len(bins.edges) - 1), np.int64)
    return NumberProfile(bins, Faults(), cells, np.zeros(CELLS), compared)


def profile_numbers(
    numbers: np.ndarray, bins: NumberBins, limits: tuple[float | None, float | None] = (None, None)
) -> NumberProfile:
    """Count one part of a column.

    Args:
        numbers: (n,) float; NaN is missing, infinity a cell that could not be read, as is all beyond ``LARGEST``.
        limits: the least and the greatest value declared.
    """
    import numpy as np

    finite = np.abs(numbers) < LARGEST
    known = numbers if finite.all() else numbers[finite]
    missing = int(np.isnan(numbers).sum()) if len(known) < len(numbers) else 0
    low, high = limits
    faults = Faults(
        rows=len(numbers),
        missing=missing,
        unreadable=len(numbers) - len(known) - missing,
        below=int((known < low).sum()) if low is not None else 0,
        above=int((known > high).sum()) if high is not None else 0,
    )
    offsets = known - bins.centre
    cells = cell_of(offsets)
    counts = np.bincount(cells, minlength=CELLS)
    squares = float(((offsets - offsets.mean()) ** 2).sum()) if len(known) else 0.0
    sums = np.bincount(cells, weights=offsets, minlength=CELLS)
    return NumberProfile(bins, faults, counts, sums, _compared(known, bins), squares)


def cell_of(offsets: np.ndarray) -> np.ndarray:
    """(n,) the cells of finite distances from the centre, in ascending order of the distance.

    The cell is the upper half of the single-precision number: sign, exponent and seven bits of mantissa.
    """
    import numpy as np

    with np.errstate(over="ignore", under="ignore"):
        bits = offsets.astype(np.float32).view(np.int32) >> 16
    return np.where(bits < 0, -1 - (bits & 0x7FFF), bits) + CELLS // 2


def cell_edges(centre: float) -> np.ndarray:
    """(65537,) the values between which the cells lie; infinite at both ends and beyond single precision."""
    import numpy as np

    bits = np.arange(CELLS // 2 + 1, dtype=np.int64) << 16
    with np.errstate(invalid="ignore"):
        above = bits.astype(np.uint32).view(np.float32).astype(float)
    above[(np.isnan(above)) | (bits >= 0x7F800000)] = np.inf
    return np.concatenate([-above[:0:-1], above]) + centre


def _compared(known: np.ndarray, bins: NumberBins) -> np.ndarray:
    import numpy as np

    if bins.values:
        values = np.array(bins.values)
        at = np.searchsorted(values, known).clip(max=len(values) - 1)
        return np.bincount(np.where(values[at] == known, at, len(values)), minlength=len(values) + 1)
    if len(bins.edges) < 2 or not len(known):
        return np.zeros(max(0, len(bins.edges) - 1), np.int64)
    return np.histogram(known, len(bins.edges) - 1, (bins.edges[0], bins.edges[-1]))[0]


def profile_categories(texts: pa.Array, feature: Feature) -> CategoryProfile:
    """Count one part of a column, given as text. Of free text nothing is counted but what is missing.

    Cells that are no text although they should be come as numbers.
    """
    import pyarrow.compute as pc
    from pyarrow import types

    rows, missing = len(texts), texts.null_count
    if types.is_floating(texts.type):
        return CategoryProfile(Faults(rows, missing, unreadable=rows - missing))
    if feature.type == "text":
        return CategoryProfile(Faults(rows, missing))
    pairs = pc.value_counts(texts.drop_null())
    counted = dict(zip(pairs.field(0).to_pylist(), pairs.field(1).to_pylist(), strict=True))
    unknown = 0
    if feature.categories is not None:
        allowed = frozenset(feature.categories)
        unknown = sum(count for value, count in counted.items() if value not in allowed)
    return CategoryProfile(Faults(rows, missing, unknown=unknown)) + CategoryProfile(Faults(), counted)
