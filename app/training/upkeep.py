"""The worker's thread for training: raises what is due, sends it, follows what was sent. Any number may run."""

from __future__ import annotations

import logging
import threading

from app.alerts.channels import Wires
from app.alerts.deliverer import wires_of
from app.config import Settings
from app.db import Database
from app.training.following import follow_all
from app.training.raising import raise_due
from app.training.sending import send_one

log = logging.getLogger(__name__)


class TrainingKeeper:
    """``start`` and ``stop`` it once."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db, self._settings = db, settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being sent, and send nothing more."""
        self._stop.set()
        self._thread.join(self._settings.lease_seconds)

    def _run(self) -> None:
        wires = wires_of(self._settings)
        while not self._stop.is_set():
            try:
                busy = look_after(self._db, self._settings, wires)
            except Exception:  # the database may be away, and come back
                log.exception("training requests could not be looked after")
                busy = False
            if not busy:
                self._stop.wait(self._settings.poll_seconds)


def look_after(db: Database, settings: Settings, wires: Wires | None = None) -> bool:
    """One round. Whether anything was done."""
    raised = raise_due(db)
    sent = send_one(db, settings, wires or wires_of(settings))
    return bool(follow_all(db, settings) or raised or sent)
