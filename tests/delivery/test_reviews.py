"""Who broke the glass is looked at by somebody else, in time or loudly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.db import utcnow
from app.delivery.upkeep import look_after
from app.tables import Alert, AuditLog, Deployment

pytestmark = pytest.mark.both_databases
URL = "/api/v1/deployments"
FOUND = {"outcome": "justified", "note": "the old version did not answer"}


@pytest.fixture
def broken(world):
    return world.deploy("1.0.0", "stable", by="admin", break_glass=True)


def test_another_person_reviews_once(broken, client, database):
    reviewed = client("reviewer").post(f"{URL}/{broken.id}/review", json=FOUND)
    assert reviewed.status_code == 200, reviewed.text
    told = reviewed.json()
    assert (told["reviewed_by"], told["review_outcome"], told["review_note"]) == ("test-reviewer", *FOUND.values())
    assert told["reviewed_at"] is not None
    again = client("owner").post(f"{URL}/{broken.id}/review", json=FOUND | {"outcome": "not_justified"})
    assert (again.status_code, again.json()["detail"]) == (
        409,
        f"test-reviewer has reviewed deployment {broken.id}: justified",
    )
    with database.read() as session:
        noted = session.exec(select(AuditLog).where(AuditLog.action == "deployment.review")).one()
        assert (noted.actor, noted.details["outcome"], noted.details["deployed_by"]) == (
            "test-reviewer",
            "justified",
            "test-admin",
        )


@pytest.mark.parametrize(
    ("role", "told"), [("admin", "test-admin broke the glass"), ("ci", 'This needs the scope "attest"')]
)
def test_who_broke_the_glass_and_no_machine_reviews(broken, client, database, role, told):
    refused = client(role).post(f"{URL}/{broken.id}/review", json=FOUND)
    assert refused.status_code == 403
    assert told in refused.json()["detail"]
    with database.read() as session:
        assert session.get(Deployment, broken.id).reviewed_at is None


def test_what_makes_no_sense_is_refused(world, broken, client):
    reviewer = client("reviewer")
    assert reviewer.post(f"{URL}/99/review", json=FOUND).status_code == 404
    assert reviewer.post(f"{URL}/{broken.id}/review", json={"outcome": "fine", "note": "x"}).status_code == 422
    assert reviewer.post(f"{URL}/{broken.id}/review", json={"outcome": "justified"}).status_code == 422
    world.decide("1.1.0")
    admitted = world.deploy("1.1.0")
    usual = reviewer.post(f"{URL}/{admitted.id}/review", json=FOUND)
    assert (usual.status_code, "did not go past the gate" in usual.json()["detail"]) == (409, True)


def overdue(database):
    with database.read() as session:
        return session.exec(select(Alert).where(Alert.event == "deployment.review_overdue")).all()


@pytest.mark.parametrize(
    ("due", "reviewed", "told"),
    [(timedelta(minutes=-1), False, 1), (timedelta(minutes=1), False, 0), (timedelta(minutes=-1), True, 0)],
)
def test_an_overdue_review_is_told_once(broken, client, database, due, reviewed, told):
    if reviewed:
        assert client("owner").post(f"{URL}/{broken.id}/review", json=FOUND).status_code == 200
    with database.write() as session:
        session.get_one(Deployment, broken.id).review_due_at = utcnow() + due
    for _ in range(2):
        look_after(database)
    alerts = overdue(database)
    assert len(alerts) == told
    if told:
        assert alerts[0].severity == "critical"
        assert f"assay deployments review {broken.id}" in alerts[0].body["lines"][1]
