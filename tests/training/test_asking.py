"""From a test that turned to fail to a signed request: once, whoever sees it, and whatever the receiver does."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select
from standardwebhooks import Webhook

from app.alerts.outbox import raise_alert
from app.db import database_now
from app.tables import AuditLog, Trainer, TrainingRequest
from app.training import sending
from app.training.queries import newest_alert_id
from app.training.raising import raise_due
from app.training.sending import DELAYS
from tests.audits.conftest import plant
from tests.training.conftest import MODEL, PIPELINE, WHERE

pytestmark = pytest.mark.both_databases


def data_changed(database, version, *, kind="data", planted=False, environment=WHERE):
    change = {"name": "train.parquet", "kind": kind, "previous": "sha256:1", "fingerprint": "sha256:2"}
    with database.write() as session:
        raise_alert(
            session,
            event="dependency.changed",
            severity="warning",
            title="It changed",
            body={"lines": [], "planted": planted, "changes": [change]},
            model_id=version.model_id,
            environment=environment,
        )


def move_back(database, hours):
    """Let ``hours`` pass since the last request was sent."""
    with database.write() as session:
        at = database_now(session) - timedelta(hours=hours)
        sent = update(TrainingRequest).where(col(TrainingRequest.sent_at).is_not(None))
        session.execute(sent.values(sent_at=at, status="succeeded"))


def test_a_failing_monitoring_test_starts_a_run(trainer, find, work_on, requests, receiver):
    secret = trainer().secret
    audit_id = find({"MON-7": "fail", "MON-5": "fail"})
    work_on()
    (row,) = requests()
    assert (row.status, row.cause, row.environment, row.attempts) == ("sent", "degradation", WHERE, 1)
    assert row.answer["status"] == 200
    (content,), (headers,) = receiver.bodies, receiver.heads
    told = Webhook(secret).verify(content, headers)
    assert headers["webhook-id"] == row.key
    assert told["type"] == "training.requested"
    data = told["data"]
    assert (data["request"], data["pipeline"], data["model"]) == (row.key, PIPELINE, MODEL)
    assert (data["environment"], data["cause"], data["version"]) == (WHERE, "degradation", "1.0.0")
    assert data["audit_id"] == audit_id
    assert [one["test"] for one in data["tests"]] == ["MON-7"]
    assert data["because"] == ["MON-7 turned to fail. MON-7 says fail."]
    work_on()
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        ({"MON-4": "fail"}, "degradation"),
        ({"MON-2": "fail"}, "distribution_change"),
        ({"MON-2": "fail", "MON-7": "fail"}, "degradation"),
        ({"MON-1": "fail", "MON-5": "fail", "MON-6": "fail"}, None),
        ({"MON-7": "inconclusive"}, None),
        ({"MON-7": "pass"}, None),
    ],
)
def test_what_asks_for_a_new_version(trainer, find, work_on, requests, found, cause):
    trainer()
    find(found)
    work_on()
    assert [row.cause for row in requests()] == ([cause] if cause else [])


@pytest.mark.parametrize(
    "heeded",
    [{"causes": ["distribution_change", "new_data"]}, {"environments": ["staging"]}, {"models": ["another"]}],
)
def test_what_the_trainer_is_not_for_asks_for_nothing(trainer, find, work_on, requests, database, heeded):
    with database.write() as session:
        plant(session, "another")
    trainer(**heeded)
    find({"MON-7": "fail"})
    work_on()
    assert requests() == []


def test_an_audit_of_no_environment_asks_for_nothing(trainer, find, work_on, requests):
    trainer(environments=[])
    find({"MON-4": "fail"}, environment=None)
    work_on()
    assert requests() == []


def test_what_failed_before_there_was_a_trainer_asks_for_nothing(trainer, find, work_on, requests):
    find({"MON-7": "fail"})
    trainer()
    work_on()
    assert requests() == []


def test_models_of_the_pipeline_are_meant_where_none_is_named(trainer, find, work_on, requests):
    trainer(models=[], environments=[])
    find({"MON-7": "fail"}, environment="pilot")
    work_on()
    assert [(row.environment, row.cause) for row in requests()] == [("pilot", "degradation")]


def test_new_data_asks_and_other_dependencies_do_not(trainer, database, version, work_on, requests):
    trainer()
    data_changed(database, version, kind="lock_file")
    data_changed(database, version, planted=True)
    data_changed(database, version, environment="staging")
    work_on()
    assert requests() == []
    data_changed(database, version)
    work_on()
    (row,) = requests()
    assert (row.cause, row.detail["because"]) == ("new_data", ["train.parquet changed: sha256:1 -> sha256:2."])


def test_two_workers_that_raise_at_once_make_one_request(trainer, find, database, local, requests):
    trainer()
    find({"MON-7": "fail"})
    ready, made = threading.Barrier(4), []

    def raise_now():
        ready.wait()
        made.append(raise_due(database))

    threads = [threading.Thread(target=raise_now) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 0, 0, 1]
    assert len(requests()) == 1
    with database.write() as session:  # and if a place among the alerts were lost
        assert session.exec(select(Trainer)).one().seen_alert_id == newest_alert_id(session)
        session.execute(update(Trainer).values(seen_alert_id=0))
    assert raise_due(database) == 0
    assert len(requests()) == 1


def test_of_two_that_send_one_claims(trainer, find, database, local, requests):
    trainer()
    find({"MON-7": "fail"})
    raise_due(database)
    first, second = sending.claim(database, local), sending.claim(database, local)
    assert (first.call.attempt, second) == (1, None)


def test_whoever_was_killed_while_sending_is_replaced(trainer, find, database, local, requests, make_due, receiver):
    """And the note of the one that was only thought to be dead comes too late."""
    trainer()
    find({"MON-7": "fail"})
    raise_due(database)
    dead = sending.claim(database, local)
    make_due()
    heir = sending.claim(database, local)
    assert (heir.call.key, heir.call.attempt, heir.fence) == (dead.call.key, 2, dead.fence + 1)
    assert not sending.settle(database, dead, sending.Started({"status": 200}))
    assert sending.settle(database, heir, sending.Started({"status": 202}))
    assert requests()[0].answer["status"] == 202


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_not_taken_is_sent_again_under_the_same_id(
    trainer, find, work_on, requests, receiver, make_due, status, told
):
    trainer()
    receiver.answers = [(status, {"Location": receiver.url}), (204, {"Content-Length": "0"})]
    find({"MON-7": "fail"})
    before = datetime.now(UTC)
    work_on()
    (row,) = requests()
    assert (row.status, row.reason) == ("pending", f"the receiver answered {status}: ok")
    assert 0.8 * DELAYS[0] <= (row.due_at - before).total_seconds() <= 1.2 * DELAYS[0] + 2
    make_due()
    work_on()
    (row,) = requests()
    assert (row.status, row.attempts, row.reason) == ("sent", 2, None)
    assert [head["webhook-id"] for head in receiver.heads] == [row.key] * 2
    assert told() == []


def test_a_receiver_that_stays_down_is_given_up_and_people_are_told(
    trainer, find, work_on, requests, make_due, told, receiver
):
    trainer()
    receiver.close()
    find({"MON-7": "fail"})
    for _ in range(len(DELAYS) + 1):
        work_on()
        make_due()
    (row,) = requests()
    assert (row.status, row.attempts) == ("failed", len(DELAYS) + 1)
    assert "Connection refused" in row.reason
    ((event, title, lines),) = told()
    assert (event, title) == (
        "training.failed",
        f"{MODEL} in {WHERE}: no new version may go there, after degradation",
    )
    assert lines[0] == row.reason
    work_on()
    assert len(told()) == 1


def test_a_receiver_that_wants_no_more_is_left_alone(trainer, find, work_on, requests, receiver, told):
    trainer()
    receiver.answers = [(410, {})]
    find({"MON-7": "fail"})
    work_on()
    (row,) = requests()
    assert (row.status, row.attempts) == ("failed", 1)
    assert [event for event, _, _ in told()] == ["training.failed"]


def test_while_one_is_open_another_waits_and_a_third_is_covered(
    trainer, find, work_on, requests, database, version, receiver
):
    trainer(cool_down_hours=0)
    find({"MON-7": "fail"})
    work_on()
    find({"MON-2": "fail"})
    data_changed(database, version)
    work_on()
    sent, waits, covered = requests()
    assert [sent.status, waits.status, covered.status] == ["sent", "pending", "superseded"]
    assert (covered.covered_by, covered.cause) == (waits.id, "new_data")
    assert len(receiver.bodies) == 1
    move_back(database, 0)  # the open one ends
    work_on()
    assert requests()[1].status == "sent"


@pytest.mark.parametrize(("since", "status"), [("pass", "superseded"), ("inconclusive", "sent"), ("fail", "sent")])
def test_tests_that_recovered_call_a_waiting_request_off(
    trainer, find, work_on, requests, database, make_due, since, status
):
    trainer(cool_down_hours=10)
    find({"MON-7": "fail"})
    work_on()
    move_back(database, 9.99)
    find({"MON-2": "fail", "MON-3": "fail"})
    work_on()
    assert requests()[1].status == "pending"
    for _ in range(2):
        find({"MON-2": since, "MON-3": "pass"})
    move_back(database, 10)
    make_due()
    work_on()
    row = requests()[1]
    assert row.status == status
    assert row.reason == ("the tests recovered before it was sent" if status == "superseded" else None)


@pytest.mark.parametrize(("hours", "status"), [(9.999, "pending"), (10, "sent")])
def test_the_cool_down_counts_from_what_was_sent(
    trainer, find, work_on, requests, database, version, hours, status
):
    trainer(cool_down_hours=10)
    find({"MON-7": "fail"})
    work_on()
    move_back(database, hours)
    data_changed(database, version)
    work_on()
    first, second = requests()
    assert second.status == status
    assert second.due_at >= first.sent_at + timedelta(hours=10)


def test_the_cool_down_holds_for_what_was_raised_before_it_began(trainer, find, work_on, requests, database):
    trainer(environments=[WHERE, "staging"], cool_down_hours=10)
    find({"MON-7": "fail"})
    find({"MON-7": "fail"}, environment="staging")
    work_on()
    assert [row.status for row in requests()] == ["sent", "pending"]
    move_back(database, 9.99)
    work_on()
    assert [row.status for row in requests()] == ["succeeded", "pending"]
    move_back(database, 10)
    work_on()
    assert [row.status for row in requests()] == ["succeeded", "sent"]


def test_a_trainer_on_trial_sends_nothing(trainer, find, work_on, requests, receiver):
    trainer(dry_run=True)
    find({"MON-7": "fail"})
    work_on()
    (row,) = requests()
    assert (row.status, receiver.bodies) == ("dry_run", [])
    assert row.ended_at


def test_a_schedule_asks_once_a_slot(trainer, work_on, requests, database, receiver):
    trainer(schedule="* * * * *", cool_down_hours=0, most_open=5)
    work_on()
    assert requests() == []
    with database.write() as session:
        back = database_now(session) - timedelta(minutes=3)
        session.execute(update(Trainer).values(seen_slot=back))
    work_on()
    work_on()
    assert [(row.cause, row.status) for row in requests()] == [("schedule", "sent")]


def test_every_step_is_in_the_audit_log(trainer, find, work_on, database, requests):
    trainer()
    find({"MON-7": "fail"})
    work_on()
    with database.read() as session:
        rows = session.exec(select(AuditLog).order_by(col(AuditLog.id))).all()
    logged = [(row.actor, row.action, row.subject) for row in rows if row.action.startswith("train")]
    assert logged == [
        ("test-ci", "trainer.set", f"pipeline/{PIPELINE}"),
        ("trainer", "training.request", f"training-request/{requests()[0].key}"),
        ("trainer", "training.sent", f"training-request/{requests()[0].key}"),
    ]
    assert "whsec_" not in str([row.details for row in rows])
