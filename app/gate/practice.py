"""Conditions on the practice around a model: rows of the ledger, and the level of automation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from app.gate.terms import Condition, PracticeDemand, PracticeFacts, Status

STATUSES = {"met": Status.PASS, "missing": Status.FAIL}
"""Of a row; everything else is unknown."""


def conditions(demand: PracticeDemand, known: PracticeFacts) -> Iterator[tuple[str, str, Callable[[], Condition]]]:
    """(name, metric, how to judge it) of each."""
    for number in demand.rows:
        yield f"practice.{number}", f"ledger.{number}", partial(_row, number, known)
    if demand.automation_level > 0:
        yield "practice.automation_level", "automation_level", partial(_level, demand.automation_level, known)


def _row(number: int, known: PracticeFacts) -> Condition:
    row = known.rows.get(number)
    if row is None:
        told = f"Row {number} of the ledger was not looked up."
        return Condition(f"practice.{number}", f"ledger.{number}", "==", "met", None, Status.UNKNOWN, told)
    status = STATUSES.get(row.status, Status.UNKNOWN)
    reason = row.title if status is Status.PASS else f"{row.title}: {row.missing}."
    remedy = "" if status is Status.PASS else row.remedy
    return Condition(f"practice.{number}", f"ledger.{number}", "==", "met", row.status, status, reason, remedy)


def _level(asked: int, known: PracticeFacts) -> Condition:
    level = known.automation_level
    if level is None and not known.lacking:
        status, reason = Status.UNKNOWN, "The level of automation was not looked up."
    elif level is None:
        status, reason = Status.UNKNOWN, "No run of a pipeline was told, so the level of automation is unknown."
    else:
        status = Status.PASS if level >= asked else Status.FAIL
        reason = f"The level of automation is {level}; at least {asked} is asked for."
    remedy = "" if status is Status.PASS else known.lacking
    return Condition("practice.automation_level", "automation_level", ">=", asked, level, status, reason, remedy)
