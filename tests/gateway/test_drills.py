"""Rollback drills: the real way there and back under requests, which are no traffic."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.access.identity import ROLE_SCOPES, Identity
from app.delivery import drills, service
from app.delivery.schemas import DrillIn
from app.errors import Conflict
from app.gateway.probes import probe_of
from app.tables import Alert, Dataset, Deployment, Prediction, Version, VersionDataset
from tests.catalog import releases

CI = Identity("ci", "ci", ROLE_SCOPES["ci"])


@pytest.fixture(scope="module")
def staged(house, tmp_path_factory):
    """1.0.0, then 1.1.0 stable in staging, with test data to send requests from."""
    house.plant("credit-default", "1.0.0", "1.1.0")
    file = tmp_path_factory.mktemp("data") / "test.parquet"
    releases.frames()[1].to_parquet(file)
    stored = house.blobs.put_bytes(file.read_bytes())
    with house.database.write() as session:
        data = Dataset(digest=stored.digest, format="parquet", rows=1, columns={})
        session.add(data)
        session.flush()
        for version in session.exec(select(Version)):
            session.add(VersionDataset(version_id=version.id, role="test", dataset_id=data.id))
    house.put("credit-default", "1.0.0", "stable", "staging")
    house.put("credit-default", "1.1.0", "stable", "staging")
    return house


def run(house, probe=None):
    asked = DrillIn(model="credit-default")
    real = probe_of(house.gateway, house.database, house.blobs, house.settings, asked.model, asked.environment)
    return drills.run(house.database, asked, CI, probe or real)


def stable(house):
    with house.database.read() as session:
        query = select(Version.name).join(Deployment).where(Deployment.ended_at.is_(None))
        return session.exec(query).all()


def count(house, table):
    with house.database.read() as session:
        return len(session.exec(select(table)).all())


def test_a_drill_goes_there_and_back_and_loses_no_request(staged):
    told = count(staged, Alert)
    made = run(staged)
    assert (made.there, made.back, made.environment) == ("1.0.0", "1.1.0", "staging")
    assert made.error is None
    assert made.failed_requests == 0
    assert made.requests > 2
    assert 0 < made.there_seconds < 60
    assert 0 < made.back_seconds < 60
    assert stable(staged) == ["1.1.0"]
    staged.gateway.keeper.flush()
    assert count(staged, Prediction) == 0
    assert count(staged, Alert) == told


def test_failed_requests_are_counted_and_told(staged):
    answers = {"1.1.0": 0, "1.0.0": 0}

    def flaky():
        (name,) = stable(staged)
        answers[name] += 1
        if name == "1.0.0" and answers[name] == 1:
            raise Conflict("out of order")
        return name

    made = run(staged, flaky)
    assert made.failed_requests == 1
    assert made.error == "out of order"
    assert None not in {made.there_seconds, made.back_seconds}


def test_a_half_that_does_not_end_is_told_and_the_way_back_is_gone_all_the_same(staged, monkeypatch):
    monkeypatch.setattr(drills, "HALF_SECONDS", 1.0)

    def stuck():
        return "1.1.0"

    made = run(staged, stuck)
    assert made.there_seconds is None
    assert made.back_seconds is not None
    assert stable(staged) == ["1.1.0"]


def test_a_drill_blocks_nobody_and_never_goes_to_a_version_that_was_rolled_back_from(staged):
    with staged.database.write() as session:
        asked = service.RollbackIn(model="credit-default", environment="staging", reason="x")
        assert service.roll_back(session, asked, CI).kind == "rollback"
    assert stable(staged) == ["1.0.0"]
    with pytest.raises(Conflict, match="known to be good"):
        run(staged)
