"""Real servers are asked: what their answers mean, who is told, and that nobody is asked twice."""

from __future__ import annotations

import threading
from concurrent.futures import wait
from datetime import timedelta

import pytest
from sqlmodel import select

from app.db import database_now
from app.outgoing import Client
from app.schedules.leader import Scheduler
from app.tables import AuditLog, Endpoint, Probe
from app.uptime import probing
from app.uptime.prober import Prober
from app.uptime.probing import Outcome
from app.uptime.service import standings
from app.uptime.watch import note
from tests.audits.waiting import wait_until

pytestmark = pytest.mark.both_databases

MINUTE = timedelta(minutes=1)


def last(probes):
    return probes()[-1]


def test_an_answer_as_expected(endpoint, ask, probes, target, alerts):
    endpoint(expected_text="ready", token="t0ken")
    assert ask() == 1
    one = last(probes)
    assert (one.ok, one.status, one.error) == (True, 200, None)
    assert one.seconds > 0
    assert target.asked[0]["Authorization"] == "Bearer t0ken"
    assert target.asked[0]["Host"] == f"127.0.0.1:{target.port}"
    assert alerts() == []


def _fails(target):
    target.status = 500


def _hangs(target):
    target.pause = 2


def _breaks_off(target):
    target.breaks_off = True


def _says_something_else(target):
    target.content = b'{"status": "starting"}'


@pytest.mark.parametrize(
    ("happens", "status", "error"),
    [
        (_fails, 500, "answered 500 instead of 200"),
        (_hangs, None, "127.0.0.1: timed out"),
        (_breaks_off, 200, "the answer broke off, or took too long"),
        (_says_something_else, 200, "the answer does not contain 'ready'"),
        (lambda target: target.stop(), None, "127.0.0.1: [Errno 111] Connection refused"),
    ],
)
def test_what_is_wrong_is_told(endpoint, ask, probes, target, happens, status, error):
    endpoint(expected_text="ready")
    happens(target)
    ask()
    assert (last(probes).ok, last(probes).status, last(probes).error) == (False, status, error)


def test_another_status_may_be_what_is_expected(endpoint, ask, probes, target):
    endpoint(expected_status=401)
    target.status = 401
    ask()
    assert last(probes).ok is True


def test_what_may_not_be_called_is_unknown(endpoint, ask, probes, target, alerts):
    """The administrator may have taken the host off the list since."""
    endpoint(url="http://10.0.0.1/", tolerance=1)
    ask()
    assert last(probes).ok is None
    assert "not a public address" in last(probes).error
    assert (alerts(), target.asked) == ([], [])


def test_a_long_answer_is_read_in_part(endpoint, ask, probes, target):
    endpoint(expected_text="ready")
    target.content = b"ready" + b"." * probing.MOST_BYTES
    ask()
    assert last(probes).ok is True
    target.content = b"." * probing.MOST_BYTES + b"ready"
    with_late_text = endpoint(name="late", expected_text="ready")
    ask()
    assert [one.ok for one in probes() if one.endpoint_id == with_late_text] == [False]


def test_down_after_so_many_failures_in_a_row_and_back_after_one_answer(
    endpoint, ask, target, alerts, database, model
):
    made = endpoint()
    with database.read() as session:
        start = database_now(session)
    for minute, up in enumerate([True, False, False, True, False, False, False, False, True, True]):
        if up:
            target.start() if target._server is None else None
        else:
            target.stop()
        assert ask(start + minute * MINUTE) == 1
    down, back = alerts()
    assert (down.event, down.severity, down.model_id) == ("endpoint.down", "critical", model.id)
    assert down.title == "credit-default in production: scoring does not answer as it should"
    assert "failed 3 times in a row" in down.body["lines"][0]
    assert down.body["path"] == "/models/credit-default/serving"
    assert (back.event, back.severity) == ("endpoint.recovered", "info")
    assert "240 s after it began to fail" in back.body["lines"][0]
    with database.read() as session:
        assert session.get(Endpoint, made).down_since is None
        noted = session.exec(select(AuditLog.action).where(AuditLog.actor == "uptime")).all()
    assert noted == ["endpoint.down", "endpoint.recovered"]


def test_a_new_endpoint_is_given_its_tolerance(endpoint, ask, target, alerts, database):
    endpoint()
    target.stop()
    with database.read() as session:
        start = database_now(session)
    told = []
    for minute in range(4):
        ask(start + minute * MINUTE)
        told.append(len(alerts()))
    assert told == [0, 0, 1, 1]


def test_a_probe_that_is_noted_late_changes_nothing(endpoint, database, alerts):
    """Whatever the order in which four probes are noted, the endpoint is down with the same outage."""
    with database.read() as session:
        now = database_now(session)
    good, bad = Outcome(True, 200, 0.1, None), Outcome(False, 500, 0.1, "e")
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)):
        made = endpoint(name=str(order), environment="staging")
        for minute in order:
            with database.write() as session:
                note(session, made, now + minute * MINUTE, bad if minute else good)
        with database.read() as session:
            assert session.get(Endpoint, made).down_since == now + MINUTE
    assert [one.severity for one in alerts()] == ["warning"] * 3


