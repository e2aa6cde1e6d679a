"""Drills, latencies and training runs, from the database into the attempt's evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.audits.attempt import Attempt, Subject
from app.audits.planning.operation import operation_of
from app.audits.providers import Evidence
from app.db import utcnow
from app.delivery.places import Place, take
from app.engines.prediction_log import Row
from app.monitoring.predictions import Destination, store_rows
from app.tables import Audit, Blob, HandedInEvidence, RollbackDrill, Version
from checks.contract import Missing
from checks.operation import PerformanceHistory, RollbackDrills
from tests.gate import planted

pytestmark = pytest.mark.both_databases
NOW = utcnow()


@pytest.fixture
def world(database, blobs):
    """1.0.0, replaced by 1.1.0; both answered in production, 1.1.0 half as fast."""
    with database.write() as session:
        model = planted.model(session)
        old, new = planted.version(session, model, "1.0.0"), planted.version(session, model, "1.1.0")
        for version in (old, new):
            version.manifest = {
                "features": [{"name": "x", "type": "number"}],
                "columns": {},
                "model": {"name": model.name},
            }
            session.add(version)
    for version, days, latency in ((old, 5, 10.0), (new, 1, 20.0)):
        with database.write() as session:
            place = Place(model, version, "production", "stable", "promote", "break_glass", "x", "y")
            take(session, place, NOW - timedelta(days=days))
        to = Destination(model, version, "production", "stable", "gateway", "x")
        at = (NOW - timedelta(days=days)).replace(second=0)  # sixty answers in the first minute
        times = [at + timedelta(seconds=i) for i in range(90)]
        rows = [Row(f"{version.name}-{i}", time, {"x": 1.0}, 1, latency_ms=latency) for i, time in enumerate(times)]
        store_rows(database, blobs, to, rows)
    return model, old, new


def evidence_of(database, blobs, version, environment="production"):
    audit = Audit(
        model_id=version.model_id,
        version_id=version.id,
        environment=environment,
        checks=[],
        trigger="ci",
        actor="x",
        automatic=True,
        progress={},
    )
    with database.read() as session:
        operation = operation_of(session, audit, blobs, NOW - timedelta(days=2), NOW)
    return Evidence(Attempt(checks=[], subject=Subject(manifest=version.manifest), operation=operation))


def test_the_version_is_seen_beside_the_one_that_served_before_it(world, database, blobs):
    _, _, new = world
    history = evidence_of(database, blobs, new).get(PerformanceHistory).value
    assert (history.current.version, history.previous.version) == ("1.1.0", "1.0.0")
    assert set(history.current.latency_ms) == {20.0}
    assert set(history.previous.latency_ms) == {10.0}
    assert history.current.per_second == pytest.approx(1.0)
    assert set(history.daily_p95_ms.values()) == {10.0, 20.0}


@pytest.mark.parametrize(
    ("automatic", "commit", "cap"),
    [(True, "3f2a91c", None), (True, None, "cannot be tied"), (False, "3f2a91c", "does not have the ci role")],
)
@pytest.mark.parametrize("whose", [1, 2], ids=["previous", "current"])
def test_training_runs_are_read_as_they_were_handed_in(world, database, blobs, whose, automatic, commit, cap):
    _, _, new = world
    stored = blobs.put_bytes(b'{"seconds": 12.5, "memory_mb": 300}')
    with database.write() as session:
        session.add(Blob(digest=stored.digest, size=stored.size))
        session.get_one(Version, world[whose].id).commit = "3f2a91c"
        session.flush()
        given = {"kind": "training-run", "filename": "run.json", "actor": "ci"}
        row = {"version_id": world[whose].id, "digest": stored.digest, "automatic": automatic, "commit": commit}
        session.add(HandedInEvidence(**given, **row))
    provided = evidence_of(database, blobs, new).get(PerformanceHistory)
    seen = (provided.value.previous, provided.value.current)[whose - 1]
    assert (seen.training_seconds, seen.training_memory_mb) == ((12.5,), (300.0,))
    assert (provided.cap is None) if cap is None else (cap in provided.cap)


def test_nothing_logged_is_missing(world, database, blobs):
    _, _, new = world
    with pytest.raises(Missing, match="logged latencies"):
        evidence_of(database, blobs, new, "staging").get(PerformanceHistory)


def test_drills_of_any_environment_count_newest_first(world, database, blobs):
    model, old, new = world
    with pytest.raises(Missing, match="a rollback drill"):
        evidence_of(database, blobs, new).get(RollbackDrills)
    with database.write() as session:
        for days in (200, 9, 3, 0):
            session.add(
                RollbackDrill(
                    model_id=model.id,
                    environment="staging",
                    from_version_id=new.id,
                    to_version_id=old.id,
                    there_seconds=1.0,
                    back_seconds=2.0,
                    requests=50,
                    actor="ci",
                    automatic=True,
                    started_at=NOW - timedelta(days=days),
                    ended_at=NOW if days else None,  # the newest goes on still
                )
            )
    drills = evidence_of(database, blobs, new).get(RollbackDrills).value.drills
    assert [(NOW - drill.started_at).days for drill in drills] == [3, 9]
    assert (drills[0].there, drills[0].back, drills[0].environment) == ("1.0.0", "1.1.0", "staging")
