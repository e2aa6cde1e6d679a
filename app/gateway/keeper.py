"""The gateway's background thread: stores what was spooled, and ends models that serve no more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby

from app.db import Database
from app.engines.prediction_log import Row
from app.evidence.blobs import BlobStore
from app.gateway.spool import Line, Spool, SpoolFile
from app.monitoring.predictions import Destination, store_rows
from app.monitoring.requests import Counted, count_requests
from app.tables import Model, Version

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
LONGEST_PAUSE = 60.0
ACTOR = "gateway"


class Keeper:
    """``housekeeping`` is called with every tick."""

    def __init__(self, db: Database, blobs: BlobStore, spool: Spool, housekeeping: Callable[[], None]) -> None:
        self._db, self._blobs, self._spool = db, blobs, spool
        self._housekeeping = housekeeping
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._waiting: list[SpoolFile] = []
        self._storing = threading.Lock()

    def start(self) -> None:
        if self._thread is not None:  # an application that is entered twice keeps house once
            return
        self._waiting += self._spool.left_over()
        self._thread = threading.Thread(target=self._run, name="gateway-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store what is left and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def flush(self) -> bool:
        """Store what was spooled so far; False when something could not be stored yet. It is kept for later."""
        with self._storing:
            if (taken := self._spool.take()) is not None:
                self._waiting.append(taken)
            self._waiting = [file for file in self._waiting if not self._store(file)]
            return not self._waiting

    def _run(self) -> None:
        pause = TICK_SECONDS
        while not self._stop.wait(pause):
            pause = TICK_SECONDS if self.flush() else min(LONGEST_PAUSE, 2 * pause)
            try:
                self._housekeeping()
            except Exception:
                log.exception("the gateway's housekeeping failed")
        self.flush()

    def _store(self, file: SpoolFile) -> bool:
        try:
            for key, lines in groupby(sorted(file.lines(), key=_key), key=_key):
                self._store_group(file, key, list(lines))
        except Exception:  # the file stays, and with it every line
            log.exception("logged predictions could not be stored yet", extra={"file.path": str(file.path)})
            return False
        file.remove()
        return True

    def _store_group(self, file: SpoolFile, key: tuple[int, str, str], lines: Sequence[Line]) -> None:
        version_id, environment, role = key
        with self._db.read() as session:
            version = session.get_one(Version, version_id)
            model = session.get_one(Model, version.model_id)
        to = Destination(model, version, environment, role, "gateway", ACTOR)
        store_rows(self._db, self._blobs, to, [_row(line) for line in lines if "failed" not in line])
        times = [datetime.fromisoformat(line["at"]) for line in lines]
        counted = Counted(
            requests=sum(line.get("request", False) for line in lines),
            errors=sum("failed" in line for line in lines),
            first_at=min(times),
            last_at=max(times),
        )
        count_requests(self._db, to, file.path.stem, counted)


def _key(line: Line) -> tuple[int, str, str]:
    return line["version"], line["environment"], line["role"]


def _row(line: Line) -> Row:
    return Row(
        id=line["id"],
        at=datetime.fromisoformat(line["at"]),
        features=line["features"],
        prediction=line["prediction"],
        score=line["score"],
        probabilities=line["probabilities"],
        latency_ms=line["latency_ms"],
    )
