"""The worker: claims audits, runs each in a process of its own, decides what waited, follows schedules, retrains.

Any number of workers may share a database. One that is killed loses nothing: its lease runs out and another
takes the audit up.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app import log as logs
from app.access import upkeep as tokens
from app.alerts import token_ends
from app.alerts.deliverer import Deliverer, deliver_due
from app.audits import ledger, results
from app.audits.executor import RUNNER, Progress, execute
from app.audits.ledger import Claim, LeaseLost
from app.audits.plan import plan
from app.audits.queries import get_audit
from app.config import Settings
from app.db import Database, utcnow
from app.evidence.blobs import BlobStore
from app.gate.service import resolve_pending
from app.monitoring.personal import retention
from app.register import upkeep as register
from app.register.following import note_findings
from app.schedules.leader import Scheduler
from app.tables import Audit, Finding
from app.training.upkeep import TrainingKeeper, look_after

T = TypeVar("T")

DATABASE_GONE = (OperationalError, TimeoutError)
PATIENCE_SECONDS = 120.0
"""How long a result is kept while the database cannot be reached."""
BEATS = 3
"""Signs of life a lease, at least."""
LONGEST_WAIT_TO_CANCEL_SECONDS = 2.0
ABANDONED_SECONDS = 24 * 3600
"""A folder of an attempt that is so much older than any attempt may be was left by a worker that was killed."""

log = logging.getLogger(__name__)


class Interrupted(Exception):
    """The worker stops, or somebody asked to cancel the audit."""


def run(settings: Settings, *, stop: threading.Event, once: bool = False, runner: str = RUNNER) -> None:
    """Work until ``stop`` is set; a running audit is then queued again.

    Args:
        once: return when nothing is left to do, and follow no schedules.
        runner: the module that runs an attempt (tests put their own checks into one).
    """
    db = Database(settings.sqlalchemy_url)
    worker = _Worker(db, settings, stop, runner)
    beside: list[Scheduler | Deliverer | TrainingKeeper] = []
    if not once:
        chores = [register.look_after, retention.look_after, token_ends.look_after, tokens.look_after]
        scheduler = Scheduler(db, settings, worker.name, chores=chores)
        beside = [scheduler, Deliverer(db, settings), TrainingKeeper(db, settings)]
    for thread in beside:
        thread.start()
    try:
        while not stop.is_set():
            if worker.tick(patient=not once):
                continue
            if once:
                if look_after(db, settings):
                    continue
                deliver_due(db, settings)
                return
            stop.wait(settings.poll_seconds)
    finally:
        for thread in beside:
            thread.stop()
        db.dispose()


def serve(settings: Settings, runner: str = RUNNER) -> None:
    """``run`` in the main thread of a process of its own, until SIGTERM or SIGINT."""
    logs.configure(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(settings, stop=stop, runner=runner)


class _Worker:
    def __init__(self, db: Database, settings: Settings, stop: threading.Event, runner: str) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        self.db, self.settings, self.stop, self.runner = db, settings, stop, runner
        self.blobs = BlobStore(settings.blob_dir)
        self._remove_abandoned()

    def _remove_abandoned(self) -> None:
        oldest = time.time() - self.settings.audit_seconds - ABANDONED_SECONDS
        for left in self.settings.work_dir.glob("audit-*"):
            if left.stat().st_mtime < oldest:
                shutil.rmtree(left, ignore_errors=True)

    def tick(self, *, patient: bool) -> bool:
        """Do one audit if there is one, and decide what waits. Whether there was one.

        A patient worker outlives every error here: the database may come back.
        """
        try:
            claim = ledger.claim(self.db, self.name, self.settings)
            if claim:
                with logs.audit(claim.audit_id):
                    self._work_on(claim)
            with self.db.write() as session:
                resolve_pending(session, utcnow(), self.settings)
        except Exception:
            if not patient:
                raise
            log.exception("the worker goes on after an error")
            self.stop.wait(self.settings.poll_seconds)
            return False
        return claim is not None

    def _work_on(self, claim: Claim) -> None:
        log.info("audit started", extra={"assay.attempt": claim.attempt, "assay.worker": self.name})
        folder = self._folder(claim)
        try:
            status = self._attempt(claim, folder)
            log.info("audit is %s", status, extra={"assay.attempt": claim.attempt})
        except LeaseLost:
            log.warning("the audit is not this worker's any more")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, claim: Claim) -> Path:
        """An empty folder for this attempt; what an earlier one left is removed."""
        for left in self.settings.work_dir.glob(f"audit-{claim.audit_id}-*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = self.settings.work_dir / f"audit-{claim.audit_id}-{claim.fence}"
        folder.mkdir(parents=True)
        return folder

    def _attempt(self, claim: Claim, folder: Path) -> str:
        """Run the audit's checks and store what they found. Returns the audit's status after that."""
        try:
            with self.db.read() as session:
                attempt = plan(session, get_audit(session, claim.audit_id), self.blobs, self.settings, folder)
            pulse = _Pulse(self.db, claim, self.settings, self.stop)
            found = execute(attempt, self.settings, folder, pulse, self.runner)
            rows, stored = results.store(found, folder, self.blobs)
        except LeaseLost:
            raise
        except Interrupted:
            return self._insist(lambda: ledger.give_back(self.db, claim))
        except Exception as error:
            log.exception("the attempt failed")
            why = f"{type(error).__name__}: {error}"
            return self._insist(lambda: ledger.fail_attempt(self.db, claim, self.settings, why))
        return self._insist(lambda: ledger.finish(self.db, claim, rows, stored, self._follow))

    def _follow(self, session: Session, audit: Audit, findings: Sequence[Finding]) -> None:
        note_findings(session, audit, findings, self.settings)

    def _insist(self, write: Callable[[], str]) -> str:
        """Write to the database, and while it is away, wait for it; the work is done and worth keeping.

        A write that was done although no answer came ends in ``LeaseLost`` the second time.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return write()
            except DATABASE_GONE:
                if self.stop.is_set() or time.monotonic() > deadline:
                    raise
                log.warning("waiting for the database", exc_info=True)
                self.stop.wait(1)


class _Pulse:
    """Tells the ledger of progress, and the attempt when to end. Called several times a second."""

    def __init__(self, db: Database, claim: Claim, settings: Settings, stop: threading.Event) -> None:
        self.db, self.claim, self.settings, self.stop = db, claim, settings, stop
        self.due = 0.0
        self.told: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        """Raises Interrupted, or LeaseLost."""
        if self.stop.is_set():
            raise Interrupted
        if progress == self.told and time.monotonic() < self.due:
            return
        try:
            cancel = ledger.beat(self.db, self.claim, self.settings, progress)
        except DATABASE_GONE:
            # Go on: as long as the database is away nobody else can claim the audit, and the fence decides.
            log.warning("no sign of life could be given", exc_info=True)
        else:
            if cancel:
                raise Interrupted
        self.told = progress
        self.due = time.monotonic() + min(self.settings.lease_seconds / BEATS, LONGEST_WAIT_TO_CANCEL_SECONDS)


if __name__ == "__main__":
    serve(Settings())
