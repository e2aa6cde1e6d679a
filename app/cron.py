"""Cron expressions of five fields, in UTC, meaning what they mean to cron(5).

APScheduler computes the slots but reads weekday numbers from Monday = 0, so those are translated into names.
It also takes a day of the month *and* a day of the week together where cron takes either: both at once are refused.
APScheduler is imported when first used, to keep the web process light.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
    """The last slot with ``after`` < slot <= ``until``, None when there is none.

    Looks back further and further, so that a long pause costs no more than a short one.
    """
    cron = trigger(expression)
    for window in _WINDOWS:
        start = max(after, until - window)
        if slot := _last(cron, start, until):
            return slot
        if start == after:
            break
    return None


def _last(cron: Any, after: datetime, until: datetime) -> datetime | None:
    found: datetime | None = None
    coming: datetime | None = cron.get_next_fire_time(None, after + _INSTANT)
    while coming is not None and coming <= until:
        found, coming = coming, cron.get_next_fire_time(None, coming + _INSTANT)
    return found


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
