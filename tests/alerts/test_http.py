"""Subscribing, acknowledging and sending again, over HTTP."""

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.alerts.ledger import DELAYS
from app.main import create_app
from app.tables import AlertDelivery, AuditLog
from tests.audits.conftest import plant

pytestmark = pytest.mark.both_databases

ASKED = {"name": "ops", "channel": "webhook", "target": "https://93.184.215.14/assay"}


@pytest.fixture
def owner(client):
    return client("owner")


def errors(answer):
    assert answer.status_code == 422, answer.text
    return {error["path"]: error["message"] for error in answer.json()["errors"]}


def test_a_subscription_from_its_beginning_to_its_end(owner, tell, deliveries, database):
    with database.write() as session:
        plant(session, "credit-default")
    asked = ASKED | {"model": "credit-default", "events": ["audit.failed"], "least_severity": "warning"}
    answer = owner.post("/api/v1/subscriptions", json=asked)
    assert answer.status_code == 201
    made = answer.json()
    assert made["secret"].startswith("whsec_")
    secret = made.pop("secret")
    assert made | asked == made
    assert owner.get("/api/v1/subscriptions").json()["items"] == [made]
    assert owner.get(f"/api/v1/subscriptions/{made['id']}").json() == made
    with database.read() as session:
        assert secret not in str(session.exec(select(AuditLog)).all())
    assert owner.post("/api/v1/subscriptions", json=ASKED).status_code == 409
    test = owner.post(f"/api/v1/subscriptions/{made['id']}/test").json()
    assert [one["status"] for one in test["deliveries"]] == ["pending"]
    for _ in range(2):
        assert owner.delete(f"/api/v1/subscriptions/{made['id']}").status_code == 204
    assert deliveries()[0].status == "dead"
    ended = owner.get(f"/api/v1/subscriptions/{made['id']}").json()
    assert (ended["enabled"], ended["ended"]) == (False, "ended by test-owner")
    assert owner.post(f"/api/v1/subscriptions/{made['id']}/test").status_code == 409
    assert owner.post(f"/api/v1/alert-deliveries/{deliveries()[0].id}/retry").status_code == 409
    tell()
    assert len(deliveries()) == 1
    assert owner.post("/api/v1/subscriptions", json=ASKED).status_code == 201


def test_the_same_request_twice_is_one_subscription(owner):
    first, second = (
        owner.post("/api/v1/subscriptions", json=ASKED, headers={"Idempotency-Key": "k"}).json() for _ in range(2)
    )
    assert first | {"secret": None} == second
    tests = [
        owner.post(f"/api/v1/subscriptions/{first['id']}/test", headers={"Idempotency-Key": "t"}) for _ in range(2)
    ]
    assert tests[0].json()["id"] == tests[1].json()["id"]


def test_a_test_message_goes_to_one_alone(owner, subscribe, deliveries, deliver, receiver):
    subscribe(name="other")
    mine = subscribe(target=receiver.url)
    alert_id = owner.post(f"/api/v1/subscriptions/{mine}/test").json()["id"]
    assert [one.subscription_id for one in deliveries()] == [mine]
    deliver()
    (shown,) = owner.get(f"/api/v1/alerts/{alert_id}").json()["deliveries"]
    assert (shown["status"], shown["receipt"]["status"], shown["subscription"]) == ("delivered", 200, "ops")
    assert receiver.got[0][1]["type"] == "subscription.test"


