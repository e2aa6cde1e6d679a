"""Four schedulers on one database, killed at random, under a clock that jumps by an hour: every slot once.

``JUMPS=20 pytest tests/schedules/test_harness.py`` for the long form.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlmodel import select

from app import cron
from app.db import utcnow
from app.tables import Audit, Lease, ScheduleSlot
from tests.audits.conftest import plant
from tests.audits.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.both_databases]

JUMPS = int(os.environ.get("JUMPS", "6"))
LEASE_SECONDS = 1.0
EVERY_TEN_MINUTES = "*/10 * * * *"
FOLLOWERS = 4


@pytest.fixture
def clock(tmp_path):
    """The file of the clock that all share: seconds ahead of the database's."""
    file = tmp_path / "clock"
    file.write_text("0")

    def jump(hours):
        moved = tmp_path / "moved"
        moved.write_text(str(float(file.read_text()) + 3600 * hours))
        moved.replace(file)  # whoever reads sees the old or the new one
        return timedelta(seconds=float(file.read_text()))

    jump.file = file
    return jump


@pytest.fixture
def start(settings, clock, tmp_path):
    processes = []

    def follower():
        command = [sys.executable, "-m", "tests.schedules.follower"]
        command += [settings.sqlalchemy_url, str(clock.file), str(LEASE_SECONDS)]
        with (tmp_path / f"follower-{len(processes)}.log").open("wb") as log:
            processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        return processes[-1]

    yield follower
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def violations(slots, audits, ids, since, until):
    """What must never be: a slot without a row, an audit without a slot, two audits of one slot."""
    found = []
    for schedule_id in ids:
        expected, _ = cron.newest_slots(EVERY_TEN_MINUTES, since, until, 10_000)
        handled = {slot.slot for slot in slots if slot.schedule_id == schedule_id}
        found += [f"{schedule_id}: {slot} is lost" for slot in expected if slot not in handled]
    named = Counter(slot.audit_id for slot in slots)
    found += [f"audit {one.id} has {named[one.id]} slots" for one in audits if named[one.id] != 1]
    found += [f"{slot.slot} is {slot.status}" for slot in slots if slot.audit_id is None]
    return found


def test_every_slot_is_queued_once_whatever_happens(database, start, clock, scheduled, slots, audits):
    since = utcnow()
    with database.write() as session:
        models = [plant(session, name=f"model-{i}")[0] for i in range(4)]
    ids = [scheduled(EVERY_TEN_MINUTES, timedelta(0), one, catch_up="all", since=since) for one in models]
    followers = [start() for _ in range(FOLLOWERS)]
    chance, furthest = random.Random(28), timedelta(0)
    for number in range(JUMPS):
        furthest = max(furthest, clock(2 if number % 3 else -1))
        time.sleep(chance.uniform(0.5, 2))
        victim = _leader(database, followers) if number % 2 else chance.randrange(FOLLOWERS)
        followers[victim].kill()
        followers[victim].wait()
        followers[victim] = start()
    furthest = max(furthest, clock(2))
    until = utcnow() + furthest
    due = len(cron.newest_slots(EVERY_TEN_MINUTES, since, until, 10_000)[0])
    assert due > 6
    wait_until(lambda: len(slots()) >= due * len(ids), 90)
    assert violations(slots(), audits(), ids, since, until) == []
    assert len(audits()) == len(slots())


def _leader(database, followers):
    """Which of the followers leads; the first while nobody does."""
    with database.read() as session:
        lease = session.exec(select(Lease)).first()
    holder = lease.holder if lease else ""
    return next((i for i, one in enumerate(followers) if holder == f"follower:{one.pid}"), 0)


def test_the_harness_sees_what_is_lost_and_what_is_twice(database, scheduled, follow, slots, audits):
    """A negative control: one row removed, one audit too many."""
    since = utcnow() - timedelta(hours=1)
    schedule_id = scheduled(EVERY_TEN_MINUTES, since=since, catch_up="all")
    until = utcnow()
    follow(schedule_id, until)
    assert violations(slots(), audits(), [schedule_id], since, until) == []
    with database.write() as session:
        first = session.exec(select(ScheduleSlot).order_by(ScheduleSlot.slot)).first()
        audit = session.get(Audit, first.audit_id)
        copy = Audit(**audit.model_dump(exclude={"id"}))
        session.delete(first)
        session.add(copy)
    told = violations(slots(), audits(), [schedule_id], since, until)
    assert len(told) == 3
    assert "is lost" in told[0]
