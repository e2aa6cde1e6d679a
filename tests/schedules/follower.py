"""Processes that follow schedules beside others, by a clock that a file lets jump.

python -m tests.schedules.follower DATABASE_URL CLOCK_FILE LEASE_SECONDS
"""

import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

from app.config import Settings
from app.db import Database, database_now
from app.schedules import leader


def follow_all(url, schedule_ids, barrier):
    """Follow each schedule once, at the same moment as the other processes at the ``barrier``."""
    database = Database(url)
    barrier.wait()
    for schedule_id in schedule_ids:
        leader.follow(database, schedule_id, Settings())


def jumping(file: Path):
    """The database's clock, moved by the number of seconds in ``file``."""

    def clock(session):
        return database_now(session) + timedelta(seconds=float(file.read_text()))

    return clock


def main(url: str, clock_file: str, lease_seconds: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = Settings(database_url=url, lease_seconds=float(lease_seconds))
    database = Database(url)

    one = leader.Scheduler(database, settings, f"follower:{os.getpid()}", jumping(Path(clock_file)))
    one.start()
    stop.wait()
    one.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
