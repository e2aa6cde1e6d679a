"""The worker in this process, its attempts in real ones."""

from __future__ import annotations

import json
import logging
import os
import threading
import time

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from app import log, worker
from app.audits import ledger
from app.tables import Audit, Finding
from tests.audits.waiting import running, wait_until

RUNNER = "tests.audits.toys"


@pytest.fixture
def work(settings):
    """``work()``: run what is queued to its end. ``work(stop)``: work in a thread until ``stop`` is set."""
    running = []

    def start(stop=None, **changes):
        limits = settings.model_copy(update=changes)
        if stop is None:
            worker.run(limits, stop=threading.Event(), once=True, runner=RUNNER)
            return
        thread = threading.Thread(target=worker.run, args=(limits,), kwargs={"stop": stop, "runner": RUNNER})
        thread.start()
        running.append((thread, stop))

    yield start
    for thread, stop in running:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def test_what_is_queued_is_done(work, queue, stored, findings, logged, blobs, settings):
    first, second = queue("CALM", "RAISES"), queue("SLOW")
    work()
    assert findings(first) == {"CALM": "pass", "RAISES": "error"}
    assert findings(second) == {"SLOW": "pass"}
    audit = stored(first)
    assert (audit.status, audit.attempts, audit.error) == ("succeeded", 1, None)
    assert logged(first) == ["audit.succeeded"]
    assert list(settings.work_dir.iterdir()) == []


def test_exhibits_can_be_read_afterwards(work, queue, database, blobs):
    queue("CALM")
    work()
    with database.read() as session:
        finding = session.exec(select(Finding)).one()
    assert blobs.read(finding.exhibits[0]["digest"]) == b"n\n2\n"
    assert finding.measured == {"n": 2}


def test_progress_is_written_while_it_runs(work, queue, stored):
    audit_id = queue("CALM", "HANGS", "SLOW")
    work(threading.Event())
    audit = wait_until(lambda: running(stored(audit_id), "HANGS") and stored(audit_id))
    assert audit.progress["CALM"]["verdict"] == "pass"
    assert audit.progress["SLOW"] == {"status": "waiting"}


def test_stopping_gives_the_audit_back_at_no_cost(work, queue, stored, findings):
    audit_id = queue("CALM", "HANGS")
    stop = threading.Event()
    work(stop)
    wait_until(lambda: running(stored(audit_id), "HANGS"))
    stop.set()
    audit = wait_until(lambda: stored(audit_id).status == "queued" and stored(audit_id))
    assert (audit.attempts, audit.worker, audit.progress, findings(audit_id)) == (0, None, {}, {})


def test_cancelling_stops_a_running_audit(work, queue, stored, findings, database, identity):
    audit_id, next_id = queue("CALM", "HANGS"), queue("SLOW")
    work(threading.Event(), lease_seconds=1)
    wait_until(lambda: running(stored(audit_id), "HANGS"))
    with database.write() as session:
        ledger.cancel(session, session.get(Audit, audit_id), identity("owner"))
    wait_until(lambda: stored(audit_id).status == "cancelled", 5)
    assert findings(audit_id) == {}
    wait_until(lambda: stored(next_id).status == "succeeded")


def test_a_lost_lease_stops_the_attempt(work, queue, stored, database, settings, findings):
    audit_id = queue("CALM", "HANGS")
    work(threading.Event(), lease_seconds=1)
    wait_until(lambda: running(stored(audit_id), "HANGS"))
    with database.write() as session:  # as if another worker had taken it up
        audit = session.get(Audit, audit_id)
        audit.fence, audit.worker, audit.lease_until = audit.fence + 1, "other", None
    wait_until(lambda: list(settings.work_dir.iterdir()) == [])
    assert (stored(audit_id).worker, findings(audit_id)) == ("other", {})


def test_an_attempt_that_cannot_begin_is_given_up_in_the_end(settings, queue, stored, logged):
    audit_id = queue("CALM")
    worker.run(settings, stop=threading.Event(), once=True, runner="tests.audits.nowhere")
    audit = stored(audit_id)
    assert (audit.status, audit.attempts) == ("failed", 3)
    assert "given up after 3 attempts" in audit.error
    assert "No module named" in audit.error
    assert logged(audit_id) == ["audit.failed"]


def test_the_database_may_be_away_for_a_while(work, queue, stored, findings, monkeypatch):
    """Signs of life and the result are held back, and nothing is lost."""
    audit_id = queue("SLOW", "CALM")
    away_until = time.monotonic() + 3
    for name in ("beat", "finish"):
        monkeypatch.setattr(ledger, name, _away(getattr(ledger, name), away_until))
    work(lease_seconds=1)
    assert (stored(audit_id).status, stored(audit_id).attempts) == ("succeeded", 1)
    assert findings(audit_id) == {"CALM": "pass", "SLOW": "pass"}


def _away(write, until):
    def fails_for_now(*args):
        if time.monotonic() < until:
            raise OperationalError("", {}, Exception("the database is away"))
        return write(*args)

    return fails_for_now


def test_a_worker_outlives_what_it_did_not_expect(work, queue, stored, monkeypatch):
    audit_id = queue("CALM")
    claim, fails = ledger.claim, [RuntimeError("a fault of ours"), OperationalError("", {}, Exception("away"))]

    def sometimes(*args):
        if fails:
            raise fails.pop()
        return claim(*args)

    monkeypatch.setattr(ledger, "claim", sometimes)
    work(threading.Event())
    wait_until(lambda: stored(audit_id).status == "succeeded")
    assert fails == []


def test_what_killed_workers_left_long_ago_is_removed(work, settings):
    old, young = settings.work_dir / "audit-1-1", settings.work_dir / "audit-2-1"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    work()
    assert list(settings.work_dir.iterdir()) == [young]


def test_what_is_logged_names_the_audit(work, queue, capsys):
    audit_id = queue("CALM")
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    log.configure("INFO")
    try:
        work()
    finally:
        root.handlers, root.level = before, level
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["assay"]["audit"]["id"] for line in lines] == [audit_id] * len(lines)
    assert [line["message"] for line in lines] == ["audit started", "audit is succeeded"]
