"""Queues the audits that are due by a model's schedule: each slot once, however many workers there are.

APScheduler wakes up at the slots, in the one worker that holds the lease "scheduler"; its jobs live in memory.
What makes a slot unique is its row: the audit and the row ``(schedule, slot)`` are one transaction.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from app import cron
from app.access.identity import SCHEDULER
from app.audits import queries, service
from app.catalog.queries import newest_version
from app.config import Settings
from app.db import Database, database_now, insert_new, rows_changed
from app.errors import Invalid
from app.tables import Lease, Model, Schedule, ScheduleSlot

LEASE = "scheduler"
SIGNS_OF_LIFE = 3
"""How many times a lease is renewed while it holds."""

log = logging.getLogger(__name__)


class Scheduler:
    """Leads when nobody else does, and then queues what is due. ``start`` and ``stop`` it once."""

    def __init__(self, db: Database, settings: Settings, holder: str) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        self._db, self._holder = db, holder
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._crons: dict[int, str] = {}
        self._refused: set[str] = set()
        defaults = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._jobs = BackgroundScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(1)}, job_defaults=defaults
        )
        seconds = settings.lease_seconds / SIGNS_OF_LIFE
        self._jobs.add_job(self._lead, "interval", seconds=seconds, next_run_time=datetime.now(UTC))

    def start(self) -> None:
        self._jobs.start()

    def stop(self) -> None:
        """Hand the lead over at once."""
        self._jobs.shutdown()
        let_go(self._db, self._holder)

    def _lead(self) -> None:
        try:
            schedules = self._due_schedules()
        except (SQLAlchemyError, TimeoutError):
            log.exception("the schedules could not be read")
            return
        for schedule_id in self._crons.keys() - schedules.keys():
            self._jobs.remove_job(str(schedule_id))
        for schedule_id, expression in schedules.items():
            if self._crons.get(schedule_id) != expression:
                self._wake_up_at(schedule_id, expression)
            self._enqueue(schedule_id)  # what was missed while nobody led
        self._crons = schedules

    def _due_schedules(self) -> dict[int, str]:
        """The cron expressions by schedule id; none while another worker leads."""
        if not hold(self._db, self._holder, self._lease):
            return {}
        with self._db.read() as session:
            return {one.id: one.cron for one in queries.enabled_schedules(session) if self._can_follow(one)}

    def _can_follow(self, schedule: Schedule) -> bool:
        if schedule.cron in self._refused:
            return False
        try:
            cron.trigger(schedule.cron)
        except Invalid as error:
            self._refused.add(schedule.cron)
            log.error("a schedule is not followed: %s", error, extra={"assay.schedule.id": schedule.id})  # noqa: TRY400
            return False
        return True

    def _wake_up_at(self, schedule_id: int, expression: str) -> None:
        self._jobs.add_job(
            self._enqueue,
            cron.trigger(expression),
            args=(schedule_id,),
            id=str(schedule_id),
            replace_existing=True,
        )

    def _enqueue(self, schedule_id: int) -> None:
        try:
            audit_id = enqueue_due(self._db, schedule_id)
        except (SQLAlchemyError, TimeoutError):
            log.exception("a schedule could not be followed", extra={"assay.schedule.id": schedule_id})
            return
        if audit_id is not None:
            details = {"assay.schedule.id": schedule_id, "assay.audit.id": audit_id}
            log.info("a scheduled audit was queued", extra=details)


def enqueue_due(db: Database, schedule_id: int) -> int | None:
    """Queue an audit of the model's newest version for the newest slot that is due.

    Slots that were missed before it are passed over: one audit tells as much as ten.

    Returns:
        The audit's id; None when nothing is due, or somebody else queued it.
    """
    with db.write() as session:
        schedule = session.get(Schedule, schedule_id)
        if schedule is None or not schedule.enabled:
            return None
        last = queries.newest_slot(session, schedule_id)
        since = last.slot if last else schedule.created_at
        slot = cron.newest_slot(schedule.cron, since, database_now(session))
        return _enqueue_slot(session, schedule, slot) if slot else None


def _enqueue_slot(session: Session, schedule: Schedule, slot: datetime) -> int | None:
    model = session.get(Model, schedule.model_id)
    version = newest_version(session, schedule.model_id)
    if model is None or version is None:
        return None
    audit = service.enqueue(session, model=model, version=version, identity=SCHEDULER, trigger="schedule")
    audit_id = audit.id
    row = {"schedule_id": schedule.id, "slot": slot, "audit_id": audit_id, "created_at": database_now(session)}
    if not insert_new(session, ScheduleSlot, row):
        session.rollback()
        return None
    return audit_id


def hold(db: Database, holder: str, length: timedelta) -> bool:
    """Take or renew the lead; False while another holds it."""
    with db.write() as session:
        now = database_now(session)
        if insert_new(session, Lease, {"name": LEASE, "holder": holder, "until": now + length}):
            return True
        free = (col(Lease.holder) == holder) | (col(Lease.until) < now)
        change = update(Lease).where(col(Lease.name) == LEASE, free).values(holder=holder, until=now + length)
        return rows_changed(session.execute(change)) == 1


def let_go(db: Database, holder: str) -> None:
    """Give the lead up, if it is held."""
    with db.write() as session:
        mine = (col(Lease.name) == LEASE) & (col(Lease.holder) == holder)
        session.execute(update(Lease).where(mine).values(until=database_now(session)))
