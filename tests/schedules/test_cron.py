"""Cron expressions mean what they mean to cron, although APScheduler counts weekdays otherwise."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from app import cron
from app.errors import Invalid

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def days_of(expression):
    """The weekdays of the next seven slots' week, as strftime says them."""
    slot, found = MONDAY - timedelta(days=1, hours=13), []  # Saturday, 23:00
    while (slot := cron.next_slot(expression, slot)) < MONDAY + timedelta(days=5, hours=12):
        found.append(f"{slot:%a}")
    return found


@pytest.mark.parametrize(
    ("weekdays", "expected"),
    [
        ("0", ["Sun"]),
        ("7", ["Sun"]),
        ("1", ["Mon"]),
        ("1-5", ["Mon", "Tue", "Wed", "Thu", "Fri"]),
        ("mon-fri", ["Mon", "Tue", "Wed", "Thu", "Fri"]),
        ("5-7", ["Sun", "Fri", "Sat"]),
        ("fri-sun", ["Sun", "Fri", "Sat"]),
        ("*/2", ["Sun", "Tue", "Thu", "Sat"]),
        ("1-5/2", ["Mon", "Wed", "Fri"]),
        ("WED,6", ["Wed", "Sat"]),
        ("*", ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]),
    ],
)
def test_weekdays_count_from_sunday(weekdays, expected):
    assert days_of(f"30 6 * * {weekdays}") == expected


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("", "five fields"),
        ("@daily", "five fields"),
        ("0 0 6 * * *", "five fields"),
        ("0 6 1 * 1", "not both"),
        ("60 6 * * *", "maximum value"),
        ("a 6 * * *", "Unrecognized"),
        ("0 6 * * 8", "not a day of the week"),
        ("0 6 * * fri-mon", "backwards"),
        ("0 6 * * 1/0", "not a step"),
        ("0 6 * * 1-", "not a day of the week"),
        ("0 6 31 2 *", "never comes due"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(expression, told):
    with pytest.raises(Invalid, match=told):
        cron.trigger(expression)


def test_the_next_slot_lies_after():
    assert cron.next_slot("0 12 * * *", MONDAY) == MONDAY + timedelta(days=1)
    assert cron.next_slot("0 12 * * *", MONDAY - timedelta(seconds=1)) == MONDAY


@pytest.mark.parametrize(
    ("expression", "since", "expected"),
    [
        ("0 12 * * *", timedelta(seconds=1), MONDAY),
        ("0 12 * * *", timedelta(0), None),
        ("0 12 * * *", timedelta(days=400), MONDAY),
        ("59 11 * * *", timedelta(hours=3), MONDAY - timedelta(minutes=1)),
        ("1 12 * * *", timedelta(hours=3), None),
        ("1 12 * * *", timedelta(days=3), MONDAY - timedelta(hours=23, minutes=59)),
        ("* * * * *", timedelta(days=4000), MONDAY),
        ("0 0 1 1 *", timedelta(days=4000), datetime(2026, 1, 1, tzinfo=UTC)),
        ("0 0 29 2 *", timedelta(days=4000), datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_the_newest_slot_is_found_fast(expression, since, expected):
    cron.trigger(expression)
    started = time.monotonic()
    assert cron.newest_slot(expression, MONDAY - since, MONDAY) == expected
    assert time.monotonic() - started < 10  # slot by slot, the longest takes minutes
