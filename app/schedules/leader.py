"""Follows the schedules, in the one worker that holds the lease "scheduler".

APScheduler wakes the leader up at the slots; its jobs live in memory. A beat of its own, which no jump of the clock
can stop, renews the lease and handles what nobody was woken up for. Whoever leads asks the endpoints, too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from app import cron
from app.config import Settings
from app.db import Database, database_now, insert_new, rows_changed
from app.errors import Invalid
from app.monitoring import dependencies
from app.schedules import defaults, queries, slots
from app.schedules.slots import counted_since
from app.signing import checkpoints
from app.tables import Lease, Schedule
from app.uptime.prober import Prober

Chore = Callable[[Database, Settings], None]

LEASE = "scheduler"
SIGNS_OF_LIFE = 3
"""How many times a lease is renewed while it holds."""

Clock = Callable[[Session], datetime]

log = logging.getLogger(__name__)


class Scheduler:
    """Leads when nobody else does, and then queues what is due. ``start`` and ``stop`` it once.

    ``clock`` is the one by which slots are due and leases end; tests let it jump. ``chores`` are done at each
    beat of the leader; doing one twice must do no harm.
    """

    def __init__(
        self,
        db: Database,
        settings: Settings,
        holder: str,
        clock: Clock = database_now,
        chores: Sequence[Chore] = (),
    ) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        self._db, self._settings, self._holder, self._clock = db, settings, holder, clock
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._chores = chores
        self._crons: dict[int, str] = {}
        self._refused: set[str] = set()
        options = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._jobs = BackgroundScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(1)}, job_defaults=options
        )
        self._prober = Prober(db, settings, clock)
        self._stop = threading.Event()
        self._beat = threading.Thread(target=self._keep_leading, name="scheduler", daemon=True)

    def start(self) -> None:
        self._jobs.start()
        self._prober.start()
        self._beat.start()

    def stop(self) -> None:
        """Hand the lead over at once."""
        self._stop.set()
        self._beat.join()
        self._prober.stop()
        self._jobs.shutdown()
        let_go(self._db, self._holder, self._clock)

    def _keep_leading(self) -> None:
        while not self._stop.is_set():
            try:
                self._lead()
            except (SQLAlchemyError, TimeoutError):
                log.exception("the schedules could not be read")
            except Exception:
                log.exception("the scheduler goes on after an error")
            self._stop.wait(self._settings.lease_seconds / SIGNS_OF_LIFE)

    def _lead(self) -> None:
        leads = hold(self._db, self._holder, self._lease, self._clock)
        self._prober.lead(leads)
        schedules = self._schedules() if leads else []
        crons = {one.id: one.cron for one in schedules}
        for schedule_id in self._crons.keys() - crons.keys():
            self._jobs.remove_job(str(schedule_id))
        for schedule_id, expression in crons.items():
            if self._crons.get(schedule_id) != expression:
                self._wake_up_at(schedule_id, expression)
        self._crons = crons
        for schedule_id in self._due(schedules):  # what nobody was woken up for
            self._follow(schedule_id)
        if leads:
            self._plant()
            self._send_checkpoint()
            for chore in self._chores:
                chore(self._db, self._settings)

    def _plant(self) -> None:
        """A change of a dependency, every week, which MON-1 wants to see told."""
        with self._db.read() as session:
            due = dependencies.drills_due(session, self._clock(session))
        if due:
            with self._db.write() as session:
                dependencies.plant_due(session, self._clock(session))

    def _send_checkpoint(self) -> None:
        """The audit log's head, to those who keep it elsewhere."""
        with self._db.read() as session:
            due = checkpoints.due(session, self._settings, self._clock(session))
        if due:
            with self._db.write() as session:
                checkpoints.send_due(session, self._settings, self._clock(session))

    def _schedules(self) -> list[Schedule]:
        """Those that can be followed, the ones that are due by default among them."""
        with self._db.read() as session:
            due = queries.served_without_schedule(session) or defaults.tiers_changed(session)
        if due:
            with self._db.write() as session:
                defaults.schedule_what_serves(session, self._clock(session))
                defaults.follow_tiers(session, self._clock(session))
        with self._db.read() as session:
            return [one for one in queries.enabled_schedules(session) if self._can_follow(one)]

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

    def _due(self, schedules: Sequence[Schedule]) -> list[int]:
        """Read only, so that a beat in which nothing is due takes no lock."""
        if not schedules:
            return []
        with self._db.read() as session:
            now = self._clock(session)
            last = queries.last_slots(session, [one.id for one in schedules])
        return [
            one.id
            for one in schedules
            if cron.next_slot(one.cron, counted_since(one, last[one.id][0] if one.id in last else None)) <= now
        ]

    def _wake_up_at(self, schedule_id: int, expression: str) -> None:
        self._jobs.add_job(
            self._follow,
            cron.trigger(expression),
            args=(schedule_id,),
            id=str(schedule_id),
            replace_existing=True,
        )

    def _follow(self, schedule_id: int) -> None:
        details = {"assay.schedule.id": schedule_id}
        try:
            followed = follow(self._db, schedule_id, self._settings, self._clock)
        except (SQLAlchemyError, TimeoutError):
            log.exception("a schedule could not be followed", extra=details)
            return
        for audit_id in followed.audits.values():
            log.info("a scheduled audit was queued", extra={**details, "assay.audit.id": audit_id})
        if followed.missed:
            log.warning("%s scheduled audits were missed", len(followed.missed), extra=details)


def follow(db: Database, schedule_id: int, settings: Settings, clock: Clock = database_now) -> slots.Followed:
    """Handle the slots of a schedule that are due, in one transaction."""
    with db.write() as session:
        return slots.follow(session, schedule_id, clock(session), settings)


def hold(db: Database, holder: str, length: timedelta, clock: Clock = database_now) -> bool:
    """Take or renew the lead; False while another holds it.

    A lease that ends later than any could was written before the clock was set back: it does not hold.
    """
    with db.write() as session:
        now = clock(session)
        if insert_new(session, Lease, {"name": LEASE, "holder": holder, "until": now + length}):
            return True
        ended = (col(Lease.until) < now) | (col(Lease.until) > now + 2 * length)
        free = (col(Lease.holder) == holder) | ended
        change = update(Lease).where(col(Lease.name) == LEASE, free).values(holder=holder, until=now + length)
        return rows_changed(session.execute(change)) == 1


def let_go(db: Database, holder: str, clock: Clock = database_now) -> None:
    """Give the lead up, if it is held."""
    with db.write() as session:
        mine = (col(Lease.name) == LEASE) & (col(Lease.holder) == holder)
        session.execute(update(Lease).where(mine).values(until=clock(session)))
