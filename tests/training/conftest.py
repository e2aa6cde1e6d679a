"""A pipeline that made a model's version, a trainer for it, audits that find things, a receiver on loopback."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from app.alerts.deliverer import wires_of
from app.audits import ledger
from app.db import database_now
from app.tables import Alert, Audit, Pipeline, TrainingRequest, Version
from app.training import service
from app.training.schemas import TrainerIn
from app.training.upkeep import look_after
from tests.alerts.receiver import Receiver
from tests.audits.conftest import plant

MODEL, PIPELINE, WHERE = "credit-default", "credit-training", "production"


@pytest.fixture
def local(settings):
    """Settings by which loopback may be called."""
    return settings.model_copy(update={"outgoing_allowed_hosts": ["127.0.0.1"]})


@pytest.fixture
def receiver():
    found = Receiver()
    found.verify = False
    yield found
    found.close()


@pytest.fixture
def version(database) -> Version:
    """Version 1.0.0, made by the pipeline."""
    with database.write() as session:
        pipeline = Pipeline(name=PIPELINE, created_by="tests")
        session.add(pipeline)
        session.flush()
        return plant(session, MODEL, pipeline_id=pipeline.id, artifact_digest="a" * 64)[1]


@pytest.fixture
def trainer(database, local, version, identity, receiver):
    """``trainer(causes=[...])``: set it; by default a webhook at ``receiver`` for production."""

    def make(pipeline=PIPELINE, by="ci", **changes):
        given = {"target": {"kind": "webhook", "url": receiver.url}, "models": [MODEL], "environments": [WHERE]}
        with database.write() as session:
            return service.set_trainer(session, pipeline, TrainerIn(**given | changes), identity(by), local)

    return make


@pytest.fixture
def find(database, settings, version):
    """``find({"MON-7": "fail"}, environment=...)``: an audit that found this, noted as audits are."""

    def run(found, environment=WHERE, **_) -> int:
        with database.write() as session:
            columns = {"trigger": "schedule", "actor": "scheduler", "automatic": True, "progress": {}}
            row = Audit(model_id=version.model_id, version_id=version.id, checks=list(found), **columns)
            row.environment = environment
            row.status, row.worker, row.fence, row.attempts = (
                "running",
                "w",
                1,
                1,
            )  # no worker of the test takes it up
            row.lease_until = database_now(session) + timedelta(seconds=settings.lease_seconds)
            session.add(row)
        claim = ledger.Claim(row.id, 1, "w", 1)
        empty = {"remedy": "", "measured": {}, "thresholds": {}, "exhibits": [], "inputs": {}, "seconds": 0.0}
        rows = [{"check_id": k, "verdict": v, "reason": f"{k} says {v}.", **empty} for k, v in found.items()]
        ledger.finish(database, claim, rows)
        return claim.audit_id

    return run


@pytest.fixture
def work_on(database, local):
    """``work_on()``: raise, send and follow until nothing is left to do now."""

    def run() -> None:
        wires = wires_of(local)
        for _ in range(50):
            if not look_after(database, local, wires):
                return
        raise AssertionError("it does not come to rest")

    return run


@pytest.fixture
def requests(database):
    """``requests()``: all of them, oldest first."""

    def read() -> list[TrainingRequest]:
        with database.read() as session:
            return list(session.exec(select(TrainingRequest).order_by(col(TrainingRequest.id))))

    return read


@pytest.fixture
def told(database):
    """``told()``: (event, title, lines) of every alert about training, oldest first."""

    def read() -> list[tuple[str, str, list[str]]]:
        with database.read() as session:
            rows = session.exec(select(Alert).where(col(Alert.event).like("training.%")).order_by(col(Alert.id)))
            return [(row.event, row.title, row.body["lines"]) for row in rows]

    return read


@pytest.fixture
def make_due(database):
    """``make_due()``: let the time pass until everything that waits to be sent is due."""

    def change() -> None:
        with database.write() as session:
            waiting = update(TrainingRequest).where(col(TrainingRequest.status) == "pending")
            session.execute(waiting.values(due_at=database_now(session) - timedelta(seconds=1)))

    return change