def test_nobody_is_asked_twice_however_many_ask(endpoint, database, settings, probes):
    ids = sorted(endpoint(name=str(i)) for i in range(20))
    barrier = threading.Barrier(4)
    probers = [Prober(database, settings) for _ in range(4)]

    def race(prober):
        barrier.wait(20)
        wait(prober.round(), 20)

    threads = [threading.Thread(target=race, args=(one,)) for one in probers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for prober in probers:
        prober._pool.shutdown()
    assert sorted(one.endpoint_id for one in probes()) == ids


def test_the_pace_is_kept(endpoint, ask, database):
    made = endpoint()
    with database.read() as session:
        start = session.get(Endpoint, made).due_at

    def due():
        with database.read() as session:
            return (session.get(Endpoint, made).due_at - start).total_seconds()

    assert (ask(start - timedelta(seconds=1)), due()) == (0, 0)
    assert (ask(start + timedelta(seconds=2)), due()) == (1, 60)
    assert (ask(start + timedelta(seconds=59)), due()) == (0, 60)
    assert (ask(start + timedelta(seconds=60)), due()) == (1, 120)
    assert (ask(start + timedelta(seconds=400)), due()) == (1, 460)
    assert (ask(start - timedelta(days=1)), due()) == (1, 60 - 24 * 3600)  # the clock was set back


def test_removed_ones_are_not_asked(endpoint, ask, database):
    with database.read() as session:
        now = database_now(session)
    endpoint(removed_at=now)
    assert ask(now + MINUTE) == 0


def test_those_that_hang_do_not_keep_others_waiting(endpoint, database, settings):
    """With all threads taken nobody more is claimed, so that what is left out is a gap and not a late answer."""
    for i in range(40):
        endpoint(name=str(i))
    release = threading.Event()

    def hang(_client: Client, _endpoint: Endpoint) -> Outcome:
        release.wait(20)
        return Outcome(True, 200, 0.1, None)

    prober = Prober(database, settings, ask=hang)
    first = prober.round()
    assert (len(first), len(prober.round())) == (32, 0)
    release.set()
    wait(first, 20)
    assert len(prober.round()) == 8
    prober._pool.shutdown()


def test_an_error_of_ours_is_a_gap(endpoint, database, settings, probes, caplog):
    endpoint()

    def broken(_client: Client, _endpoint: Endpoint) -> Outcome:
        raise RuntimeError("a bug")

    prober = Prober(database, settings, ask=broken)
    wait(prober.round(), 20)
    prober._pool.shutdown()
    assert probes() == []
    assert "could not be asked" in caplog.text


def test_old_probes_are_forgotten(endpoint, database, settings, probes):
    made = endpoint()
    with database.write() as session:
        now = database_now(session)
        for days in (0, 91.9, 92.1, 200):
            session.add(Probe(endpoint_id=made, at=now - timedelta(days=days), ok=True, seconds=0.1))
    Prober(database, settings).tidy()
    assert sorted((now - one.at).days for one in probes()) == [0, 91]


def test_how_endpoints_stood_at_a_time(endpoint, database, model):
    """What was asked, answered or removed later does not exist."""
    with database.read() as session:
        noon = database_now(session)
    one = endpoint(created_at=noon - timedelta(days=1))
    endpoint(name="later", created_at=noon + MINUTE)
    endpoint(name="removed", created_at=noon - timedelta(days=1), removed_at=noon - MINUTE)
    gone = endpoint(name="removed later", created_at=noon - timedelta(days=1), removed_at=noon + MINUTE)
    with database.write() as session:
        for age, ok in ((3, True), (2, False), (1, True), (-1, False)):
            session.add(Probe(endpoint_id=one, at=noon - age * MINUTE, ok=ok, seconds=0.1))

    def standing(at):
        with database.read() as session:
            return {found.endpoint_id: found for found in standings(session, [model.id], at)}

    at_noon = standing(noon)
    assert at_noon.keys() == {one, gone}
    assert (at_noon[one].state, at_noon[one].last_probe_at) == ("up", noon - MINUTE)
    assert (at_noon[one].month.up_seconds, at_noon[one].month.down_seconds) == (120, 60)
    assert (at_noon[gone].state, at_noon[gone].month.availability) == ("unknown", None)
    assert standing(noon - timedelta(days=2)) == {}
    assert standing(noon - 1.5 * MINUTE)[one].state == "down"
    assert standing(noon + 2 * MINUTE)[one].state == "down"
    assert standing(noon + 3 * MINUTE)[one].state == "unknown"


def test_whoever_leads_asks_and_nobody_else(endpoint, database, settings, probes, target):
    endpoint(interval_seconds=1)
    settings = settings.model_copy(update={"lease_seconds": 12.0})
    one, two = Scheduler(database, settings, "a"), Scheduler(database, settings, "b")
    one.start()
    wait_until(lambda: len(probes()) > 1)
    two.start()
    wait_until(lambda: len(probes()) > 3)
    assert (one._prober._leading.is_set(), two._prober._leading.is_set()) == (True, False)
    one.stop()
    seen = len(probes())
    wait_until(lambda: len(probes()) > seen)
    two.stop()
    seen = len(target.asked)
    assert len(probes()) == seen
