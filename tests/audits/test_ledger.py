"""Claims, leases and fences on a real database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from app.audits import ledger
from app.audits.ledger import LeaseLost
from app.db import database_now
from app.errors import Conflict
from app.evidence.blobs import Stored
from app.tables import Audit, Blob, Finding

pytestmark = pytest.mark.both_databases

ROW = {"check_id": "CALM", "verdict": "pass", "reason": "Fine.", "remedy": "", "measured": {}, "thresholds": {}}
ROW |= {"exhibits": [], "inputs": {}, "cap": None, "seconds": 0.1}


@pytest.fixture
def limits(settings):
    return settings.model_copy(update={"audit_attempts": 2})


@pytest.fixture
def claim(database, limits):
    return lambda worker="w1": ledger.claim(database, worker, limits)


@pytest.fixture
def silence(database):
    """``silence(claim)``: its worker is not heard of until the lease is over."""

    def end_lease(claim, ahead=-timedelta(seconds=1)):
        with database.write() as session:
            session.get(Audit, claim.audit_id).lease_until = database_now(session) + ahead

    return end_lease


def test_the_oldest_is_claimed_first_and_once(queue, claim, stored):
    first, second = queue("CALM"), queue("CALM")
    assert [claim().audit_id, claim().audit_id, claim()] == [first, second, None]
    audit = stored(first)
    assert (audit.status, audit.worker, audit.attempts, audit.fence) == ("running", "w1", 1, 1)


def test_racing_workers_claim_each_audit_once(database, queue, settings):
    ids = [queue("CALM") for _ in range(20)]
    claimed = []

    def work(name):
        while got := ledger.claim(database, name, settings):
            claimed.append(got.audit_id)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == ids


def test_a_held_lease_is_respected_and_a_beat_extends_it(database, queue, claim, limits, stored, silence):
    queue("CALM")
    mine = claim()
    assert claim("w2") is None
    silence(mine, timedelta(seconds=10))  # not for long enough
    soon = stored(mine.audit_id).lease_until
    assert ledger.beat(database, mine, limits, {"CALM": {"status": "running"}}) is False
    assert claim("w2") is None
    audit = stored(mine.audit_id)
    assert audit.progress == {"CALM": {"status": "running"}}
    assert audit.lease_until - soon > timedelta(seconds=limits.lease_seconds - 11)


def test_an_abandoned_audit_is_taken_up_under_a_higher_fence(queue, claim, silence):
    queue("CALM")
    mine = claim("w1")
    silence(mine)
    theirs = claim("w2")
    assert (theirs.audit_id, theirs.fence, theirs.attempt) == (mine.audit_id, mine.fence + 1, 2)


@pytest.mark.parametrize(
    "act",
    [
        lambda db, claim, limits: ledger.beat(db, claim, limits, {"CALM": {"status": "forged"}}),
        lambda db, claim, _: ledger.finish(db, claim, [ROW], [Stored("b" * 64, 1)]),
        lambda db, claim, _: ledger.give_back(db, claim),
        lambda db, claim, limits: ledger.fail_attempt(db, claim, limits, "late"),
    ],
    ids=["beat", "finish", "give_back", "fail_attempt"],
)
def test_who_lingers_past_the_lease_can_do_nothing(database, queue, claim, limits, stored, findings, act, silence):
    queue("CALM")
    mine = claim("w1")
    silence(mine)
    theirs = claim("w2")
    before = stored(mine.audit_id).model_dump()
    with pytest.raises(LeaseLost):
        act(database, mine, limits)
    assert stored(mine.audit_id).model_dump() == before
    assert findings(mine.audit_id) == {}
    assert ledger.finish(database, theirs, [ROW]) == "succeeded"
    with pytest.raises(LeaseLost):
        act(database, mine, limits)
    assert findings(mine.audit_id) == {"CALM": "pass"}


def test_without_the_fence_a_lingering_worker_gets_through(database, queue, claim, monkeypatch, findings, silence):
    """The negative control of the test above."""
    queue("CALM")
    mine = claim("w1")
    silence(mine)
    claim("w2")
    monkeypatch.setattr(ledger, "_holding", lambda claim: (Audit.id == claim.audit_id,))
    ledger.finish(database, mine, [ROW])
    assert findings(mine.audit_id) == {"CALM": "pass"}


def test_an_expired_lease_that_nobody_took_is_renewed(database, queue, claim, limits, silence):
    queue("CALM")
    mine = claim()
    silence(mine)
    assert ledger.beat(database, mine, limits, {}) is False
    assert claim("w2") is None


def test_finishing_stores_everything_at_once(database, queue, claim, stored, logged):
    audit_id = queue("CALM", environment="staging")
    ledger.finish(database, claim(), [ROW], [Stored("b" * 64, 12)])
    with database.read() as session:
        finding = session.exec(select(Finding)).one()
        assert session.get(Blob, "b" * 64).size == 12
    audit = stored(audit_id)
    assert (audit.status, audit.lease_until, audit.error) == ("succeeded", None, None)
    assert audit.started_at <= finding.created_at <= audit.finished_at
    assert (finding.environment, finding.automatic, finding.version_id) == ("staging", True, audit.version_id)
    assert logged(audit_id) == ["audit.succeeded"]


def test_finishing_leaves_nothing_when_it_fails_half_way(database, queue, claim, stored, findings, logged):
    audit_id = queue("CALM")
    mine = claim()
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        ledger.finish(database, mine, [ROW, ROW], [Stored("b" * 64, 12)])
    assert (stored(audit_id).status, findings(audit_id), logged(audit_id)) == ("running", {}, [])
    assert ledger.finish(database, mine, [ROW]) == "succeeded"


def test_an_attempt_that_failed_is_tried_again_until_none_is_left(database, queue, claim, limits, stored, logged):
    audit_id = queue("CALM")
    assert ledger.fail_attempt(database, claim(), limits, "no disk") == "queued"
    assert stored(audit_id).error == "no disk"
    assert ledger.fail_attempt(database, claim(), limits, "no disk") == "failed"
    assert stored(audit_id).error == "given up after 2 attempts: no disk"
    assert claim() is None
    assert logged(audit_id) == ["audit.failed"]


def test_workers_that_fall_silent_use_up_the_attempts(database, queue, claim, limits, stored, silence):
    audit_id = queue("CALM", "SLOW")
    for worker in ("w1", "w2"):
        mine = claim(worker)
        ledger.beat(database, mine, limits, {"CALM": {"status": "done"}, "SLOW": {"status": "running"}})
        silence(mine)
    assert claim("w3") is None
    audit = stored(audit_id)
    assert audit.status == "failed"
    assert audit.error == "given up after 2 attempts: the last worker, w2, fell silent while running SLOW"


def test_giving_back_costs_no_attempt(database, queue, claim, stored):
    audit_id = queue("CALM")
    for _ in range(5):
        assert ledger.give_back(database, claim()) == "queued"
    audit = stored(audit_id)
    assert (audit.status, audit.attempts, audit.worker, audit.fence) == ("queued", 0, None, 5)


def test_a_queued_audit_is_cancelled_at_once(database, queue, claim, identity, stored, logged):
    audit_id = queue("CALM")
    with database.write() as session:
        ledger.cancel(session, session.get(Audit, audit_id), identity("owner"))
    assert stored(audit_id).status == "cancelled"
    assert claim() is None
    assert logged(audit_id) == ["audit.cancelled"]


@pytest.mark.parametrize("ending", ["finish", "give_back", "fail", "silence"])
def test_a_running_audit_is_cancelled_by_its_worker(
    database, queue, claim, identity, limits, stored, findings, ending, silence
):
    audit_id = queue("CALM")
    mine = claim()
    with database.write() as session:
        ledger.cancel(session, session.get(Audit, audit_id), identity("owner"))
    assert stored(audit_id).status == "running"
    assert ledger.beat(database, mine, limits, {}) is True
    if ending == "finish":
        ledger.finish(database, mine, [ROW])
    elif ending == "give_back":
        ledger.give_back(database, mine)
    elif ending == "fail":
        ledger.fail_attempt(database, mine, limits, "broken")
    else:
        silence(mine)
        assert claim("w2") is None
    assert stored(audit_id).status == "cancelled"
    assert findings(audit_id) == {}


def test_what_has_ended_cannot_be_cancelled(database, queue, claim, identity):
    audit_id = queue("CALM")
    ledger.finish(database, claim(), [ROW])
    with database.write() as session, pytest.raises(Conflict, match=r"already ended \(succeeded\)"):
        ledger.cancel(session, session.get(Audit, audit_id), identity("owner"))


def test_the_databases_clock_is_utc(database):
    with database.read() as session:
        assert abs(database_now(session) - datetime.now(UTC)) < timedelta(seconds=1)


def test_on_postgresql_a_claim_skips_what_another_is_claiming():
    statement = ledger._claimable(datetime.now(UTC)).compile(dialect=postgresql.dialect())
    assert str(statement).endswith("FOR UPDATE SKIP LOCKED")
