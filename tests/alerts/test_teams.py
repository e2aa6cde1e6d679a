"""Whoever is in a team is told only while the team may see what the alert is about."""

import pytest
from sqlmodel import select

from app.access import teams
from app.access.service import create_token
from app.access.team_queries import team_named
from app.access.teams import Target
from app.alerts import service
from app.tables import Model, Subscription
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


@pytest.fixture
def own(database, granted):
    """The id of the team "own", which has the model "scoring"."""
    with database.write() as session:
        stored.model(session, "scoring", owner="own")
        teams.take(session, "own", "model", "scoring", "tests")
        return team_named(session, "own").id


def model_id(database, name):
    with database.read() as session:
        return session.exec(select(Model.id).where(Model.name == name)).one()


@pytest.mark.parametrize("whose", [ADA, {"created_by": "the organisation"}])
def test_a_teams_subscription_is_told_of_what_the_team_has_when_it_happens(
    own, granted, whose, database, subscribe, tell, deliver, receiver
):
    subscribe(team_id=own, target=receiver.url, **whose)
    tell(model_id=model_id(database, "scoring"))
    tell(model_id=granted)  # another team's, though granted
    tell()  # of no model
    assert deliver() == 1
    with database.write() as session:
        teams.take(session, "own", "model", "credit", "tests")
        teams.take(session, "other", "model", "scoring", "tests")
    tell(model_id=granted)
    tell(model_id=model_id(database, "scoring"))
    assert deliver() == 1
    assert [one["data"]["model"] for _, one in receiver.got] == ["scoring", "credit"]


def test_it_ends_with_the_membership_and_with_the_model(
    own, database, subscribe, tell, deliver, deliveries, receiver
):
    subscribe(team_id=own, target=receiver.url, **ADA)
    scoring = model_id(database, "scoring")
    tell(model_id=scoring)
    with database.write() as session:
        teams.take(session, "other", "model", "scoring", "tests")  # after it happened, before it is told
    assert deliver() == 0
    with database.write() as session:
        teams.take(session, "own", "model", "scoring", "tests")
        leave(session)
    tell(model_id=scoring)
    assert deliver() == 0
    assert [one.status for one in deliveries()] == ["dead", "dead"]


@pytest.fixture
def ask(database, client):
    """``ask("ada", method, path)``: as a member of "own", for whoever else is named as of "other"."""
    http = client(None)

    def send(name, method, path, **more):
        with database.write() as session:
            if name != "ada":
                teams.add(session, "other", name, "owner", "tests")
            made = {"name": name, "role": "owner", "created_by": "tests"}
            _, secret = create_token(session, **made, bound=True)
        return http.request(method, f"/api/v1{path}", headers={"Authorization": f"Bearer {secret}"}, **more)

    return send


BODY = {"name": "ops", "channel": "webhook", "target": "https://93.184.215.14/x", "team": "own"}


def test_a_member_subscribes_to_the_team_tests_it_and_others_do_not_see_it(own, ask):
    made = ask("ada", "POST", "/subscriptions", json=BODY)
    assert (made.status_code, made.json()["team"], made.json()["model"]) == (201, "own", None), made.text
    path = f"/subscriptions/{made.json()['id']}"
    tested = ask("ada", "POST", f"{path}/test")
    assert tested.status_code == 201, tested.text
    alert = tested.json()
    assert [one["subscription"] for one in alert["deliveries"]] == ["ops"]
    looked = (path, "/subscriptions", f"/alerts/{alert['id']}", "/alerts", "/alert-deliveries")
    assert all("ops" in ask("ada", "GET", one).text for one in looked)
    for_others = [ask("bo", "GET", one) for one in looked]
    assert not [one for one in for_others if "ops" in one.text]
    assert ask("bo", "DELETE", path).status_code == 404
    assert ask("ada", "DELETE", path).status_code == 204


def test_a_test_of_it_is_delivered_while_its_maker_is_in(own, database, subscribe, deliver, receiver, identity):
    one = subscribe(team_id=own, target=receiver.url, **ADA)
    for expected in (1, 0):
        with database.write() as session:
            service.send_test(session, one, identity("admin"), None)
        assert deliver() == expected
        with database.write() as session:
            if expected:
                leave(session)


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"team": "other"}, 404, "no team 'other'"),  # not theirs
        ({"team": "owm"}, 404, "own"),
        ({"model": "scoring"}, 422, "either a model or a team"),
        ({"team": None}, 403, ""),
    ],
)
def test_what_a_member_cannot_subscribe_to(own, ask, changes, status, told):
    answer = ask("ada", "POST", "/subscriptions", json=BODY | changes)
    assert answer.status_code == status, answer.text
    assert told in answer.text


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
