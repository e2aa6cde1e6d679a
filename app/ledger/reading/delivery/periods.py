"""The periods that metrics are of: windows that end now, and the weeks or months of a trend. All in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

WINDOWS = (7, 30, 90, 365)
LONGEST, MOST_WINDOWS = 3650, 8
"""Days, and how many windows one may ask for at once."""
TREND = 12
"""How many weeks or months."""
MONTHS = 12

Every = Literal["week", "month"]


@dataclass(frozen=True)
class Period:
    """From ``since`` until before ``until``; or, where ``until`` is ``now``, with it."""

    name: str
    since: datetime
    until: datetime
    now: bool

    def has(self, at: datetime) -> bool:
        return self.since <= at and (self.now or at < self.until)


def window_periods(as_of: datetime, days: Sequence[int]) -> tuple[Period, ...]:
    return tuple(Period(f"{one} days", as_of - timedelta(days=one), as_of, now=True) for one in days)


def trend_periods(as_of: datetime, every: Every) -> tuple[Period, ...]:
    """Weeks from Monday on, or months; the last one is cut off at ``as_of``."""
    midnight = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if every == "week":
        monday = midnight - timedelta(days=midnight.weekday())
        starts = [monday - timedelta(weeks=back) for back in reversed(range(TREND))]
        ends = [start + timedelta(weeks=1) for start in starts]
        names = [f"{start:%G-W%V}" for start in starts]
    else:
        starts = [_month(midnight, back) for back in reversed(range(TREND))]
        ends = [*starts[1:], _month(midnight, -1)]
        names = [f"{start:%Y-%m}" for start in starts]
    return tuple(
        Period(name, start, min(end, as_of), now=end >= as_of)
        for name, start, end in zip(names, starts, ends, strict=True)
    )


def _month(at: datetime, back: int) -> datetime:
    """The first moment of the month that is ``back`` months before."""
    months = at.year * MONTHS + at.month - 1 - back
    return at.replace(year=months // MONTHS, month=months % MONTHS + 1, day=1)
