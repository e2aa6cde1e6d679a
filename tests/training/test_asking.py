"""From a test that turned to fail to a signed request: once, whoever sees it, and whatever the receiver does."""

import pytest
from standardwebhooks import Webhook

from tests.training.conftest import MODEL, PIPELINE, WHERE

pytestmark = pytest.mark.both_databases


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
