"""Checkpoints of the audit log: made, kept elsewhere, sent on time, and believed only when they are signed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from app.access import audit_log
from app.access.chain import Head
from app.alerts.deliverer import deliver_due
from app.cli import run
from app.db import utcnow
from app.schedules.leader import Scheduler
from app.signing import checkpoints, dsse, keys
from app.tables import Alert, Subscription
from tests.alerts.receiver import SECRET, Receiver
from tests.delivery import planted as delivered
from tests.security.test_history import fork, head, log, rows, tamper  # noqa: F401 - fixtures

pytestmark = pytest.mark.both_databases


@pytest.fixture
def here(settings, monkeypatch):
    """The command line works on the test's database."""
    monkeypatch.setenv("ASSAY_DATA_DIR", str(settings.data_dir))


@pytest.fixture
def receiver():
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture
def subscribe(database, receiver):
    def make(*events):
        with database.write() as session:
            row = Subscription(name="vault", channel="webhook", target=receiver.url, secret=SECRET, created_by="t")
            row.events = list(events)
            session.add(row)

    return make


@pytest.fixture
def outgoing(settings):
    return settings.model_copy(update={"outgoing_allowed_hosts": ["127.0.0.1"]})


def send_due(database, settings, now):
    with database.write() as session:
        return checkpoints.send_due(session, settings, now)


@pytest.mark.usefixtures("here", "log")
def test_a_log_that_grew_on_fits_its_checkpoint_and_a_fork_does_not(database, tamper, tmp_path, capsys):  # noqa: F811
    file = tmp_path / "checkpoint.json"
    assert run(["audit-log", "checkpoint", "-o", str(file)]) == 0
    noted = head(database)
    with database.write() as session:
        audit_log.record(session, "ada", "a.b", "c/1")
    assert run(["audit-log", "verify", "--checkpoint", str(file)]) == 0
    fork(database, tamper, noted.sequence - 2)
    assert run(["audit-log", "verify"]) == 0
    capsys.readouterr()
    assert run(["audit-log", "verify", "--checkpoint", str(file)]) == 1
    assert f"entry {noted.sequence} is not the one that the checkpoint names" in capsys.readouterr().err


@pytest.mark.usefixtures("here", "log")
def test_a_checkpoint_that_nobody_trusted_signed_is_not_believed(settings, tmp_path, capsys):
    file, other = tmp_path / "checkpoint.json", tmp_path / "other.pem"
    assert run(["audit-log", "checkpoint", "-o", str(file)]) == 0
    assert run(["key", "export"]) == 0
    own = tmp_path / "own.pem"
    own.write_text(capsys.readouterr().out)
    assert run(["audit-log", "verify", "--checkpoint", str(file), "--key", str(own)]) == 0
    other.write_text(dsse.as_pem(keys._made(tmp_path / "other").public_key()))
    assert run(["audit-log", "verify", "--checkpoint", str(file), "--key", str(other)]) == 1
    assert "none of the keys that you trust" in capsys.readouterr().err
    envelope = json.loads(file.read_text())
    file.write_text(json.dumps(envelope | {"payload": envelope["payload"][:-8] + "AAAAAA=="}))
    assert run(["audit-log", "verify", "--checkpoint", str(file)]) == 1
    file.write_text("{")
    assert run(["audit-log", "verify", "--checkpoint", str(file)]) == 64


@pytest.mark.usefixtures("here", "log")
def test_a_signed_decision_is_a_checkpoint(database, settings, identity, tamper, tmp_path, capsys):  # noqa: F811
    delivered.versions(database, "1.0.0")
    row = delivered.decide(database, settings, identity, "1.0.0")
    file = tmp_path / "decision.json"
    file.write_text(json.dumps(row.envelope))
    assert run(["audit-log", "verify", "--checkpoint", str(file)]) == 0
    fork(database, tamper, head(database).sequence - 3)
    assert run(["audit-log", "verify"]) == 0
    assert run(["audit-log", "verify", "--checkpoint", str(file)]) == 1
    assert "the checkpoint names" in capsys.readouterr().err


@pytest.mark.usefixtures("log")
def test_who_asked_for_checkpoints_gets_one_signed_twice_over(database, outgoing, receiver, subscribe):
    subscribe(checkpoints.EVENT)
    assert send_due(database, outgoing, utcnow())
    assert deliver_due(database, outgoing) == 1
    ((_, payload),) = receiver.got  # which the receiver verified as Standard Webhooks say
    assert payload["type"] == "audit_log.checkpoint"
    with database.read() as session:
        noted = checkpoints.read(payload["data"]["checkpoint"], keys.trusted(session))
        assert noted == audit_log.head_of(session)
        assert audit_log.verification(session, noted).valid


@pytest.mark.usefixtures("log")
def test_checkpoints_are_sent_on_time_and_to_those_alone_who_name_them(database, outgoing, subscribe):
    now = utcnow()
    assert not send_due(database, outgoing, now)
    subscribe()  # to everything else
    assert not send_due(database, outgoing, now)
    subscribe(checkpoints.EVENT)
    assert send_due(database, outgoing, now)
    assert not send_due(database, outgoing, now + timedelta(hours=23))
    assert send_due(database, outgoing, now + timedelta(hours=25))
    with database.read() as session:
        assert len(session.exec(select(Alert)).all()) == 2


def test_the_leader_sends_them(database, outgoing, subscribe):
    subscribe(checkpoints.EVENT)
    leader = Scheduler(database, outgoing, "me")
    leader._lead()
    leader._lead()
    with database.read() as session:
        (alert,) = session.exec(select(Alert)).all()
        assert checkpoints.read(alert.body["checkpoint"], keys.trusted(session)) == audit_log.head_of(session)


@pytest.mark.parametrize("envelope", [None, {}, [], {"payloadType": checkpoints.PAYLOAD_TYPE}])
def test_what_is_no_checkpoint_is_refused(envelope):
    with pytest.raises(dsse.NotSigned):
        checkpoints.read(envelope, {})


def test_heads_are_compared_by_digest(database, log):  # noqa: F811
    with database.read() as session:
        assert not audit_log.verification(session, Head(log, rows(database)[0].digest)).valid
