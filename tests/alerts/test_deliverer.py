"""From the outbox to a receiver and back with a receipt, through everything that goes wrong on the way."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from app.alerts import ledger
from app.alerts.channels import NotDelivered
from app.alerts.deliverer import Deliverer
from app.alerts.ledger import DELAYS
from app.tables import Subscription
from tests.audits.conftest import plant
from tests.audits.waiting import wait_until

pytestmark = pytest.mark.both_databases


def test_a_message_arrives_once_and_leaves_a_receipt(subscribe, tell, deliver, deliveries, receiver, database):
    with database.write() as session:
        model_id = plant(session, "credit-default")[0].id
    subscribe(target=receiver.url)
    body = {"lines": ["One.", "Two."], "path": "/audits/7", "tests": ["MON-2"]}
    alert_id = tell(model_id=model_id, environment="staging", body=body)
    assert deliver() == 1
    assert deliver() == 0
    ((message_id, payload),) = receiver.got
    (row,) = deliveries()
    assert (row.message_id, row.status, row.attempts, row.error) == (message_id, "delivered", 1, None)
    assert row.receipt["status"] == 200
    assert row.receipt["headers"]["x-request-id"] == "r-7"
    assert datetime.fromisoformat(row.receipt["at"]) == row.delivered_at
    assert payload["type"] == "audit.failed"
    assert datetime.fromisoformat(payload["timestamp"]).tzinfo
    assert payload["data"] == {
        "alert_id": alert_id,
        "severity": "warning",
        "title": "It failed",
        "lines": ["One.", "Two."],
        "url": "https://assay.example/audits/7",
        "model": "credit-default",
        "environment": "staging",
        "tests": ["MON-2"],
    }


@pytest.mark.parametrize("status", [302, 400, 401, 404, 408, 409, 429, 500, 503])
def test_what_is_not_taken_is_sent_again_under_the_same_id(
    subscribe, tell, deliver, deliveries, receiver, make_due, status
):
    receiver.answers = [(status, {}), (200, {})]
    subscribe(target=receiver.url)
    tell()
    before = datetime.now(UTC)
    assert deliver() == 1
    (row,) = deliveries()
    assert (row.status, row.error) == ("pending", f"the receiver answered {status}: ok")
    assert 0.8 * DELAYS[0] <= (row.due_at - before).total_seconds() <= 1.2 * DELAYS[0] + 1
    assert deliver() == 0
    make_due()
    assert deliver() == 1
    (row,) = deliveries()
    assert (row.status, row.attempts, row.error) == ("delivered", 2, None)
    assert [message_id for message_id, _ in receiver.got] == [row.message_id] * 2


def test_delays_grow_until_the_message_is_dead_after_a_day(
    subscribe, tell, deliver, deliveries, receiver, make_due
):
    receiver.answers = [(500, {})]
    subscribe(target=receiver.url)
    tell()
    for delay in DELAYS:
        before = datetime.now(UTC)
        assert deliver() == 1
        (row,) = deliveries()
        assert row.status == "pending"
        assert 0.8 * delay <= (row.due_at - before).total_seconds() <= 1.2 * delay + 1
        make_due()
    assert deliver() == 1
    (row,) = deliveries()
    assert (row.status, row.attempts) == ("dead", len(DELAYS) + 1)
    make_due()
    assert deliver() == 0
    assert 23 * 3600 < sum(DELAYS) < 25 * 3600


@pytest.mark.parametrize(("asked", "seconds"), [("120", 120), ("1", 5), ("9e9", 6 * 3600), ("nan", 5), ("x", 5)])
def test_a_receiver_may_ask_for_patience(subscribe, tell, deliver, deliveries, receiver, asked, seconds):
    receiver.answers = [(429, {"Retry-After": asked})]
    subscribe(target=receiver.url)
    tell()
    before = datetime.now(UTC)
    deliver()
    waits = (deliveries()[0].due_at - before).total_seconds()
    assert 0.8 * seconds <= waits <= 1.2 * seconds + 1


def test_gone_ends_the_subscription_and_what_waits_for_it(subscribe, tell, deliver, deliveries, receiver, database):
    receiver.answers = [(410, {})]
    subscription_id = subscribe(target=receiver.url)
    tell()
    tell()
    assert deliver() == 1
    assert [row.status for row in deliveries()] == ["dead", "dead"]
    assert deliveries()[1].error == "the subscription has ended: the receiver answered 410: ok"
    with database.read() as session:
        assert not session.get(Subscription, subscription_id).enabled
    tell()
    assert len(deliveries()) == 2


def test_what_may_not_be_called_is_dead_at_once(subscribe, tell, database, settings, deliveries, receiver):
    from app.alerts.deliverer import deliver_due

    subscribe(target=receiver.url)
    tell()
    assert deliver_due(database, settings) == 1
    (row,) = deliveries()
    assert row.status == "dead"
    assert row.error == "this address is not called: it must begin with https://"
    assert receiver.bodies == []


def test_a_receiver_that_is_down_holds_up_nobody(subscribe, tell, deliver, deliveries, receiver, make_due):
    subscribe(name="down", target="http://127.0.0.1:9/")
    tell()
    deliver()
    make_due()
    subscribe(name="up", target=receiver.url)
    tell()
    order = []
    receiver.take = lambda *_: order.append([one.attempts for one in deliveries()])
    deliver()
    assert len(order) == 1
    assert order[0][0] == 1, "the message that failed before went first"


def test_one_that_fell_silent_is_followed_by_another_and_leaves_no_trace(
    subscribe, tell, database, deliver, deliveries, receiver, make_due
):
    subscribe(target=receiver.url)
    tell()
    late = ledger.claim(database, 30, "")
    assert ledger.claim(database, 30, "") is None
    make_due()
    assert deliver() == 1
    assert not ledger.settle(database, late, {"status": 299})
    assert not ledger.give_up_or_postpone(database, late, NotDelivered("late"))
    (row,) = deliveries()
    assert (row.status, row.attempts, row.receipt["status"], row.error) == ("delivered", 2, 200, None)


def test_a_later_claim_outweighs_an_earlier_one(subscribe, tell, database, deliveries, make_due):
    subscribe()
    tell()
    first = ledger.claim(database, 30, "")
    make_due()
    second = ledger.claim(database, 30, "")
    assert (second.fence, second.attempt) == (first.fence + 1, 2)
    assert not ledger.settle(database, first, {"status": 200})
    assert deliveries()[0].status == "pending"
    assert ledger.settle(database, second, {"status": 200})


def test_senders_that_always_fall_silent_end_too(subscribe, tell, database, deliveries, make_due):
    subscribe()
    tell()
    for _ in range(len(DELAYS) + 1):
        assert ledger.claim(database, 30, "")
        make_due()
    assert ledger.claim(database, 30, "") is None
    assert deliveries()[0].status == "dead"


def test_threads_send_what_is_due_and_stop(subscribe, tell, database, local, deliveries, receiver):
    deliverer = Deliverer(database, local)
    deliverer.start()
    subscribe(target=receiver.url)
    for _ in range(20):
        tell()
    wait_until(lambda: {row.status for row in deliveries()} == {"delivered"}, 20)
    deliverer.stop()
    assert len({message_id for message_id, _ in receiver.got}) == len(receiver.got) == 20
    tell()
    time.sleep(0.3)
    assert deliveries()[-1].status == "pending"


def test_many_senders_send_each_message_once(subscribe, tell, database, local, deliveries, receiver, deliver):
    subscribe(target=receiver.url)
    for _ in range(30):
        tell()
    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({message_id for message_id, _ in receiver.got}) == len(receiver.got) == 30
    assert {row.attempts for row in deliveries()} == {1}


def test_claims_lapse_by_the_databases_clock(subscribe, tell, database, deliveries):
    subscribe()
    tell()
    ledger.claim(database, 7, "")
    left = deliveries()[0].due_at - datetime.now(UTC)
    assert timedelta(seconds=5) < left <= timedelta(seconds=7)
