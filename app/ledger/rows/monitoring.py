"""Rows 35 to 38: what is watched."""

from __future__ import annotations

from datetime import timedelta

from app.ledger.history import History, ScheduleFact
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown, worst
from app.ledger.rows.contract import Readings, Row, tested

GROUP = "Monitoring"
LATE = 2
"""Intervals after which a schedule that nobody followed is late."""


def regular_checks(read: Readings) -> Judged:
    history = read.history
    enabled = [one for one in history.schedules if one.enabled]
    if not enabled:
        return unknown(
            "no audit of this model is scheduled",
            "Give the manifest model.audit_cron, or: assay schedule set MODEL --cron '0 6 * * *'",
        )
    return worst(_regular(one, history) for one in enabled)


def _regular(one: ScheduleFact, history: History) -> Judged:
    where = f" in {one.environment}" if one.environment else ""
    interval = timedelta(days=one.interval_days)
    late = history.as_of - (one.last_slot or one.since) > LATE * interval
    if late:
        return lacking(f"the scheduled audit{where} is late", "Does a worker run? assay worker")
    if one.last_slot is None:
        return unknown(f"the scheduled audit{where} was not due yet", "Wait for its first slot.")
    told = Proof(f"scheduled audit{where}: {one.outcome}", one.last_slot, "scheduler")
    if one.outcome in {"missed", "failed"} or one.missed:
        missed = f"{one.missed} missed in 30 days" if one.missed else f"the last one was {one.outcome}"
        return lacking(
            f"the scheduled audit{where}: {missed}", "Read the alert, then run it: assay schedule run", told
        )
    return met(told)


ROWS = (
    Row(
        35,
        GROUP,
        "Checks run regularly, with an alarm when one did not",
        "an enabled schedule whose slots of 30 days were all followed",
        regular_checks,
    ),
    tested(36, GROUP, "Changes of dependencies over the whole pipeline notify somebody", "MON-1"),
    tested(37, GROUP, "Inputs keep to the schema in training and in serving", "DATA-1", "MON-2", "MON-3"),
    tested(38, GROUP, "The model still predicts as expected", "MON-7"),
)
