"""Whoever is in a team is told only while the team may see what the alert is about."""

import pytest

from app.access import teams
from app.access.service import create_token
from app.access.teams import Target
from app.tables import Subscription
from tests.scorecards import stored

pytestmark = pytest.mark.both_databases

ADA = {"bound": True, "created_by": "ada"}


@pytest.fixture
def granted(database):
    """The id of a model of another team than Ada's, which was granted to hers."""
    with database.write() as session:
        for name in ("own", "other"):
            teams.create(session, name, "tests")
        teams.add(session, "own", "ada", "owner", "tests")
        model = stored.model(session, "credit", owner="other")
        teams.take(session, "other", "model", "credit", "tests")
        teams.grant(session, "own", Target(model="credit"), "reviewer", "tests")
        return model.id


def revoke(session):
    teams.revoke(session, "own", Target(model="credit"), "tests")


def lessen(session):
    teams.grant(session, "own", Target(model="credit"), "viewer", "tests")


def leave(session):
    teams.remove(session, "own", "ada", "tests")


@pytest.mark.parametrize("end", [revoke, lessen, leave])
def test_nobody_is_told_of_what_they_may_not_subscribe_to_any_more(
    end, granted, database, subscribe, tell, deliver, deliveries, receiver
):
    subscribe(model_id=granted, target=receiver.url, **ADA)
    tell(model_id=granted)
    assert deliver() == 1
    tell(model_id=granted)
    with database.write() as session:
        end(session)
    assert deliver() == 0
    assert len(receiver.got) == 1
    assert [one.status for one in deliveries()] == ["delivered", "dead"]
    assert "ada subscribed, and may no longer" in deliveries()[1].error


def test_what_is_given_back_is_told_of_again(granted, database, subscribe, tell, deliver, receiver):
    subscribe(model_id=granted, target=receiver.url, **ADA)
    with database.write() as session:
        revoke(session)
    tell(model_id=granted)
    assert deliver() == 0
    with database.write() as session:
        teams.take(session, "own", "model", "credit", "tests")
    tell(model_id=granted)
    assert deliver() == 1


def test_the_organisations_are_told_whoever_made_them_is_in(granted, subscribe, tell, deliver, receiver):
    subscribe(target=receiver.url, created_by="ada")
    tell(model_id=granted)
    assert deliver() == 1


@pytest.mark.parametrize("bound", [True, False])
def test_subscribing_says_which_it_is(granted, database, client, bound):
    with database.write() as session:
        made = {"name": "ada" if bound else "bo", "role": "owner", "created_by": "tests"}
        _, secret = create_token(session, **made, bound=bound)
    body = {"name": "ops", "channel": "webhook", "target": "https://93.184.215.14/x", "model": "credit"}
    headers = {"Authorization": f"Bearer {secret}"}
    answer = client(None).post("/api/v1/subscriptions", json=body, headers=headers)
    assert answer.status_code == 201
    with database.read() as session:
        row = session.get_one(Subscription, answer.json()["id"])
    assert row.bound is bound
