"""Workers that are killed, stopped and resumed at random points: nothing lost, nothing twice.

``KILLS=200 pytest tests/audits/test_kill.py`` for the long form.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import pytest
from sqlmodel import Session, select, text

from app.tables import Audit, AuditLog, Finding
from tests.audits.waiting import processes_in, running, wait_until

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "20"))
LEASE_SECONDS = 1.0


def violations(session: Session) -> list[str]:
    """What must never be: an audit lost, a finding twice, an ending by somebody who did not hold the audit."""
    found = []
    for audit in session.exec(select(Audit)).all():
        if audit.status != "succeeded":
            found.append(f"audit {audit.id} is {audit.status}: lost")
        checks = Counter(session.exec(select(Finding.check_id).where(Finding.audit_id == audit.id)).all())
        if checks != Counter(audit.checks):
            found.append(f"audit {audit.id} has the findings {dict(checks)}")
        endings = session.exec(
            select(AuditLog).where(AuditLog.subject == f"audit/{audit.id}", AuditLog.action == "audit.succeeded")
        ).all()
        if [ending.details["fence"] for ending in endings] != [audit.fence]:
            found.append(
                f"audit {audit.id} ended under {[ending.details for ending in endings]}, not {audit.fence}"
            )
    return found


@pytest.fixture
def start(settings, tmp_path):
    """``start()``: a worker process; all are killed in the end."""
    processes, logs = [], []
    environment = {
        **os.environ,
        "ASSAY_DATA_DIR": str(settings.data_dir),
        "ASSAY_LEASE_SECONDS": str(LEASE_SECONDS),
        "ASSAY_POLL_SECONDS": "0.05",
        "ASSAY_AUDIT_ATTEMPTS": "1000",
    }

    def start_worker(*arguments):
        logs.append(tmp_path / f"worker-{len(processes)}.log")
        with logs[-1].open("wb") as log:
            command = [sys.executable, "-m", "tests.audits.toy_worker", *arguments]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        processes.append(process)
        return process

    yield start_worker
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
    for log in logs:
        print(log.name, log.read_text()[-2000:], sep="\n")  # noqa: T201 - pytest shows it when the test failed


def all_ended(database):
    with database.read() as session:
        return not session.exec(select(Audit.id).where(Audit.status.in_(["queued", "running"]))).first()


def test_workers_die_at_random_and_nothing_is_lost_or_doubled(start, queue, database, settings):
    for _ in range(KILLS):
        queue("CALM", "SLOW")
    chance = random.Random(28)
    workers = [start(), start()]
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.2, 1.6))
        victim = chance.randrange(2)
        if chance.random() < 0.3:  # it lingers past its lease
            workers[victim].send_signal(signal.SIGSTOP)
            time.sleep(LEASE_SECONDS + chance.uniform(0.1, 1))
            workers[victim].send_signal(signal.SIGCONT)
        else:
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = start()
    wait_until(lambda: all_ended(database), 60 + 5 * KILLS)
    with database.read() as session:
        assert violations(session) == []
        assert sum(audit.fence for audit in session.exec(select(Audit))) > KILLS, "no attempt was interrupted"
    wait_until(lambda: not processes_in(settings.work_dir), 10)


@pytest.mark.parametrize("fenced", [True, False])
def test_a_worker_that_comes_back_late(start, queue, database, stored, fenced):
    """With the fence nothing happens; without it and without the unique key, the harness sees the damage."""
    if not fenced:
        _drop_unique_key(database)
    audit_id = queue("SLOW", "SLOWER")
    late = start() if fenced else start("unfenced")
    wait_until(lambda: running(stored(audit_id), "SLOWER"))
    late.send_signal(signal.SIGSTOP)
    start()
    wait_until(lambda: all_ended(database))
    late.send_signal(signal.SIGCONT)
    time.sleep(2)
    with database.read() as session:
        found = violations(session)
    twice = f"audit {audit_id} has the findings {{'SLOW': 2, 'SLOWER': 2}}"
    assert [one for one in found if one == twice] == ([] if fenced else [twice])
    assert (found == []) is fenced


def _drop_unique_key(database):
    with database.write() as session:
        if database.engine.dialect.name == "postgresql":
            session.exec(text("ALTER TABLE finding DROP CONSTRAINT uq_finding_audit_id_check_id"))
            return
        made = session.exec(text("SELECT sql FROM sqlite_master WHERE name = 'finding'")).scalar_one()
        session.exec(text("DROP TABLE finding"))
        without = made.replace("UNIQUE (audit_id, check_id)", "CHECK (1)")
        assert without != made
        session.exec(text(without))


def test_a_killed_workers_audit_is_taken_up_soon(start, queue, database, stored, findings):
    audit_id = queue("CALM", "SLOWER")
    workers = [start(), start()]
    wait_until(lambda: running(stored(audit_id), "SLOWER"))
    holder = stored(audit_id).worker
    victim = next(p for p in workers if f":{p.pid}:" in holder)
    victim.kill()
    wait_until(lambda: stored(audit_id).worker != holder, 5 * LEASE_SECONDS)
    wait_until(lambda: all_ended(database))
    assert findings(audit_id) == {"CALM": "pass", "SLOWER": "pass"}
    assert stored(audit_id).attempts >= 2  # a machine that stands still loses its lease, too


def test_a_killed_workers_attempt_ends_too(start, queue, stored, settings):
    audit_id = queue("HANGS")
    worker = start()
    wait_until(lambda: running(stored(audit_id), "HANGS"))
    assert processes_in(settings.work_dir)
    worker.kill()
    wait_until(lambda: not processes_in(settings.work_dir), 10)


def test_a_signal_ends_the_worker_in_good_order(start, queue, stored):
    audit_id = queue("CALM", "HANGS")
    worker = start()
    wait_until(lambda: running(stored(audit_id), "HANGS"))
    worker.terminate()
    assert worker.wait(10) == 0
    audit = stored(audit_id)
    assert (audit.status, audit.attempts, audit.worker) == ("queued", 0, None)
