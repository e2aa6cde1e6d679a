"""A canary's time, from deployments and the gateway's records into evidence; the runtime, with a real model."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from app.audits.attempt import Attempt, DataFile, File, Subject, Traffic
from app.audits.planning.canary import canary_of
from app.audits.providers import Evidence
from app.db import utcnow
from app.engines.prediction_log import Row
from app.monitoring.predictions import Destination, store_rows
from app.monitoring.requests import Counted, count_requests
from app.tables import Audit, Deployment
from checks.canaries import CanaryTraffic, ServedHoldout
from checks.contract import Missing
from checks.evidence import HoldoutPredictions
from tests.catalog import releases
from tests.gate import planted

NOW = utcnow()


def hours(number: float):
    return NOW - timedelta(hours=number)


@pytest.fixture
def world(database, blobs):
    """1.0.0 stable since ten days, 1.1.0 a canary from six to four and since two hours; verbs to plant more."""
    with database.write() as session:
        model = planted.model(session)
        old, new = planted.version(session, model, "1.0.0"), planted.version(session, model, "1.1.0")
        for version in (old, new):
            version.manifest = {
                "columns": {},
                "features": [{"name": "x", "type": "number"}],
                "model": {"name": model.name},
            }
            session.add(version)

    def deploy(version, role, start, end=None, environment="production"):
        given = {"environment": environment, "role": role, "started_at": start, "ended_at": end}
        about = {"stage": "admit", "kind": "decision", "reason": "x", "actor": "y"}
        with database.write() as session:
            session.add(Deployment(model_id=model.id, version_id=version.id, **given, **about))

    def serve(version, role, at, requests=10, errors=1, latency=5.0, source="gateway"):
        """Requests of two rows each."""
        to = Destination(model, version, "production", role, source, "x")
        name = f"{version.name}-{role}-{at.isoformat()}-{source}"
        rows = [
            Row(f"{name}-{i}", at + timedelta(seconds=i // 2), {"x": 1.0}, 1, latency_ms=latency + i // 2)
            for i in range(2 * (requests - errors))
        ]
        store_rows(database, blobs, to, rows)
        if source == "gateway":
            count_requests(database, to, name, Counted(requests, errors, at, at + timedelta(seconds=requests)))

    def evidence(version=new, environment="production"):
        about = {"checks": [], "trigger": "ci", "actor": "x", "automatic": True, "progress": {}}
        audit = Audit(model_id=model.id, version_id=version.id, environment=environment, **about)
        with database.read() as session:
            facts = canary_of(session, audit, blobs, NOW)
        return Evidence(Attempt(checks=[], subject=Subject(manifest=version.manifest), canary=facts))

    deploy(old, "stable", hours(240))
    deploy(new, "canary", hours(6), hours(4))
    deploy(new, "canary", hours(2))
    return SimpleNamespace(model=model, old=old, new=new, deploy=deploy, serve=serve, evidence=evidence)


@pytest.mark.both_databases
def test_only_what_was_served_at_the_canarys_times_counts(world):
    for at in (hours(5), hours(1)):
        world.serve(world.new, "canary", at)
        world.serve(world.old, "stable", at, requests=40, errors=0, latency=3.0)
    world.serve(world.old, "stable", hours(3), requests=7)  # between the canary's times
    world.serve(world.old, "stable", hours(9), requests=7)
    world.serve(world.old, "shadow", hours(1), requests=7)
    world.serve(world.old, "canary", hours(1), requests=7)  # another version tried at the same time
    world.serve(world.new, "stable", hours(1), requests=7)
    world.serve(world.old, "stable", hours(0.9), requests=7, source="push")  # of which nobody knows the errors
    made = world.evidence().get(CanaryTraffic).value
    assert (made.environment, made.start, made.end) == ("production", hours(6), NOW)
    assert (made.canary.requests, made.canary.errors, len(made.canary.latency_ms)) == (20, 2, 18)
    assert (made.stable.requests, made.stable.errors, len(made.stable.latency_ms)) == (80, 0, 80)
    assert set(made.stable.latency_ms) == {3.0 + i for i in range(40)}


@pytest.mark.both_databases
def test_where_nothing_was_stable_there_is_nothing_beside_it(world):
    world.deploy(world.new, "canary", hours(1), environment="staging")
    world.deploy(world.old, "stable", hours(5), hours(3), environment="staging")
    assert world.evidence(environment="staging").get(CanaryTraffic).value.stable is None
    world.deploy(world.old, "stable", hours(0.5), environment="staging")
    assert world.evidence(environment="staging").get(CanaryTraffic).value.stable.requests == 0


@pytest.mark.both_databases
def test_no_canary_there_is_missing(world):
    for version, environment in ((world.old, "production"), (world.new, "staging")):
        with pytest.raises(Missing, match="a canary of this version"):
            world.evidence(version, environment).get(CanaryTraffic)
    world.deploy(world.old, "canary", hours(24 * 100), hours(24 * 91))
    with pytest.raises(Missing, match="a canary of this version"):
        world.evidence(world.old).get(CanaryTraffic)


# --- the runtime ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return releases.with_skops(tmp_path_factory.mktemp("release"))


def attempt(release, test=None, artifact=None, environment=True, **changes):
    made, files = release
    traffic = Traffic(environment="production", start=hours(1), end=NOW) if environment else None
    artifact = artifact or files["artifact"]
    file = File(path=str(artifact), format="skops", digest="a" * 64)
    subject = Subject(manifest={**made, **changes}, model_class="LogisticRegression", artifact=file)
    data = DataFile(path=str(test or files["test"]), format="parquet", digest="b" * 64)
    limits = {"prediction_memory_mb": 4096, "prediction_seconds": 60}
    return Evidence(Attempt(checks=[], subject=subject, datasets={"test": data}, traffic=traffic, serving=limits))


def test_the_runtime_answers_every_row_as_offline(release):
    evidence = attempt(release)
    served, offline = evidence.get(ServedHoldout).value, evidence.get(HoldoutPredictions).value
    assert served.problem is None
    assert served.answered.tolist() == served.asked.tolist() == list(range(len(offline.label)))
    assert served.predictions.label.tolist() == offline.label.tolist()
    assert np.array_equal(served.predictions.proba, offline.proba)
    assert list(served.predictions.classes) == list(offline.classes)
    assert evidence.get(ServedHoldout).inputs == {"artifact": "a" * 64, "test": "b" * 64}


def test_rows_that_the_door_refuses_are_left_out_alone(release, tmp_path):
    frame = releases.frames()[1].copy()
    frame.loc[[3, 200], releases.FEATURES[0]] = np.nan
    frame.to_parquet(tmp_path / "gaps.parquet")
    features = [{"name": name, "type": "number", "nullable": False} for name in releases.FEATURES]
    served = attempt(release, tmp_path / "gaps.parquet", features=features).get(ServedHoldout).value
    assert sorted(set(served.asked) - set(served.answered)) == [3, 200]
    assert len(served.predictions.label) == len(frame) - 2


def test_a_model_that_the_runtime_cannot_hold_in_its_memory_is_told(release):
    evidence = attempt(release)
    evidence._attempt.serving["prediction_memory_mb"] = 64
    problem = evidence.get(ServedHoldout).value.problem
    assert "The model" in problem


def test_without_an_environment_the_runtime_is_not_asked(release):
    with pytest.raises(Missing, match="an environment"):
        attempt(release, environment=False).get(ServedHoldout)
