"""Two counts of one column over the same bins: how far apart, and whether chance alone would bring them so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from checks.contract import SEED

if TYPE_CHECKING:
    import numpy as np

DRAWS = 499
FEW = 10
"""Draws at least as extreme below which the tail is fitted, and not counted."""
MOST_ROWS = 10**9 - 1


@dataclass(frozen=True)
class Distance:
    """Jensen-Shannon distance of the bins beyond chance on average; p-value of bins and missing cells."""

    beyond_chance: float
    p_value: float


def beyond_chance(reference: Sequence[int], serving: Sequence[int]) -> Distance:
    """Compare two vectors (k + 1,) of counts, k bins and the missing cells, with random divisions of their sum.

    The null is the permutation of rows between the two sides, that is the multivariate hypergeometric distribution
    over the pooled counts; ``DRAWS`` seeded draws of it. Where fewer than ``FEW`` of them reach the observed
    divergence, the p-value is the tail of the gamma distribution with the draws' mean and variance (the divergence
    of k bins is close to a multiple of chi-square), so that it can be small enough to correct for many columns.

    The distance is the root of divergence - mean divergence under the null, 0 where that is negative: with few rows
    in many bins divergence is large by chance alone.
    """
    import numpy as np

    mine, its = _bounded(np.array([reference, serving], dtype=np.int64))
    if not mine.sum() or not its.sum():
        return Distance(0.0, 1.0)
    rng, pooled = np.random.default_rng(SEED), mine + its
    drawn = rng.multivariate_hypergeometric(pooled, int(its.sum()), size=DRAWS, method="marginals")
    others = pooled - drawn
    by_chance = float(_divergence(others[:, :-1], drawn[:, :-1]).mean())
    distance = sqrt(max(0.0, float(_divergence(mine[:-1], its[:-1])) - by_chance))
    return Distance(distance, _p_value(float(_divergence(mine, its)), _divergence(others, drawn)))


def _p_value(observed: float, chance: np.ndarray) -> float:
    from scipy.special import gammaincc

    reaching, mean, variance = int((chance >= observed * (1 - 1e-9)).sum()), chance.mean(), chance.var()
    if reaching < FEW and mean > 0 and variance > 0:
        return float(gammaincc(mean**2 / variance, observed * mean / variance))
    return (reaching + 1) / (DRAWS + 1)


def _bounded(counts: np.ndarray) -> np.ndarray:
    """(2, k), divided where numpy could not draw from so many rows."""
    return counts // (int(counts.sum()) // MOST_ROWS + 1)


def _divergence(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(...,) Jensen-Shannon divergences of counts (..., k), in nats: entropy of the mean - mean entropy."""
    import numpy as np

    p, q = (side / np.maximum(side.sum(axis=-1, keepdims=True), 1) for side in (first, second))

    def entropy(share: np.ndarray) -> np.ndarray:
        return np.asarray(-(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=-1))

    return np.asarray(np.maximum(0.0, entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2))
