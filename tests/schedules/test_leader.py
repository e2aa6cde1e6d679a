"""One leader, and every slot once, however many follow the schedules."""

from __future__ import annotations

import multiprocessing
import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from app import worker
from app.db import database_now
from app.schedules import leader
from app.tables import Lease, Model, Schedule
from tests.audits.conftest import plant
from tests.audits.waiting import wait_until
from tests.schedules.follower import follow_all

pytestmark = pytest.mark.both_databases


def test_four_at_once_queue_every_slot_once(database, settings, scheduled, slots, audits):
    with database.write() as session:
        models = [plant(session, name=f"model-{i}")[0] for i in range(12)]
    ids = [scheduled("0 0 * * *", timedelta(days=2), model) for model in models]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    processes = [context.Process(target=follow_all, args=(settings.sqlalchemy_url, ids, barrier)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    queued = [slot for slot in slots() if slot.audit_id]
    assert sorted(slot.schedule_id for slot in queued) == ids
    assert len(audits()) == len(ids)


def test_one_leads_until_it_lets_go_or_falls_silent(database):
    minute = timedelta(minutes=1)
    assert leader.hold(database, "a", minute)
    assert leader.hold(database, "a", minute)
    assert not leader.hold(database, "b", minute)
    leader.let_go(database, "b")
    assert not leader.hold(database, "b", minute)
    leader.let_go(database, "a")
    assert leader.hold(database, "b", minute)
    _end_lease(database, -timedelta(seconds=1))
    assert leader.hold(database, "c", minute)
    assert not leader.hold(database, "b", minute)


def test_a_lease_from_before_the_clock_was_set_back_does_not_hold(database):
    minute = timedelta(minutes=1)
    assert leader.hold(database, "a", minute)
    _end_lease(database, timedelta(minutes=2) - timedelta(seconds=1))
    assert not leader.hold(database, "b", minute)
    _end_lease(database, timedelta(hours=1))
    assert leader.hold(database, "b", minute)


def _end_lease(database, ahead):
    with database.write() as session:
        session.get(Lease, "scheduler").until = database_now(session) + ahead


@pytest.fixture
def scheduler(database, settings):
    started = []

    def start(holder, lease_seconds=1.0):
        one = leader.Scheduler(database, settings.model_copy(update={"lease_seconds": lease_seconds}), holder)
        one.start()
        started.append(one)
        return one

    yield start
    for one in started:
        if one._jobs.running:
            one.stop()


def test_the_leader_catches_up_at_once_and_only_one_leads(scheduler, database, scheduled, audits):
    scheduled()
    first, second = scheduler("a", 12), scheduler("b", 12)  # a lease that no busy machine lets run out
    wait_until(audits)
    leads = {"a": first, "b": second}
    with database.read() as session:
        holder = session.get(Lease, "scheduler").holder
    follower = leads[{"a": "b", "b": "a"}[holder]]
    wait_until(lambda: leads[holder]._crons)
    assert follower._crons == {}
    leads[holder].stop()
    wait_until(lambda: follower._crons)


def test_changed_and_paused_schedules_are_followed(scheduler, database, scheduled):
    schedule_id = scheduled("0 0 1 1 *", timedelta(0))
    one = scheduler("a")
    wait_until(lambda: one._crons == {schedule_id: "0 0 1 1 *"})
    _change(database, schedule_id, cron="0 0 2 1 *")
    wait_until(lambda: one._crons == {schedule_id: "0 0 2 1 *"})
    assert "day='2'" in str(one._jobs.get_job(str(schedule_id)).trigger)
    _change(database, schedule_id, enabled=False)
    wait_until(lambda: one._crons == {})
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
    wait_until(lambda: one._crons == {good: "0 0 1 1 *"})
    _wait_for_rounds(database, 2)
    assert sum("is not followed" in record.message for record in caplog.records) == 1


def _wait_for_rounds(database, more):
    seen = set()

    def renewed():
        with database.read() as session:
            seen.add(session.get(Lease, "scheduler").until)
        return len(seen) > more

    wait_until(renewed)


def test_the_leader_schedules_what_serves(scheduler, database, serve):
    serve()
    scheduler("a")

    def made():
        with database.read() as session:
            return session.exec(select(Schedule)).first()

    wait_until(made)
    assert (made().environment, made().made_by) == ("production", "default")
    with database.write() as session:
        session.get(Model, made().model_id).risk_tier = "high"
    wait_until(lambda: made().cron.endswith("5 * * *"))


def test_a_worker_follows_schedules(settings, scheduled, audits):
    scheduled("0 0 * * *", timedelta(days=1))
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
