"""Rollback drills: the real way there and back under requests, which are no traffic."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select, update

from app.access.identity import ROLE_SCOPES, Identity
from app.db import utcnow
from app.delivery import drills, service
from app.delivery.schemas import DrillIn
from app.delivery.upkeep import look_after
from app.errors import Conflict
from app.gateway.probes import probe_of
from app.tables import Alert, Dataset, Deployment, Prediction, RollbackDrill, Version, VersionDataset
from tests.catalog import releases
from tests.gateway.conftest import deploy, plant

CI = Identity("ci", "ci", ROLE_SCOPES["ci"])


def stage_drill(house, folder) -> None:
    """1.0.0, then 1.1.0 stable in staging, with test data to send requests from."""
    plant(house.database, house.blobs, folder, "credit-default", "1.0.0", "1.1.0")
    file = folder / "holdout.parquet"
    releases.frames()[1].to_parquet(file)
    stored = house.blobs.put_bytes(file.read_bytes())
    with house.database.write() as session:
        data = Dataset(digest=stored.digest, format="parquet", rows=1, columns={})
        session.add(data)
        session.flush()
        for version in session.exec(select(Version)):
            session.add(VersionDataset(version_id=version.id, role="test", dataset_id=data.id))
    for version in ("1.0.0", "1.1.0"):
        deploy(house.database, "credit-default", version, "stable", "staging")


@pytest.fixture(scope="module")
def staged(house, tmp_path_factory):
    stage_drill(house, tmp_path_factory.mktemp("staged"))
    return house


def run(house, probe=None, lease=drills.LEASE):
    asked = DrillIn(model="credit-default")
    real = probe_of(house.gateway, house.database, house.blobs, house.settings, asked.model, asked.environment)
    return drills.run(house.database, asked, CI, probe or real, lease)


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
    assert made.requests >= 20
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


def cut_off(house, *, away: bool):
    """A drill as a process leaves it that was killed on its way; its row's id."""
    with house.database.write() as session:
        old, new = session.exec(select(Version).order_by(Version.id)).all()
        lease = utcnow() - timedelta(seconds=1)
        row = RollbackDrill(
            model_id=new.model_id,
            environment="staging",
            from_version_id=new.id,
            to_version_id=old.id,
            actor="ci",
            automatic=True,
            lease_until=lease,
        )
        session.add(row)
        session.flush()
        if away:
            drills.put(session, row, old, CI)
        return row.id


def drill_row(house, drill_id):
    with house.database.read() as session:
        return session.get_one(RollbackDrill, drill_id)


@pytest.mark.parametrize("away", [True, False])
def test_a_drill_that_was_cut_off_is_ended_once_wherever_it_was(staged, away):
    told, one = count(staged, Alert), cut_off(staged, away=away)
    assert stable(staged) == ["1.0.0" if away else "1.1.0"]
    for _ in range(2):
        look_after(staged.database)
    assert stable(staged) == ["1.1.0"]
    assert ("was put back" if away else "had not been left") in drill_row(staged, one).error
    assert count(staged, Alert) == told + 1


def test_somebody_elses_deployment_is_left_where_a_drill_was_cut_off(staged):
    one = cut_off(staged, away=True)
    staged.put("credit-default", "1.0.0", "stable", "staging")
    look_after(staged.database)
    assert stable(staged) == ["1.0.0"]
    assert "had not been left" in drill_row(staged, one).error
    staged.put("credit-default", "1.1.0", "stable", "staging")


def test_a_drill_that_lives_is_left_alone_and_no_second_one_begins(staged):
    seen = []

    def watched():
        if not seen:
            look_after(staged.database)
            with pytest.raises(Conflict, match="a drill of credit-default goes on in staging"):
                run(staged)
            seen.append(True)
        return stable(staged)[0]

    made = run(staged, watched)
    assert seen
    assert (made.error, made.failed_requests) == (None, 0)
    assert made.ended_at is not None


def test_a_drill_that_was_taken_for_dead_does_not_go_on(staged, monkeypatch):
    def asleep():
        with staged.database.write() as session:
            session.execute(update(RollbackDrill).values(lease_until=utcnow() - timedelta(seconds=1)))
        look_after(staged.database)
        return "nobody"

    made = run(staged, asleep, timedelta(seconds=0.1))
    assert "ended midway" in made.error
    assert stable(staged) == ["1.1.0"]


def test_a_drill_blocks_nobody_and_never_goes_to_a_version_that_was_rolled_back_from(staged):
    with staged.database.write() as session:
        asked = service.RollbackIn(model="credit-default", environment="staging", reason="x")
        assert service.roll_back(session, asked, CI).kind == "rollback"
    assert stable(staged) == ["1.0.0"]
    with pytest.raises(Conflict, match="known to be good"):
        run(staged)
