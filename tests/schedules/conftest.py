"""A registered model, schedules of it that were set some time ago, deployments, and what became of slots."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.db import utcnow
from app.schedules import leader
from app.tables import Alert, Audit, Deployment, Model, Schedule, ScheduleSlot, Version
from tests.audits.conftest import plant


@pytest.fixture
def planted(database) -> tuple[Model, Version]:
    with database.write() as session:
        return plant(session)


@pytest.fixture
def scheduled(database, planted):
    """``scheduled(cron, age)``: the id of a schedule that was set ``age`` ago."""

    def make(cron="* * * * *", age=timedelta(hours=3), model=planted[0], **columns):
        with database.write() as session:
            row = Schedule(model_id=model.id, cron=cron, created_at=utcnow() - age, **columns)
            session.add(row)
            session.flush()
            return row.id

    return make


@pytest.fixture
def serve(database, planted):
    """``serve(version, role)``: put a version of the planted model into production."""

    def make(version=planted[1], role="stable", environment="production", **columns):
        given = {"stage": "promote", "kind": "decision", "reason": "r", "actor": "a"} | columns
        with database.write() as session:
            row = Deployment(
                model_id=version.model_id, version_id=version.id, environment=environment, role=role, **given
            )
            session.add(row)
            session.flush()
            return row.id

    return make


@pytest.fixture
def follow(database, settings):
    """``follow(id)`` at the time ``at`` (default: now)."""

    def make(schedule_id, at=None):
        clock = leader.database_now if at is None else (lambda _: at)
        return leader.follow(database, schedule_id, settings, clock)

    return make


@pytest.fixture
def slots(database):
    return lambda: _all(database, select(ScheduleSlot).order_by(ScheduleSlot.slot))


@pytest.fixture
def audits(database):
    return lambda: _all(database, select(Audit).order_by(Audit.id))


@pytest.fixture
def alerts(database):
    return lambda: _all(database, select(Alert).order_by(Alert.id))


def _all(database, query):
    with database.read() as session:
        return session.exec(query).all()
