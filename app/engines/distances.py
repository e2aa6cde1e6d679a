"""How far two profiles of one column are apart, and the few bins over which a verdict is reached."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from app.engines.profiles import CategoryProfile, NumberProfile, Profile, cell_edges
from checks.serving import ColumnProfile

if TYPE_CHECKING:
    import numpy as np

SMALLEST_UNIT = 0.001
"""Evidently divides by no less, so that a constant column has a distance too."""
NUMBER_BINS = 20
CATEGORY_BINS = 30


def wasserstein(reference: Profile, serving: Profile) -> float | None:
    """First Wasserstein distance over the reference's standard deviation (at least ``SMALLEST_UNIT``).

    The area between the two distribution functions. Inside a cell [a, b) it is, by parts, (b - a) D(a) + b dD - dS
    with D the difference of the functions, dD that of the cell's shares, dS that of its sums of values. None for
    categories, or where a side has no numbers.
    """
    import numpy as np

    if not (isinstance(reference, NumberProfile) and isinstance(serving, NumberProfile)):
        return None
    if not (reference.counted and serving.counted):
        return None
    share = reference.cells / reference.counted - serving.cells / serving.counted
    moment = reference.sums / reference.counted - serving.sums / serving.counted
    edges = cell_edges(0.0)
    # Whole numbers are added up first, so that nothing but 0 is left beyond the data, where cells are huge.
    mine, its = (np.cumsum(side.cells) - side.cells for side in (reference, serving))
    before = mine / reference.counted - its / serving.counted
    inside = np.isfinite(edges[:-1]) & np.isfinite(edges[1:])
    area = np.zeros(len(share))
    low, high = edges[:-1][inside], edges[1:][inside]
    area[inside] = (high - low) * before[inside] + high * share[inside] - moment[inside]
    return float(np.abs(area).sum() / max(reference.std or 0.0, SMALLEST_UNIT))


def jensen_shannon(reference: Profile, serving: Profile) -> float | None:
    """Jensen-Shannon distance, the square root of the divergence in nats: 0 to 0.83. None where a side is empty.

    Numbers over equal bins between the extremes of both sides (Sturges' rule), or value by value where the
    reference has 20 values or less; categories by value. Lin, "Divergence measures based on the Shannon entropy",
    IEEE Transactions on Information Theory, 1991.
    """
    import numpy as np

    if not (reference.counted and serving.counted):
        return None
    if isinstance(reference, NumberProfile) and isinstance(serving, NumberProfile):
        return sqrt(divergence(reference.compared, serving.compared))
    if isinstance(reference, CategoryProfile) and isinstance(serving, CategoryProfile):
        values = {**reference.values, **serving.values}
        mine, its = ([side.values.get(one, 0) for one in values] for side in (reference, serving))
        return sqrt(divergence(np.array([*mine, reference.others]), np.array([*its, serving.others])))
    return None


def divergence(first: np.ndarray, second: np.ndarray) -> float:
    """Jensen-Shannon divergence in nats of two vectors (k,) of counts, not all zero."""
    import numpy as np

    if not first.sum() or not second.sum():
        return 0.0
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(p / middle), 0) + np.where(q > 0, q * np.log(q / middle), 0)
    return max(0.0, float(terms.sum() / 2))


def coarse(profile: Profile, reference: Profile) -> ColumnProfile:
    """The profile over some twenty bins that hold about as many rows of the reference each."""
    if isinstance(profile, NumberProfile) and isinstance(reference, NumberProfile):
        cuts = _cuts(reference)
        edges = cell_edges(profile.bins.centre)[cuts]
        counts = _between(profile, cuts)
        return ColumnProfile(
            **vars(profile.faults),
            counts=tuple(counts),
            edges=tuple(edges.tolist()),
            mean=profile.mean,
            std=profile.std,
        )
    if isinstance(profile, CategoryProfile) and isinstance(reference, CategoryProfile):
        ranked = sorted(reference.values.items(), key=lambda pair: (-pair[1], pair[0]))
        kept = tuple(value for value, _ in ranked[:CATEGORY_BINS])
        counts = [profile.values.get(value, 0) for value in kept]
        others = profile.counted - sum(counts)
        return ColumnProfile(**vars(profile.faults), counts=(*counts, others), categories=kept)
    raise TypeError("numbers and categories cannot be compared")


def _cuts(reference: NumberProfile) -> np.ndarray:
    """(k,) the cells at which the bins begin: at equal shares of the reference, so far as its cells allow."""
    import numpy as np

    upto = np.cumsum(reference.cells)
    if not upto[-1]:
        return np.zeros(0, np.int64)
    occupied = np.flatnonzero(reference.cells)
    shares = np.arange(1, NUMBER_BINS) * (upto[-1] / NUMBER_BINS)
    inner = np.searchsorted(upto, shares, side="left") + 1
    return np.unique([occupied[0], *inner[inner <= occupied[-1]], occupied[-1] + 1])


def _between(profile: NumberProfile, cuts: np.ndarray) -> list[int]:
    import numpy as np

    return [int(part.sum()) for part in np.split(profile.cells, cuts)]
