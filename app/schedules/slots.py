"""What becomes of slots: each is queued or found missed, once, however many workers there are.

What makes a slot unique is its row ``(schedule, slot)``, written in the transaction that queues its audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from app import cron
from app.access.identity import SCHEDULER
from app.config import Settings
from app.db import database_now, insert_new
from app.errors import AssayError
from app.schedules import queries, targets, telling
from app.tables import Schedule, ScheduleSlot

MOST_AT_ONCE = 100
"""Slots beyond the newest so many are not even noted: a schedule of every minute has 500,000 a year."""
NOBODY = "no worker followed the schedule then"


@dataclass
class Followed:
    """``audits``: by slot, those that were queued. ``missed``: by slot, why it was. ``more``: earlier ones, too."""

    audits: dict[datetime, int] = field(default_factory=dict)
    missed: dict[datetime, str] = field(default_factory=dict)
    late: list[datetime] = field(default_factory=list)
    more: bool = False


def follow(session: Session, schedule_id: int, now: datetime, settings: Settings) -> Followed:
    """Queue what is due at ``now``, note what was missed, and tell of that once."""
    followed = Followed()
    schedule = queries.locked(session, schedule_id)
    if schedule is None or not schedule.enabled:
        return followed
    before = queries.newest_slot(session, schedule_id)
    since = counted_since(schedule, before)
    slots, followed.more = cron.newest_slots(schedule.cron, since, now, MOST_AT_ONCE)
    late = [slot for slot in slots if now - slot > timedelta(seconds=settings.schedule_grace_seconds)]
    queued = {*slots[len(late) :], *_caught_up(schedule, slots, late)}
    for slot in slots:
        if slot in queued:
            _queue(session, schedule, slot, slot in late, settings, followed)
        else:
            _miss(session, schedule, slot, NOBODY, followed)
    if followed.missed or followed.late:
        telling.tell_of_missed(session, schedule, followed.missed, followed.late, before, more=followed.more)
    return followed


def counted_since(schedule: Schedule, newest: ScheduleSlot | None) -> datetime:
    """From when on (exclusive) slots of the schedule are still to be handled."""
    since = schedule.since or schedule.created_at
    return max(since, newest.slot) if newest else since


def _caught_up(schedule: Schedule, slots: Sequence[datetime], late: Sequence[datetime]) -> Sequence[datetime]:
    """Which late slots are queued all the same."""
    if schedule.catch_up == "all":
        return late
    return late[-1:] if schedule.catch_up == "latest" and len(late) == len(slots) else ()


def _queue(
    session: Session, schedule: Schedule, slot: datetime, late: bool, settings: Settings, followed: Followed
) -> None:
    target = targets.target_at(session, schedule, slot, settings)
    if target is None:
        where = f"nothing serves in {schedule.environment}" if schedule.environment else "there is no version"
        _miss(session, schedule, slot, where, followed, skipped=schedule.made_by == "default")
        return
    savepoint = session.begin_nested()
    if not _note(session, schedule, slot, "caught_up" if late else "queued"):
        savepoint.rollback()
        return
    try:
        audit = targets.enqueue(session, target, SCHEDULER, "schedule")
    except AssayError as error:
        savepoint.rollback()
        _miss(session, schedule, slot, f"the audit could not be queued: {error.detail}", followed)
        return
    savepoint.commit()
    queries.tie_to_audit(session, schedule.id, slot, audit.id)
    followed.audits[slot] = audit.id
    if late:
        followed.late.append(slot)


def _miss(
    session: Session, schedule: Schedule, slot: datetime, why: str, followed: Followed, *, skipped: bool = False
) -> None:
    noted = _note(session, schedule, slot, "skipped" if skipped else "missed", why)
    if noted and not skipped:
        followed.missed[slot] = why


def _note(session: Session, schedule: Schedule, slot: datetime, status: str, why: str | None = None) -> bool:
    """Write the slot's row; False when somebody else has."""
    row = {"schedule_id": schedule.id, "slot": slot, "status": status, "reason": why}
    return insert_new(session, ScheduleSlot, {**row, "created_at": database_now(session)})
