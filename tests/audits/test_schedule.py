"""Scheduled audits: each slot once, one leader, nothing missed for good."""

from __future__ import annotations

import multiprocessing
import threading
import time
from datetime import timedelta

import pytest
from sqlmodel import select

from app import worker
from app.audits import schedule
from app.db import database_now, utcnow
from app.tables import Audit, Lease, Schedule, ScheduleSlot
from tests.audits.conftest import plant
from tests.audits.enqueuer import enqueue_all
from tests.audits.waiting import wait_until


@pytest.fixture
def scheduled(database, planted):
    """``scheduled(cron, age)``: the id of a schedule that was set ``age`` ago."""

    def make(cron="* * * * *", age=timedelta(hours=3), model=planted[0], **columns):
        with database.write() as session:
            row = Schedule(model_id=model.id, cron=cron, created_at=utcnow() - age, **columns)
            session.add(row)
            session.flush()
            return row.id

    return make


@pytest.fixture
def slots(database):
    def read():
        with database.read() as session:
            return session.exec(select(ScheduleSlot).order_by(ScheduleSlot.slot)).all()

    return read


@pytest.fixture
def audits(database):
    def read():
        with database.read() as session:
            return session.exec(select(Audit)).all()

    return read


def test_a_slot_that_is_due_is_queued_once(database, scheduled, slots, audits):
    schedule_id = scheduled("0 * * * *")
    audit_id = schedule.enqueue_due(database, schedule_id)
    assert schedule.enqueue_due(database, schedule_id) is None
    (audit,), (slot,) = audits(), slots()
    assert (audit.id, slot.audit_id, slot.schedule_id) == (audit_id, audit_id, schedule_id)
    assert (audit.trigger, audit.actor, audit.automatic) == ("schedule", "scheduler", True)
    assert timedelta(0) <= utcnow() - slot.slot <= timedelta(hours=1)
    assert (slot.slot.minute, slot.slot.second) == (0, 0)


def test_of_missed_slots_only_the_newest_is_queued(database, scheduled, slots):
    schedule.enqueue_due(database, scheduled("* * * * *", timedelta(days=30)))
    (slot,) = slots()
    assert utcnow() - slot.slot < timedelta(minutes=2)


def test_nothing_is_due_before_its_time(database, scheduled, audits):
    assert schedule.enqueue_due(database, scheduled("0 0 1 1 *", timedelta(seconds=1))) is None
    assert audits() == []


def test_a_paused_schedule_queues_nothing(database, scheduled, audits):
    assert schedule.enqueue_due(database, scheduled(enabled=False)) is None
    assert audits() == []


def test_the_newest_version_is_audited(database, scheduled, audits):
    with database.write() as session:
        _, newest = plant(session, version="2.0.0")
    schedule.enqueue_due(database, scheduled())
    assert audits()[0].version_id == newest.id


def test_a_slot_that_somebody_else_queued_leaves_no_audit(database, scheduled, audits, slots):
    """The key decides even where two workers saw no row."""
    schedule_id = scheduled()
    schedule.enqueue_due(database, schedule_id)
    (taken,) = slots()
    with database.write() as session:
        assert schedule._enqueue_slot(session, session.get(Schedule, schedule_id), taken.slot) is None
    assert len(audits()) == 1


def test_four_schedulers_at_once_queue_every_slot_once(database, settings, scheduled, slots, audits):
    with database.write() as session:
        models = [plant(session, name=f"model-{i}")[0] for i in range(12)]
    ids = [scheduled("0 0 * * *", timedelta(days=2), model) for model in models]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    processes = [
        context.Process(target=enqueue_all, args=(settings.sqlalchemy_url, ids, barrier)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert sorted(slot.schedule_id for slot in slots()) == ids
    assert len(audits()) == len(ids)


def test_one_leads_until_it_lets_go_or_falls_silent(database):
    minute = timedelta(minutes=1)
    assert schedule.hold(database, "a", minute)
    assert schedule.hold(database, "a", minute)
    assert not schedule.hold(database, "b", minute)
    schedule.let_go(database, "b")
    assert not schedule.hold(database, "b", minute)
    schedule.let_go(database, "a")
    assert schedule.hold(database, "b", minute)
    with database.write() as session:
        session.get(Lease, "scheduler").until = database_now(session) - timedelta(seconds=1)
    assert schedule.hold(database, "c", minute)
    assert not schedule.hold(database, "b", minute)


@pytest.fixture
def scheduler(database, settings):
    started = []

    def start(holder):
        one = schedule.Scheduler(database, settings.model_copy(update={"lease_seconds": 1.0}), holder)
        one.start()
        started.append(one)
        return one

    yield start
    for one in started:
        if one._jobs.running:
            one.stop()


def test_the_scheduler_catches_up_at_once_and_only_one_leads(scheduler, database, scheduled, audits):
    scheduled()
    first, second = scheduler("a"), scheduler("b")
    wait_until(audits, 5)
    leads = {"a": first, "b": second}
    with database.read() as session:
        leader = session.get(Lease, "scheduler").holder
    follower = leads[{"a": "b", "b": "a"}[leader]]
    assert leads[leader]._crons
    assert follower._crons == {}
    leads[leader].stop()
    wait_until(lambda: follower._crons, 5)


def test_changed_and_paused_schedules_are_followed(scheduler, database, scheduled):
    schedule_id = scheduled("0 0 1 1 *", timedelta(0))
    one = scheduler("a")
    wait_until(lambda: one._crons == {schedule_id: "0 0 1 1 *"}, 5)
    _change(database, schedule_id, cron="0 0 2 1 *")
    wait_until(lambda: one._crons == {schedule_id: "0 0 2 1 *"}, 5)
    assert "day='2'" in str(one._jobs.get_job(str(schedule_id)).trigger)
    _change(database, schedule_id, enabled=False)
    wait_until(lambda: one._crons == {}, 5)
    assert one._jobs.get_job(str(schedule_id)) is None


def _change(database, schedule_id, **columns):
    with database.write() as session:
        row = session.get(Schedule, schedule_id)
        for name, value in columns.items():
            setattr(row, name, value)


def test_a_schedule_that_cannot_be_read_stops_no_other(scheduler, database, scheduled, caplog):
    with database.write() as session:
        model, _ = plant(session, name="other")
    scheduled("every tuesday")
    good = scheduled("0 0 1 1 *", timedelta(0), model)
    one = scheduler("a")
    wait_until(lambda: one._crons == {good: "0 0 1 1 *"}, 5)
    time.sleep(0.8)  # two more rounds
    assert sum("is not followed" in record.message for record in caplog.records) == 1


def test_a_worker_follows_schedules(settings, scheduled, audits):
    scheduled()
    stop = threading.Event()
    options = {"stop": stop, "runner": "tests.audits.toys"}
    thread = threading.Thread(target=worker.run, args=(settings,), kwargs=options)
    thread.start()
    try:
        wait_until(lambda: audits() and audits()[0].status == "succeeded", 30)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
