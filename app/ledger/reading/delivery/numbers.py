"""Medians, p90 and means of what is known, and never of too little."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median, quantiles

from app.ledger.reading.delivery.bands import Band

LEAST_FOR_MEDIAN, LEAST_FOR_P90 = 3, 10


@dataclass(frozen=True)
class Span:
    """How long something took. ``seconds`` is None where the ledger does not know; ``why`` says what is missing."""

    subject: str
    ended_at: datetime
    seconds: float | None
    why: str = ""


@dataclass(frozen=True)
class LeftOut:
    """What does not count because something about it is unknown."""

    why: str
    subjects: tuple[str, ...]


@dataclass(frozen=True)
class Durations:
    """In seconds, of ``n`` that are known. Below 3 there is no median and no mean, below 10 no p90; ``reason``
    then says what is missing. p90 is interpolated linearly between the ordered values.
    """

    n: int
    median: float | None
    p90: float | None
    mean: float | None
    band: Band | None
    reason: str
    left_out: tuple[LeftOut, ...] = ()


def durations(
    spans: Sequence[Span], what: str, band: Callable[[float], Band], *, by_mean: bool = False
) -> Durations:
    """``what``: the things that are counted, in the plural; the band is that of the median, or of the mean."""
    known = [one.seconds for one in spans if one.seconds is not None]
    left_out = _left_out((one.why, one.subject) for one in spans if one.seconds is None)
    n = len(known)
    if n < LEAST_FOR_MEDIAN:
        reason = f"{n} {what} with known times in this period; {LEAST_FOR_MEDIAN} are needed"
        return Durations(n, None, None, None, None, reason, left_out)
    p90 = quantiles(known, n=10, method="inclusive")[-1] if n >= LEAST_FOR_P90 else None
    reason = "" if p90 is not None else f"p90 needs {LEAST_FOR_P90} {what}, and there are {n}"
    middle, mean = median(known), fmean(known)
    return Durations(n, middle, p90, mean, band(mean if by_mean else middle), reason, left_out)


def _left_out(pairs: Iterable[tuple[str, str]]) -> tuple[LeftOut, ...]:
    """Grouped by reason, the most frequent first."""
    found: dict[str, list[str]] = defaultdict(list)
    for why, subject in pairs:
        found[why].append(subject)
    ordered = sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))
    return tuple(LeftOut(why, tuple(sorted(subjects))) for why, subjects in ordered)
