"""A model, a server to be asked, endpoints, and rounds of a prober at any time."""

from __future__ import annotations

from concurrent.futures import wait
from datetime import datetime

import pytest
from sqlmodel import select

from app.db import database_now
from app.tables import Alert, Endpoint, Model, Probe
from app.uptime.prober import Prober
from tests.audits.conftest import plant
from tests.uptime.target import Target


@pytest.fixture
def settings(settings):
    """Loopback may be asked."""
    return settings.model_copy(update={"outgoing_allowed_hosts": ["127.0.0.1"]})


@pytest.fixture
def model(database) -> Model:
    with database.write() as session:
        return plant(session, "credit-default")[0]


@pytest.fixture
def target():
    target = Target()
    yield target
    target.stop()


@pytest.fixture
def endpoint(database, model, target):
    """``endpoint(**columns)``: the id of a stored endpoint, by default of ``target``."""

    def make(**columns) -> int:
        row = {
            "name": "scoring",
            "environment": "production",
            "url": target.url,
            "interval_seconds": 60,
            "timeout_seconds": 0.5,
            "expected_status": 200,
            "tolerance": 3,
            "created_by": "t",
        }
        with database.write() as session:
            stored = Endpoint(**{"model_id": model.id, "due_at": database_now(session), **row, **columns})
            session.add(stored)
            session.flush()
            return stored.id

    return make


@pytest.fixture
def ask(database, settings):
    """``ask(at)``: one round as if it were that time; waits until the answers are stored. How many were asked."""
    now: list[datetime] = []
    prober = Prober(database, settings, lambda session: now[0] if now else database_now(session))

    def round_(at: datetime | None = None) -> int:
        now[:] = [at] if at else []
        asked = prober.round()
        assert not wait(asked, 20).not_done
        return len(asked)

    yield round_
    prober._pool.shutdown()


@pytest.fixture
def probes(database):
    return lambda: _all(database, select(Probe).order_by(Probe.at))


@pytest.fixture
def alerts(database):
    return lambda: _all(database, select(Alert).order_by(Alert.id))


def _all(database, query):
    with database.read() as session:
        return list(session.exec(query).all())
