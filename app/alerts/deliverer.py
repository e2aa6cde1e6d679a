"""Sends what the outbox holds, in threads of the worker. Any number of them may share a database."""

from __future__ import annotations

import logging
import threading
import time

from app import outgoing
from app.alerts import ledger
from app.alerts.channels import CHANNELS, NotDelivered, Wires
from app.config import Settings
from app.db import Database

SENDERS = 2
"""A receiver that keeps one waiting to the limit leaves the other."""

log = logging.getLogger(__name__)


class Deliverer:
    """``start`` and ``stop`` it once."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db, self._settings = db, settings
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"alerts-{i}", daemon=True) for i in range(SENDERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is being sent, and send nothing more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(self._settings.lease_seconds)

    def _run(self) -> None:
        wires = wires_of(self._settings)
        while not self._stop.is_set():
            try:
                busy = deliver_one(self._db, self._settings, wires)
            except Exception:  # the database may be away, and come back
                log.exception("the next alert could not be sent")
                busy = False
            if not busy:
                self._stop.wait(self._settings.poll_seconds)


def wires_of(settings: Settings) -> Wires:
    """A message takes at most half of the time for which it is claimed; a name may be resolved in the other."""
    client = outgoing.Client(settings.outgoing_allowed_hosts)
    return Wires(client, settings.smtp_url, settings.smtp_from, settings.lease_seconds / 2)


def deliver_due(db: Database, settings: Settings) -> int:
    """Send everything that is due now; returns how many attempts that took."""
    wires, count = wires_of(settings), 0
    while deliver_one(db, settings, wires):
        count += 1
    return count


def deliver_one(db: Database, settings: Settings, wires: Wires) -> bool:
    """Send the next message that is due. False when there is none."""
    claim = ledger.claim(db, settings.lease_seconds, settings.public_url)
    if claim is None:
        return False
    details = {"assay.alert.id": claim.message.alert_id, "assay.message.id": claim.message.id}
    started = time.monotonic()
    try:
        receipt = CHANNELS[claim.channel](claim.message, claim.to, wires)
    except NotDelivered as problem:
        log.warning("an alert was not delivered: %s", problem, extra=details)
        ledger.give_up_or_postpone(db, claim, problem)
        return True
    except Exception as error:
        log.exception("an alert could not be sent", extra=details)
        ledger.give_up_or_postpone(db, claim, NotDelivered(f"{type(error).__name__}: {error}"))
        return True
    receipt["seconds"] = round(time.monotonic() - started, 3)
    if ledger.settle(db, claim, receipt):
        log.info("an alert was delivered", extra=details)
    else:
        log.warning("an alert was delivered, but not in time: it may be sent again", extra=details)
    return True
