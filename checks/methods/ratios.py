"""How much more one side has than the other: quantiles by the bootstrap, shares of failures exactly."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from checks.contract import CONFIDENCE, SEED

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 1000
MOST_VALUES = 20_000
"""Drawn at random from more, which bounds the bootstrap."""


def quantile_ratio(new: np.ndarray, old: np.ndarray, quantile: float) -> dict[str, Any]:
    """Quantile of ``new`` (n,) over that of ``old`` (m,), with its 95 % percentile bootstrap interval (Efron 1979);
    None where a side has no value.
    """
    import numpy as np

    counts = {"n": len(new), "previous_n": len(old)}
    if not len(new) or not len(old) or np.quantile(old, quantile) <= 0:
        return {**counts, "value": None, "previous_value": None, "ratio": None, "low": None, "high": None}
    value, before = float(np.quantile(new, quantile)), float(np.quantile(old, quantile))
    rng = np.random.default_rng(SEED)
    draws = _draws(rng, new, quantile) / np.maximum(_draws(rng, old, quantile), 1e-12)
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    bounds = {"ratio": value / before, "low": float(low), "high": float(high)}
    return {**counts, "value": value, "previous_value": before, **bounds}


def _draws(rng: np.random.Generator, values: np.ndarray, quantile: float) -> np.ndarray:
    import numpy as np

    if len(values) > MOST_VALUES:
        values = rng.choice(values, MOST_VALUES, replace=False)
    return np.array([np.quantile(rng.choice(values, len(values)), quantile) for _ in range(RESAMPLES)])


def share(failures: int, trials: int) -> dict[str, float]:
    """A share with its exact 95 % interval (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    low, high = binomtest(failures, trials).proportion_ci(CONFIDENCE, method="exact")
    return {"share": failures / trials, "low": float(low), "high": float(high)}


def more_failures(new: tuple[int, int], old: tuple[int, int]) -> dict[str, float]:
    """Whether one side fails more often, each as (failures, trials).

    Returns:
        ``difference`` of the shares with its 95 % interval ``low``, ``high`` (Newcombe 1998, method 10), and ``p``,
        the probability of so many failures or more on the new side if both fail alike (Fisher's exact test, which
        to judge by: where failures are few, the interval alone finds one in some hundreds credible).
    """
    from scipy.stats import binomtest, fisher_exact

    shares, bounds = [], []
    for failures, trials in (new, old):
        shares.append(failures / trials)
        bounds.append(binomtest(failures, trials).proportion_ci(CONFIDENCE, method="wilson"))
    difference = shares[0] - shares[1]
    below = sqrt((shares[0] - bounds[0].low) ** 2 + (bounds[1].high - shares[1]) ** 2)
    above = sqrt((bounds[0].high - shares[0]) ** 2 + (shares[1] - bounds[1].low) ** 2)
    table = [[failures, trials - failures] for failures, trials in (new, old)]
    p = float(fisher_exact(table, alternative="greater").pvalue)
    return {"difference": difference, "low": difference - below, "high": difference + above, "p": p}
