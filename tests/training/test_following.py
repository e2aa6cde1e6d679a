"""From the run that answers to a version that is audited and gated by itself, and all that may go wrong."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select

from app.audits import ledger
from app.db import database_now, utcnow
from app.gate import policies
from app.ledger import facts
from app.ledger import service as events
from app.ledger.events import EVENT
from app.tables import Alert, Audit, Decision, LedgerEvent, Model, Pipeline, TrainingRequest, Version
from app.training import sending
from app.training.following import follow_all
from app.training.raising import raise_due
from tests.alerts.receiver import Receiver
from tests.audits.conftest import plant
from tests.training.conftest import MODEL, PIPELINE, WHERE

pytestmark = pytest.mark.both_databases

POLICY = """
assay_policy: 1
name: production
stages:
  admit: {must_pass: [DATA-1]}
  promote: {extends: admit, must_pass: [INFRA-4]}
"""


@pytest.fixture
def asked(trainer, find, work_on, requests, database) -> TrainingRequest:
    """A request that was sent."""
    trainer()
    find({"MON-7": "fail"})
    work_on()
    with database.write() as session:
        policies.write_policy(session, WHERE, POLICY, "tests")
    return requests()[0]


@pytest.fixture
def tell(database, identity):
    """``tell(state, run=..., request=...)``: the ledger is told of a run; how it was taken."""

    def send(state, run="run-7", **more):
        body = {"kind": "pipeline_run", "id": f"{run}:{state}", "at": utcnow().isoformat(), "run": run}
        body |= {"pipeline": PIPELINE, "state": state} | more
        with database.write() as session:
            (taken,) = events.record(session, "ci", identity("ci"), [EVENT.validate_python(body)])
        return taken.status, taken.reason

    return send


@pytest.fixture
def register(database, version):
    """``register("1.1.0", run="run-7")``: the version arrives through the ordinary door, as it leaves it."""

    def make(name="1.1.0", run="run-7", **columns) -> Version:
        with database.write() as session:
            _, row = plant(session, MODEL, name, pipeline_id=version.pipeline_id, artifact_digest="b" * 64)
            manifest = {**row.manifest, "version": {**row.manifest["version"]}}
            manifest["version"]["pipeline"] = {"name": PIPELINE, "run": run}
            row.manifest = manifest
            for key, value in columns.items():
                setattr(row, key, value)
            return row

    return make


@pytest.fixture
def audited(database, settings):
    """``audited({"DATA-1": "pass"})``: the oldest audit that is queued finds this."""

    def run(found) -> Audit:
        claim = ledger.claim(database, "w", settings)
        empty = {"remedy": "", "measured": {}, "thresholds": {}, "exhibits": [], "inputs": {}, "seconds": 0.0}
        rows = [{"check_id": k, "verdict": v, "reason": f"{k} says {v}.", **empty} for k, v in found.items()]
        ledger.finish(database, claim, rows)
        with database.read() as session:
            return session.get_one(Audit, claim.audit_id)

    return run


def test_the_new_version_is_audited_and_gated_by_itself(
    asked, tell, register, audited, work_on, requests, told, database
):
    assert tell("running", request=asked.key) == ("recorded", "")
    work_on()
    assert (requests()[0].status, requests()[0].run) == ("running", "run-7")
    register()
    work_on()
    row = requests()[0]
    assert (row.status, row.decision_id) == ("answered", None)
    audit = audited({"DATA-1": "pass"})
    assert (audit.id, audit.trigger, audit.actor) == (row.audit_id, "training", "trainer")
    assert (audit.automatic, audit.environment, len(audit.checks) > 20) == (True, None, True)
    work_on()
    row = requests()[0]
    assert row.status == "succeeded"
    with database.read() as session:
        decision = session.get_one(Decision, row.decision_id)
        version = session.get_one(Version, row.version_id)
    assert (decision.status, decision.environment, decision.stage) == ("pass", WHERE, "admit")
    assert (decision.actor, decision.version_id, version.name) == ("trainer", version.id, "1.1.0")
    ((event, title, lines),) = told()
    assert (event, title) == (
        "training.finished",
        f"{MODEL} in {WHERE}: a new version may go there, after degradation",
    )
    assert lines[0] == "1.1.0 came out of run run-7; the gate of production says pass."


def test_a_version_that_the_gate_refuses_is_told(asked, register, audited, work_on, requests, told):
    register(run=asked.key)
    work_on()
    audited({"DATA-1": "fail"})
    work_on()
    assert requests()[0].status == "failed"
    ((event, _, lines),) = told()
    assert event == "training.failed"
    assert lines[0].endswith("the gate of production says fail.")
    assert "DATA-1" in lines[1]


def test_what_the_gate_still_lacks_is_audited_first(asked, register, audited, work_on, requests):
    register(run=asked.key)
    work_on()
    audited({"DATA-2": "pass"})
    work_on()
    row = requests()[0]
    assert (row.status, row.decision_id is not None) == ("answered", True)
    second = audited({"DATA-1": "pass"})
    assert (second.trigger, second.environment) == ("gate", WHERE)


def test_a_run_that_failed_ends_the_request(asked, tell, work_on, requests, told):
    tell("failed", request=asked.key, url="https://ci.example/7")
    work_on()
    row = requests()[0]
    assert (row.status, row.reason) == ("failed", "The run run-7 failed. https://ci.example/7")
    assert told()[0][0] == "training.failed"


def test_events_in_any_order_lead_to_the_same(asked, tell, register, work_on, requests):
    register()
    work_on()
    assert requests()[0].status == "sent", "nothing says yet that this run answers"
    tell("succeeded", request=asked.key)
    work_on()
    assert requests()[0].status == "answered"
    tell("running", request=asked.key, at=(utcnow() - timedelta(minutes=1)).isoformat())
    work_on()
    assert (requests()[0].status, requests()[0].run) == ("answered", "run-7")


def test_a_run_that_failed_and_one_that_succeeded_is_a_success(asked, tell, work_on, requests):
    tell("succeeded", "run-7", request=asked.key)
    tell("failed", "run-8", request=asked.key)
    work_on()
    assert (requests()[0].status, requests()[0].run) == ("answered", "run-7")


def test_the_version_that_the_run_names_counts_too(asked, tell, register, work_on, requests, database):
    register(run=None)
    tell("succeeded", request=asked.key, model=MODEL, version="1.1.0")
    work_on()
    with database.read() as session:
        assert session.get_one(Version, requests()[0].version_id).name == "1.1.0"


def test_an_older_version_is_no_answer(asked, tell, work_on, requests, database, version):
    with database.write() as session:
        session.get_one(Version, version.id).created_at = utcnow() - timedelta(days=1)
    tell("succeeded", request=asked.key, model=MODEL, version="1.0.0")
    work_on()
    assert (requests()[0].status, requests()[0].version_id) == ("answered", None)


def test_a_version_that_arrives_twice_counts_once(asked, register, work_on, requests, database):
    first = register(run=asked.key)
    work_on()
    register("1.1.1", run=asked.key)
    work_on()
    assert requests()[0].version_id == first.id
    with database.read() as session:
        own = session.exec(select(Audit).where(Audit.trigger == "training")).all()
    assert [audit.version_id for audit in own] == [first.id]


def test_a_version_of_another_pipeline_is_no_answer(asked, register, work_on, requests):
    register(run=asked.key, pipeline_id=None)
    work_on()
    assert requests()[0].status == "sent"


def test_a_run_that_answers_nothing_is_set_aside(asked, tell, work_on, requests, database):
    status, reason = tell("succeeded", request="tr_unknown")
    assert (status, reason) == ("set_aside", f"{PIPELINE} was never asked for a new version as 'tr_unknown'")
    work_on()
    assert requests()[0].status == "sent"
    with database.read() as session:
        rows, _ = events.queries.page(session, {}, events.PageParams(), aside=True)
        models = session.exec(select(Model).where(Model.name == MODEL)).all()
        history = facts.of_models(session, models, utcnow() + timedelta(seconds=1))
    assert [row.body["request"] for row in rows] == ["tr_unknown"]
    assert history.runs == ()
    assert tell("succeeded", "run-8", request=asked.key) == ("recorded", "")


def test_a_run_of_another_pipeline_is_no_answer(asked, tell, work_on, requests, database):
    with database.write() as session:
        session.add(Pipeline(name="another"))
    status, reason = tell("succeeded", request=asked.key, pipeline="another")
    assert (status, reason) == ("set_aside", f"another was never asked for a new version as {asked.key!r}")
    work_on()
    assert requests()[0].status == "sent"


def at_once(work):
    """What four threads returned that did the same at the same time."""
    ready, done = threading.Barrier(4), []

    def one():
        ready.wait()
        done.append(work())

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(done)


def test_of_several_that_follow_at_once_each_step_is_taken_once(
    asked, register, audited, requests, database, local, told
):
    register(run=asked.key)
    assert at_once(lambda: follow_all(database, local)) == [0, 0, 0, 1]
    audited({"DATA-1": "pass"})
    taken = at_once(lambda: follow_all(database, local)) + at_once(lambda: follow_all(database, local))
    assert sum(taken) == 2, "asking the gate, and telling"
    assert (requests()[0].status, len(told())) == ("succeeded", 1)
    with database.read() as session:
        assert len(session.exec(select(Decision)).all()) == 1


def test_what_is_being_sent_is_not_overdue(trainer, find, requests, database, local, make_due):
    trainer()
    find({"MON-7": "fail"})
    raise_due(database)
    sending.claim(database, local)
    make_due()
    assert follow_all(database, local) == 0
    assert requests()[0].status == "pending"


def test_nothing_in_time_is_told_once(asked, work_on, requests, told, database):
    assert requests()[0].due_at - requests()[0].sent_at == timedelta(hours=24)
    with database.write() as session:
        session.execute(update(TrainingRequest).values(due_at=database_now(session)))
    work_on()
    work_on()
    assert requests()[0].status == "timed_out"
    ((event, title, _),) = told()
    assert (event, title) == (
        "training.overdue",
        f"{MODEL} in {WHERE}: no new version came in time, after degradation",
    )


def test_a_version_that_is_being_audited_is_not_overdue(asked, register, work_on, requests, database):
    register(run=asked.key)
    work_on()
    with database.write() as session:
        session.execute(update(TrainingRequest).values(due_at=database_now(session)))
    work_on()
    assert requests()[0].status == "answered"


def test_an_environment_without_policy_is_said(trainer, find, work_on, register, audited, requests):
    trainer(environments=[])
    find({"MON-7": "fail"}, environment="pilot")
    work_on()
    register(run=requests()[0].key)
    work_on()
    audited({"DATA-1": "pass"})
    work_on()
    row = requests()[0]
    assert row.status == "failed"
    assert "no policy is written for the environment 'pilot'" in row.reason


def test_a_pipeline_may_be_faster_than_its_own_receipt(trainer, find, register, requests, database, local, work_on):
    """The receiver took it, the answer was lost, and the version is here before it would be sent again."""
    trainer()
    find({"MON-7": "fail"})
    raise_due(database)
    claim = sending.claim(database, local)
    register(run=claim.call.key)
    work_on()
    row = requests()[0]
    assert (row.status, row.attempts) == ("answered", 1)
    assert row.sent_at
    assert not sending.settle(database, claim, sending.Started({"status": 200}))


def test_the_history_has_what_was_asked_and_what_came(asked, tell, register, audited, work_on, database):
    tell("succeeded", request=asked.key)
    register()
    work_on()
    audited({"DATA-1": "pass"})
    work_on()
    with database.read() as session:
        models = session.exec(select(Model).where(Model.name == MODEL)).all()
        (fact,) = facts.of_models(session, models, utcnow() + timedelta(seconds=1)).training
        (then,) = facts.of_models(session, models, asked.sent_at).training
        assert facts.of_models(session, models, asked.created_at - timedelta(seconds=1)).training == ()
        alert = session.get_one(Alert, fact.alert_id)
    assert (fact.request, fact.pipeline, fact.cause, fact.environment) == (
        asked.key,
        PIPELINE,
        "degradation",
        WHERE,
    )
    assert (fact.run, fact.version, fact.decision, fact.outcome) == ("run-7", "1.1.0", "pass", "succeeded")
    assert alert.event == "verdict.changed"
    assert (then.version, then.decision, then.outcome, then.sent_at) == (None, None, None, asked.sent_at)


def test_one_that_cannot_be_followed_does_not_hold_up_the_others(
    asked, find, work_on, requests, register, database, trainer
):
    trainer(environments=[], cool_down_hours=0, most_open=2)
    find({"MON-7": "fail"}, environment="pilot")
    work_on()
    tell_of_what_cannot_be_read = LedgerEvent(
        source="x",
        kind="pipeline_run",
        key="1",
        digest="d",
        at=utcnow(),
        pipeline=PIPELINE,
        actor="x",
        automatic=True,
    )
    tell_of_what_cannot_be_read.body = {"request": asked.key, "run": "r"}
    with database.write() as session:
        session.add(tell_of_what_cannot_be_read)
    register(run=requests()[1].key)
    work_on()
    assert [row.status for row in requests()] == ["sent", "answered"]


def test_nobody_is_asked_again_by_what_follows(asked, register, audited, work_on, requests, receiver: Receiver):
    """The audit of the new version fails where the old one did: one request is enough until the cool-down ends."""
    register(run=asked.key)
    work_on()
    audited({"DATA-1": "pass", "MON-4": "fail"})
    work_on()
    assert [row.status for row in requests()] == ["succeeded"]
    assert len(receiver.bodies) == 1