@pytest.mark.parametrize(
    ("given", "path", "says"),
    [
        ({"target": "http://hooks.example/x"}, "target", "https://"),
        ({"target": "https://127.0.0.1/"}, "target", "not a public address"),
        ({"target": "https://169.254.169.254/", "channel": "slack"}, "target", "ASSAY_OUTGOING_ALLOWED_HOSTS"),
        ({"target": "https://u:p@93.184.215.14/"}, "target", "user name or password"),
        ({"target": "risk@example.com"}, "target", "https://"),
        ({"channel": "email", "target": "risk@example.com"}, "target", "ASSAY_SMTP_URL"),
        ({"events": ["verdict.chnged"]}, "events.0", 'did you mean "verdict.changed"?'),
        ({"channel": "pigeon"}, "channel", "'webhook', 'email' or 'slack'"),
        ({"least_severity": "bad"}, "least_severity", "'info'"),
        ({"name": "a\nb"}, "name", "printable"),
        ({"secret": "mine"}, "secret", "not permitted"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_the_door(owner, given, path, says):
    told = errors(owner.post("/api/v1/subscriptions", json=ASKED | given))
    assert says in next(message for where, message in told.items() if where.endswith(path))


def test_an_unknown_model_is_named_with_the_nearest(owner, database):
    with database.write() as session:
        plant(session, "credit-default")
    answer = owner.post("/api/v1/subscriptions", json=ASKED | {"model": "credit-defualt"})
    assert answer.status_code == 404
    assert 'did you mean "credit-default"?' in answer.json()["detail"]


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("risk@example.com", True), ("a.b+c@x-y.example", True), ("risk", False), ("@example.com", False),
        ("risk@", False), ("a@b@c", False), ("a b@example.com", False), ("risk@example.com\r\nBcc: x@y.z", False),
        ("risk@example.com\n", False), ('"a b"@example.com', False), ("R <risk@example.com>", False),
        ("risk@exämple.com", False), ("risk@-example.com", False), ("a@b,c@d", False),
    ],
)  # fmt: skip
def test_addresses_of_people(settings, secret, address, fine):
    app = create_app(settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:25"}))
    with TestClient(app, headers={"Authorization": f"Bearer {secret('owner')}"}) as client:
        answer = client.post("/api/v1/subscriptions", json={"name": "m", "channel": "email", "target": address})
        assert answer.status_code == (201 if fine else 422)
        if fine:
            assert answer.json()["secret"] is None


class TestAlerts:
    def test_they_are_listed_newest_first_and_filtered(self, owner, tell, database):
        with database.write() as session:
            model_id = plant(session, "credit-default")[0].id
        first, second = tell(), tell(event="schedule.missed", model_id=model_id)
        listed = owner.get("/api/v1/alerts").json()["items"]
        assert [one["id"] for one in listed] == [second, first]
        assert (listed[0]["model"], listed[1]["model"]) == ("credit-default", None)
        for query in ("event=schedule.missed", "model=credit-default"):
            assert [one["id"] for one in owner.get(f"/api/v1/alerts?{query}").json()["items"]] == [second]
        assert "did you mean" in errors(owner.get("/api/v1/alerts?event=schedule.mised"))["query.event"]
        assert owner.get("/api/v1/alerts?model=credit").status_code == 404
        owner.post(f"/api/v1/alerts/{second}/acknowledge", json={})
        left = owner.get("/api/v1/alerts?unacknowledged=true").json()["items"]
        assert [one["id"] for one in left] == [first]

    def test_acknowledging_stays_with_the_first(self, owner, client, tell):
        alert_id = tell()
        path = f"/api/v1/alerts/{alert_id}/acknowledge"
        first = owner.post(path, json={"note": "a unit changed"}).json()
        assert (first["acknowledged_by"], first["note"]) == ("test-owner", "a unit changed")
        assert owner.post(path, json={"note": "other"}).json() == first
        refused = client("reviewer").post(path, json={})
        assert refused.status_code == 409
        assert "test-owner" in refused.json()["detail"]
        assert client("viewer").post(path, json={}).status_code == 403
        assert owner.post("/api/v1/alerts/999/acknowledge", json={}).status_code == 404

    def test_a_dead_letter_is_listed_and_sent_again(
        self, owner, subscribe, tell, deliver, deliveries, receiver, database
    ):
        receiver.answers = [(500, {})]
        subscribe(target=receiver.url)
        tell()
        with database.write() as session:
            session.exec(select(AlertDelivery)).one().attempts = len(DELAYS)
        deliver()
        (dead,) = owner.get("/api/v1/alert-deliveries?status=dead").json()["items"]
        assert (dead["status"], dead["error"]) == ("dead", "the receiver answered 500: ok")
        receiver.answers = [(200, {})]
        assert owner.post(f"/api/v1/alert-deliveries/{dead['id']}/retry").json()["status"] == "pending"
        assert deliver() == 1
        assert deliveries()[0].status == "delivered"
        assert len({message_id for message_id, _ in receiver.got}) == 1
        assert owner.post(f"/api/v1/alert-deliveries/{dead['id']}/retry").status_code == 409
        assert owner.get("/api/v1/alert-deliveries?status=dead").json()["items"] == []
