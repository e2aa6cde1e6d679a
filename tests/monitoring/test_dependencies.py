"""Fingerprints that change are told of; the drill that proves it; and MON-1 from one end to the other."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app.alerts.deliverer import deliver_due
from app.db import database_now
from app.monitoring.dependencies import plant_due
from app.tables import Alert, AuditLog, Dependency, Finding, Subscription
from tests.alerts.receiver import SECRET, Receiver
from tests.audits.conftest import plant

pytestmark = pytest.mark.both_databases

LOCK = {"name": "requirements.txt", "kind": "lock_file", "fingerprint": "a" * 64}
DATA = {"name": "train.parquet", "kind": "data", "fingerprint": "b" * 64}


@pytest.fixture
def model(database):
    with database.write() as session:
        return plant(session, "credit-default")[0]


@pytest.fixture
def push(client, model):
    ci = client("ci")

    def send(*fingerprints, environment="production", status=200):
        body = {"model": "credit-default", "environment": environment, "fingerprints": fingerprints}
        answer = ci.post("/api/v1/dependencies", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


@pytest.fixture
def rows(database):
    def read(table):
        with database.read() as session:
            return list(session.exec(select(table).order_by(table.id)).all())

    return read


def test_what_is_seen_first_is_no_change(push, rows):
    told = push(LOCK, DATA)
    assert [one["name"] for one in told["added"]] == ["requirements.txt", "train.parquet"]
    assert (told["changed"], told["unchanged"], told["alert_id"]) == ([], 0, None)
    assert rows(Alert) == []
    assert push(LOCK, DATA)["unchanged"] == 2
    assert len(rows(Dependency)) == 2
    assert [one.action for one in rows(AuditLog)].count("dependency.push") == 1


def test_changes_are_one_alert_to_which_they_refer(push, rows):
    push(LOCK, DATA)
    told = push(LOCK | {"fingerprint": "c"}, DATA | {"fingerprint": "d"})
    (alert,) = rows(Alert)
    assert [(one["previous"], one["fingerprint"]) for one in told["changed"]] == [("a" * 64, "c"), ("b" * 64, "d")]
    assert {one["alert_id"] for one in told["changed"]} == {told["alert_id"]} == {alert.id}
    assert (alert.event, alert.severity) == ("dependency.changed", "warning")
    assert alert.title == "credit-default in production: 2 dependencies changed"
    assert alert.body["lines"][0] == f"requirements.txt (lock_file): {'a' * 64} -> c."
    assert push(LOCK)["changed"][0]["previous"] == "c"
    assert rows(Alert)[-1].title == "credit-default in production: requirements.txt changed"


def test_environments_are_apart(push, rows):
    push(LOCK)
    assert push(LOCK | {"fingerprint": "c"}, environment="staging")["changed"] == []
    assert rows(Alert) == []


@pytest.mark.parametrize(
    ("fingerprint", "path"),
    [
        ({"kind": "lockfile"}, "kind"),
        ({"name": "a\nb"}, "name"),
        ({"name": "assay drill"}, "name"),
        ({"fingerprint": ""}, "fingerprint"),
        ({"planted": True}, "planted"),
    ],
)
def test_what_is_wrong_is_named(push, fingerprint, path):
    told = push(LOCK | fingerprint, status=422)
    assert told["errors"][0]["path"].endswith(f"fingerprints.0.{path}")


def test_a_name_once_a_push(push):
    told = push(LOCK, LOCK | {"fingerprint": "c"}, status=422)
    assert {one["path"] for one in told["errors"]} == {"fingerprints.0.name", "fingerprints.1.name"}


def test_the_drill_is_planted_weekly_wherever_something_is_watched(push, rows, database):
    def planted(days):
        with database.write() as session:
            return plant_due(session, database_now(session) + timedelta(days=days))

    assert planted(0) == 0
    push(LOCK)
    push(LOCK, environment="staging")
    assert [planted(days) for days in (0, 0, 5.9, 6.1, 6.2, 12.2)] == [2, 0, 0, 2, 0, 2]
    drills = [one for one in rows(Dependency) if one.planted]
    assert {(one.environment, one.name) for one in drills} == {
        ("production", "assay drill"),
        ("staging", "assay drill"),
    }
    alert = rows(Alert)[0]
    assert alert.title == (
        "credit-default in production: drill, nothing has changed; this proves that a change would be told"
    )
    assert alert.body["planted"] is True
    assert push(LOCK)["unchanged"] == 1


def test_list(push, client):
    push(LOCK, DATA)
    viewer = client("viewer")
    assert [one["name"] for one in viewer.get("/api/v1/dependencies?model=credit-default").json()["items"]] == [
        "train.parquet", "requirements.txt",
    ]  # fmt: skip
    assert viewer.get("/api/v1/dependencies?environment=staging").json()["items"] == []
    assert viewer.post("/api/v1/dependencies", json={}).status_code == 403


class TestMon1:
    @pytest.fixture
    def receiver(self):
        receiver = Receiver()
        yield receiver
        receiver.close()

    @pytest.fixture
    def finding(self, client, work, rows):
        def audit():
            asked = {
                "model": "credit-default",
                "version": "1.0.0",
                "environment": "production",
                "checks": ["MON-1"],
            }
            assert client("ci").post("/api/v1/audits", json=asked).status_code == 201
            work()
            return rows(Finding)[-1]

        return audit

    def test_planted_both_ways(self, push, finding, database, settings, receiver):
        push(LOCK, DATA)
        assert finding().verdict == "inconclusive"
        with database.write() as session:
            session.add(
                Subscription(
                    name="ops", channel="webhook", target=receiver.url, secret=SECRET, created_by="t", events=[]
                )
            )
        with database.write() as session:
            plant_due(session, database_now(session))
        push(DATA | {"fingerprint": "c"})
        deliver_due(database, settings.model_copy(update={"outgoing_allowed_hosts": ["127.0.0.1"]}))
        found = finding()
        assert (found.verdict, len(receiver.got)) == ("pass", 2), found.reason
        assert found.reason.startswith("All 2 changes were told")
        with database.write() as session:
            session.exec(select(Subscription)).one().enabled = False
        push(DATA | {"fingerprint": "d"})
        with database.write() as session:
            session.exec(select(Dependency).order_by(Dependency.id.desc())).first().seen_at -= timedelta(minutes=16)
        found = finding()
        assert found.verdict == "fail"
        assert "train.parquet (nobody yet)" in found.reason

    @pytest.mark.usefixtures("model")
    def test_without_an_environment(self, client, work, rows):
        asked = {"model": "credit-default", "version": "1.0.0", "checks": ["MON-1"]}
        client("ci").post("/api/v1/audits", json=asked)
        work()
        assert rows(Finding)[-1].verdict == "inconclusive"
        assert "an environment" in rows(Finding)[-1].reason
