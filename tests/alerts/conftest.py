"""Subscriptions and alerts as their services make them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select

from app.alerts.deliverer import deliver_due
from app.alerts.outbox import raise_alert
from app.db import database_now
from app.tables import AlertDelivery, Subscription
from tests.alerts.receiver import SECRET, Receiver


@pytest.fixture
def subscribe(database):
    """``subscribe(**columns)``: the id of a stored subscription, by default a webhook for everything."""

    def make(**columns) -> int:
        defaults = {"name": "ops", "channel": "webhook", "target": "https://hooks.example/x", "created_by": "t"}
        row = Subscription(**defaults | {"events": [], "secret": SECRET} | columns)
        with database.write() as session:
            session.add(row)
            session.flush()
        return row.id

    return make


@pytest.fixture
def tell(database):
    """``tell(**columns)``: the id of an alert that was raised."""

    def make(**columns) -> int:
        defaults = {
            "event": "audit.failed",
            "severity": "warning",
            "title": "It failed",
            "body": {"lines": ["So."]},
        }
        with database.write() as session:
            return raise_alert(session, **defaults | {"body": {"lines": ["So."]}} | columns).id

    return make


@pytest.fixture
def deliveries(database):
    """``deliveries()``: all of them, oldest first."""

    def read() -> list[AlertDelivery]:
        with database.read() as session:
            return list(session.exec(select(AlertDelivery).order_by(AlertDelivery.id)).all())

    return read


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def local(settings):
    """Settings by which loopback may be called."""
    return settings.model_copy(
        update={"outgoing_allowed_hosts": ["127.0.0.1"], "public_url": "https://assay.example/"}
    )


@pytest.fixture
def deliver(database, local):
    """``deliver()``: send everything that is due; how many attempts that took."""
    return lambda: deliver_due(database, local)


@pytest.fixture
def make_due(database):
    """``make_due()``: let the time pass until every pending delivery is due."""

    def change() -> None:
        with database.write() as session:
            session.execute(update(AlertDelivery).values(due_at=database_now(session) - timedelta(seconds=1)))

    return change
