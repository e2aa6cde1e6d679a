"""Subscriptions and alerts as their services make them."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.alerts.outbox import raise_alert
from app.tables import AlertDelivery, Subscription


@pytest.fixture
def subscribe(database):
    """``subscribe(**columns)``: the id of a stored subscription, by default a webhook for everything."""

    def make(**columns) -> int:
        defaults = {"name": "ops", "channel": "webhook", "target": "https://hooks.example/x", "created_by": "t"}
        row = Subscription(**defaults | {"events": [], "secret": "whsec_" + "A" * 32} | columns)
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
