"""Cron expressions of five fields, in UTC, meaning what they mean to cron(5).

APScheduler computes the slots but reads weekday numbers from Monday = 0, so those are translated into names.
It also takes a day of the month *and* a day of the week together where cron takes either: both at once are refused.
APScheduler is imported when first used, to keep the web process light.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from app.errors import Invalid

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_INSTANT = timedelta(microseconds=1)
_WINDOWS = (
    timedelta(minutes=2),
    timedelta(hours=2),
    timedelta(days=2),
    timedelta(days=62),
    timedelta(days=366 * 8 + 1),
)
_REFERENCE = datetime(2024, 1, 1, tzinfo=UTC)
_SLOTS_COMPARED = 400


@lru_cache(maxsize=1024)
def trigger(expression: str) -> Any:
    """The ``CronTrigger`` of a cron expression.

    Raises:
        Invalid: it is none, or never comes due.
    """
    from apscheduler.triggers.cron import CronTrigger

    fields = expression.split()
    if len(fields) != 5:
        raise _refused(expression, "five fields are due: minute, hour, day of month, month, day of week")
    if fields[2] != "*" and fields[4] != "*":
        raise _refused(expression, "give a day of the month or a day of the week, not both")
    try:
        fields[4] = _weekdays(fields[4])
        found = CronTrigger.from_crontab(" ".join(fields), timezone=UTC)
    except ValueError as error:
        raise _refused(expression, str(error)) from None
    if found.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise _refused(expression, "it never comes due")
    return found


def next_slot(expression: str, after: datetime) -> datetime:
    """The first slot after ``after``."""
    slot: datetime = trigger(expression).get_next_fire_time(None, after + _INSTANT)
    return slot


def newest_slot(expression: str, after: datetime, until: datetime) -> datetime | None:
    """The last slot with ``after`` < slot <= ``until``, None when there is none."""
    slots, _ = newest_slots(expression, after, until, 1)
    return slots[-1] if slots else None


def newest_slots(expression: str, after: datetime, until: datetime, most: int) -> tuple[list[datetime], bool]:
    """The last slots with ``after`` < slot <= ``until``, oldest first and ``most`` of them at most.

    Looks back further and further, so that a long pause costs hardly more than a short one.

    Returns:
        The slots, and whether there are earlier ones.
    """
    cron = trigger(expression)
    found: deque[datetime] = deque(maxlen=most + 1)
    for window in _WINDOWS:
        start = max(after, until - window)
        found.clear()
        found.extend(_slots(cron, start, until))
        if start == after or len(found) > most:
            break
    return list(found)[-most:], len(found) > most


@lru_cache(maxsize=1024)
def interval_days(expression: str) -> float:
    """The longest time from one slot to the next, in days: 3 for "on working days".

    Of the first 400 slots since 2024, at most eight years, so that the answer is the same on every day.
    """
    slots = _slots(trigger(expression), _REFERENCE, _REFERENCE + _WINDOWS[-1])
    longest, before = timedelta(), next(slots, None)
    for _, slot in zip(range(_SLOTS_COMPARED), slots, strict=False):
        longest, before = max(longest, slot - (before or slot)), slot
    return (longest or _WINDOWS[-1]) / timedelta(days=1)


def _slots(cron: Any, after: datetime, until: datetime) -> Iterator[datetime]:
    coming: datetime | None = cron.get_next_fire_time(None, after + _INSTANT)
    while coming is not None and coming <= until:
        yield coming
        coming = cron.get_next_fire_time(None, coming + _INSTANT)


def _weekdays(text: str) -> str:
    """``1-5``, ``0``, ``7``, ``*/2`` or ``mon,3`` as a list of names; ValueError when it is none of these."""
    if text == "*":
        return text
    days = {day % 7 for part in text.lower().split(",") for day in _days(part)}
    return ",".join(WEEKDAYS[day] for day in sorted(days))


def _days(part: str) -> range:
    span, _, step = part.partition("/")
    first, dash, last = span.partition("-")
    if step and not (step.isdecimal() and int(step) > 0):
        raise ValueError(f"{part!r} is not a step of days")
    if span == "*":
        start, end = 0, 6
    else:
        start = _day(first)
        end = _day(last) if dash else (6 if step else start)
        end = 7 if dash and end == 0 else end
    if end < start:
        raise ValueError(f"the days {part!r} run backwards")
    return range(start, end + 1, int(step or 1))


def _day(text: str) -> int:
    if text in WEEKDAYS:
        return WEEKDAYS.index(text)
    if text.isdecimal() and int(text) <= 7:
        return int(text)
    raise ValueError(f"{text!r} is not a day of the week (0-7, sun-sat)")


def _refused(expression: str, why: str) -> Invalid:
    return Invalid(f"{expression!r} is not a cron expression: {why}")
