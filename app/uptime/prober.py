"""Asks endpoints when they are due, in threads of the worker that leads (see ``app.schedules.leader``).

Whoever moves an endpoint's time on asks it, so that one who does not know yet that another leads does no harm.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlmodel import Session

from app.config import Settings
from app.db import Database, database_now
from app.outgoing import Client
from app.tables import Endpoint
from app.uptime import queries, watch
from app.uptime.probing import Outcome, probe

TICK_SECONDS = 1.0
AT_ONCE = 32
"""Endpoints that may keep us waiting without others being asked late."""
TIDY_SECONDS = 600.0

Clock = Callable[[Session], datetime]
Ask = Callable[[Client, Endpoint], Outcome]

log = logging.getLogger(__name__)


class Prober:
    """``start`` and ``stop`` it once; it asks while it ``leads``. ``clock`` as in ``Scheduler``."""

    def __init__(self, db: Database, settings: Settings, clock: Clock = database_now, ask: Ask = probe) -> None:
        self._db, self._settings, self._clock, self._ask = db, settings, clock, ask
        self._client = Client(settings.outgoing_allowed_hosts)
        self._pool = ThreadPoolExecutor(AT_ONCE, "probe")
        self._asked: set[Future[None]] = set()
        self._leading, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask nobody more, and note what was asked."""
        self._stop.set()
        self._thread.join()
        self._pool.shutdown(wait=True)

    def lead(self, leads: bool) -> None:
        if leads:
            self._leading.set()
        else:
            self._leading.clear()

    def round(self) -> list[Future[None]]:
        """Ask whoever is due, as many as there are threads free. The futures end when the answers are stored."""
        self._asked = {one for one in self._asked if not one.done()}
        free = AT_ONCE - len(self._asked)
        if free <= 0:
            return []
        with self._db.read() as session:
            due = queries.due(session, self._clock(session), free)
        asked = [self._pool.submit(self._probe, one, at) for one, at in self._claimed(due)]
        self._asked |= set(asked)
        return asked

    def _claimed(self, due: Sequence[Endpoint]) -> list[tuple[Endpoint, datetime]]:
        if not due:
            return []
        with self._db.write() as session:
            now = self._clock(session)
            return [(one, now) for one in due if queries.claim(session, one, _next(one, now))]

    def _probe(self, endpoint: Endpoint, at: datetime) -> None:
        try:
            outcome = self._ask(self._client, endpoint)
            with self._db.write() as session:
                alert = watch.note(session, endpoint.id, at, outcome)
                told = alert.title if alert else None
        except Exception:  # a gap in the history, which says so
            log.exception("an endpoint could not be asked", extra={"assay.endpoint.id": endpoint.id})
            return
        if told:
            log.warning(told, extra={"assay.endpoint.id": endpoint.id})

    def tidy(self) -> None:
        """Delete probes that are older than they are kept."""
        with self._db.read() as session:
            before = self._clock(session) - timedelta(days=self._settings.probe_days)
        while not self._stop.is_set():
            with self._db.write() as session:
                if queries.forget(session, before) < queries.MOST_DELETED:
                    return

    def _run(self) -> None:
        tidied = None
        while not self._stop.wait(TICK_SECONDS):
            if not self._leading.is_set():
                continue
            try:
                self.round()
                if tidied is None or time.monotonic() - tidied > TIDY_SECONDS:
                    self.tidy()
                    tidied = time.monotonic()
            except Exception:  # the database may be away, and come back
                log.exception("endpoints could not be asked")


def _next(endpoint: Endpoint, now: datetime) -> datetime:
    """One interval after the time that was due, which keeps the pace; from now on where that has passed too."""
    interval = timedelta(seconds=endpoint.interval_seconds)
    in_step = endpoint.due_at + interval
    return in_step if now < in_step <= now + interval else now + interval
