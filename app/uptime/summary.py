"""What probes say about a stretch of time. Pure: no clock, no database.

A probe speaks for the time until the next one, and for one and a half intervals at most: what lies beyond is
unknown, never up. So is the time of a probe that could not be carried out.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

State = Literal["up", "down", "unknown"]

REACH = 1.5
"""For how many intervals a probe speaks at most: a round that comes late is no gap, one that is left out is."""


class Sample(NamedTuple):
    """A probe as it counts here; a tuple, for a month has 43,200 of them. ``ok`` None: it could not be made."""

    at: datetime
    ok: bool | None
    seconds: float = 0.0
    error: str | None = None

    @property
    def state(self) -> State:
        return "unknown" if self.ok is None else "up" if self.ok else "down"


@dataclass(frozen=True)
class Stretch:
    """A time in one state; ``error`` is that of its first probe."""

    start: datetime
    end: datetime
    state: State
    error: str | None = None

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True)
class Outage:
    """A time that was down. ``ended_at`` None: it lasts to the window's end; else ``recovered`` tells whether the
    endpoint was seen to answer again, or nobody asked any more. ``reason``: the error of the first probe.
    """

    started_at: datetime
    ended_at: datetime | None
    recovered: bool
    seconds: float
    reason: str | None


@dataclass(frozen=True)
class Summary:
    """One window. ``availability`` is up / (up + down) in time, None while nothing is known; ``known`` is the share
    of the window of which something is. Latencies are those of successful probes, in seconds.
    """

    since: datetime
    until: datetime
    availability: float | None
    known: float
    up_seconds: float
    down_seconds: float
    unknown_seconds: float
    probes: int
    failures: int
    p50: float | None
    p95: float | None
    p99: float | None
    outages: tuple[Outage, ...]


def summarise(samples: Iterable[Sample], since: datetime, until: datetime, interval: timedelta) -> Summary:
    """Sum up the window from ``since`` (inclusive) to ``until`` (exclusive).

    Args:
        samples: in any order. Those before the window reach into it; those after it are passed over.
        interval: from one probe to the next.
    """
    return summarise_ordered(in_order(samples), since, until, interval)


def summarise_ordered(ordered: Sequence[Sample], since: datetime, until: datetime, interval: timedelta) -> Summary:
    """The same of samples as ``in_order`` gives them."""
    told = stretches(ordered, since, until, interval)
    seconds = {state: _seconds(told, state) for state in ("up", "down", "unknown")}
    known = seconds["up"] + seconds["down"]
    inside = [one for one in _between(ordered, since, until) if one.ok is not None]
    answered = sorted(one.seconds for one in inside if one.ok)
    return Summary(
        since=since,
        until=until,
        availability=seconds["up"] / known if known else None,
        known=known / (until - since).total_seconds(),
        up_seconds=seconds["up"],
        down_seconds=seconds["down"],
        unknown_seconds=seconds["unknown"],
        probes=len(inside),
        failures=len(inside) - len(answered),
        p50=quantile(answered, 0.5),
        p95=quantile(answered, 0.95),
        p99=quantile(answered, 0.99),
        outages=tuple(outages(told)),
    )


def in_order(samples: Iterable[Sample]) -> list[Sample]:
    """By time; of several at the same moment the worst comes last, and so is the one that counts."""
    return sorted(samples, key=lambda one: (one.at, one.ok is not None, one.ok is False, one.error or ""))


def stretches(ordered: Sequence[Sample], since: datetime, until: datetime, interval: timedelta) -> list[Stretch]:
    """The window without a gap, neighbours in different states. ``ordered`` as ``in_order`` gives it."""
    reach, at = interval * REACH, since
    told: list[_Growing] = []
    within = _between(ordered, since - reach, until)
    following = [*(one.at for one in within), until][1:]
    for one, next_at in zip(within, following, strict=True):
        start, end = max(one.at, since), min(one.at + reach, next_at)
        if end <= start:
            continue
        if start > at:
            _extend(told, at, start, "unknown")
        _extend(told, start, end, one.state, one.error)
        at = end
    if at < until:
        _extend(told, at, until, "unknown")
    return [Stretch(one.start, one.end, one.state, one.error) for one in told]


@dataclass
class _Growing:
    start: datetime
    end: datetime
    state: State
    error: str | None


def _extend(told: list[_Growing], start: datetime, end: datetime, state: State, error: str | None = None) -> None:
    if told and told[-1].state == state:
        told[-1].end = end
    else:
        told.append(_Growing(start, end, state, error))


def _between(ordered: Sequence[Sample], since: datetime, until: datetime) -> Sequence[Sample]:
    """From ``since`` (inclusive) to ``until`` (exclusive)."""
    first, last = (bisect_left(ordered, moment, key=lambda one: one.at) for moment in (since, until))
    return ordered[first:last]


def outages(told: Sequence[Stretch]) -> list[Outage]:
    """The stretches that were down, oldest first."""
    return [
        Outage(
            started_at=one.start,
            ended_at=one.end if after else None,
            recovered=after is not None and after.state == "up",
            seconds=one.length.total_seconds(),
            reason=one.error,
        )
        for one, after in zip(told, [*told[1:], None], strict=True)
        if one.state == "down"
    ]


def strip(told: Sequence[Stretch], cells: int) -> list[State]:
    """The window in equal ``cells``: down where any of it was down, else unknown where any of it is, else up."""
    if not told:
        return []
    since, width = told[0].start, (told[-1].end - told[0].start) / cells
    edges = [(since + i * width, since + (i + 1) * width) for i in range(cells)]
    return [_worst({one.state for one in told if one.start < end and one.end > start}) for start, end in edges]


def _worst(states: set[State]) -> State:
    return "down" if "down" in states else "unknown" if "unknown" in states else "up"


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least ``share`` of all do not exceed (nearest rank); None of none."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else None


def _seconds(told: Iterable[Stretch], state: str) -> float:
    return sum((one.length for one in told if one.state == state), timedelta()).total_seconds()
