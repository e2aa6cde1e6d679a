"""Groups of people compared pairwise, from their counts alone.

A largest difference over many groups is biased upwards, and so is its bootstrap. So no interval is put around
the maximum: every pair of groups is a comparison of its own, with a closed standard error, and the comparisons
are corrected together (``checks.methods.metrics.corrected_lower_bounds``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, log, sqrt
from typing import Any

from checks.methods.cohorts import smoothed

Group = Mapping[str, Any]
"""As ``checks.methods.groups.counted`` gives it."""

TINY = 1e-9


@dataclass(frozen=True)
class Contrast:
    """One rate of two groups. ``estimate``: difference, or log of the ratio, of the higher to the lower."""

    told: str
    estimate: float
    error: float
    is_ratio: bool = False

    @property
    def value(self) -> float:
        return exp(self.estimate) if self.is_ratio else self.estimate


def odds_contrasts(groups: Sequence[Group], least: int) -> Iterator[Contrast]:
    """Differences in true and false positive rates; a group counts where at least ``least`` rows are behind it."""
    least = max(least, 1)
    for position in range(len(groups[0]["outcomes"]) if groups else 0):
        true, false = [], []
        for group in groups:
            one = group["outcomes"][position]
            true.append((group["group"], one["hits"], one["actual"]))
            false.append((group["group"], one["selected"] - one["hits"], group["rows"] - one["actual"]))
        of = groups[0]["outcomes"][position]["class"]
        yield from _differences(f"true positive rate of {of}", [rate for rate in true if rate[2] >= least])
        yield from _differences(f"false positive rate of {of}", [rate for rate in false if rate[2] >= least])


def parity_contrasts(groups: Sequence[Group]) -> Iterator[Contrast]:
    """Log ratios of the shares predicted as a class, by the method of Katz with halves added (Walter 1975)."""
    for position in range(len(groups[0]["outcomes"]) if groups else 0):
        what = f"share predicted as {groups[0]['outcomes'][position]['class']}"
        rates = [(g["group"], g["outcomes"][position]["selected"], g["rows"]) for g in groups]
        for one, other in combinations(rates, 2):
            high, low = sorted((one, other), key=lambda rate: rate[1] / rate[2], reverse=True)
            ratio = log((high[1] + 0.5) / (high[2] + 0.5)) - log((low[1] + 0.5) / (low[2] + 0.5))
            variance = sum(1 / (hits + 0.5) - 1 / (rows + 0.5) for _, hits, rows in (high, low))
            yield Contrast(_told(what, high, low), ratio, sqrt(max(variance, 0.0)), is_ratio=True)


def error_contrasts(groups: Sequence[Group]) -> Iterator[Contrast]:
    """Log ratios of mean errors, their variance by the delta method."""
    for one, other in combinations([group for group in groups if group["rows"] > 1], 2):
        high, low = sorted((one, other), key=lambda group: -group["error"])
        means = [max(group["error"], TINY) for group in (high, low)]
        variance = sum(g["error_variance"] / mean**2 for g, mean in zip((high, low), means, strict=True))
        told = " against ".join(f"{g['error']:.3f} in {g['group']} ({g['rows']})" for g in (high, low))
        yield Contrast(f"the mean error is {told}", log(means[0] / means[1]), sqrt(variance), is_ratio=True)


def _differences(what: str, rates: Sequence[tuple[str, int, int]]) -> Iterator[Contrast]:
    for one, other in combinations(rates, 2):
        high, low = sorted((one, other), key=lambda rate: rate[1] / rate[2], reverse=True)
        (above, spread), (below, other_spread) = smoothed(*high[1:]), smoothed(*low[1:])
        yield Contrast(_told(what, high, low), above - below, sqrt(spread + other_spread))


def _told(what: str, *rates: tuple[str, int, int]) -> str:
    return f"the {what} is " + " against ".join(
        f"{hits / rows:.3f} in {group} ({hits} of {rows})" for group, hits, rows in rates
    )
