"""Who is in which team, and what that lets them do."""

import pytest
from sqlmodel import select

from app.access import service, teams
from app.access.identity import MEMBER, ROLE_SCOPES
from app.access.service import Holder
from app.access.teams import Target
from app.db import utcnow
from app.errors import Conflict, Invalid, NotFound
from app.tables import AuditLog, Model, Team
from tests.scorecards import stored

pytestmark = pytest.mark.both_databases


@pytest.fixture
def organisation(database):
    """Two teams with a model each, and one of nobody's: ids by name."""
    with database.write() as session:
        rows = [teams.create(session, name, "tests") for name in ("credit", "fraud")]
        for team, name in zip((*rows, None), ("credit-default", "card-fraud", "churn"), strict=True):
            rows.append(stored.model(session, name, team_id=team.id if team else None))
        return {row.name: row.id for row in rows}


def member(database, *, role="owner", team="credit", name="ada", **given):
    with database.write() as session:
        teams.add(session, team, name, role, "tests")
        _, secret = service.create_token(session, name=name, created_by="tests", role="owner", bound=True, **given)
    return secret


def who(database, secret):
    with database.read() as session:
        return service.authenticate(session, secret, utcnow())


def test_a_member_has_the_scopes_of_the_role_in_that_team_alone(database, organisation):
    ada = who(database, member(database, role="reviewer"))
    assert ada.reach.teams == {organisation["credit"]: ROLE_SCOPES["reviewer"] & ROLE_SCOPES["owner"]}
    assert ada.scopes == ROLE_SCOPES["reviewer"] & ROLE_SCOPES["owner"]


def test_whoever_is_bound_to_nothing_has_the_whole_organisation(database, organisation):
    with database.write() as session:
        _, secret = service.create_token(session, name="robot", role="ci", created_by="tests")
    assert who(database, secret).reach is None


def test_in_no_team_what_is_bound_opens_nothing(database, organisation):
    secret = member(database)
    with database.write() as session:
        teams.remove(session, "credit", "ada", "tests")
    left = who(database, secret)
    assert (left.scopes, left.reach.teams) == (frozenset(), {})


def test_joining_a_team_binds_what_was_open_before_but_no_administrator(database, organisation):
    with database.write() as session:
        made = {"name": "robot", "created_by": "tests"}
        _, ci = service.create_token(session, role="ci", **made)
        _, admin = service.create_token(session, role="admin", **made)
        teams.add(session, "credit", "robot", "ci", "tests")
    assert set(who(database, ci).reach.teams) == {organisation["credit"]}
    assert who(database, admin).reach is None


def test_a_narrow_token_stays_narrow_in_every_team(database, organisation):
    assert who(database, member(database, scopes=["read"])).scopes == {"read"}


def test_a_person_is_another_in_another_team(database, organisation):
    with database.write() as session:
        teams.add(session, "credit", "bo", "reviewer", "tests")
        teams.add(session, "fraud", "bo", "viewer", "tests")
        bo, _ = service.open_session(session, Holder("bo", MEMBER), service.SESSION_LIFE, "tests")
    assert bo.reach.teams == {
        organisation["credit"]: ROLE_SCOPES["reviewer"],
        organisation["fraud"]: ROLE_SCOPES["viewer"],
    }


def test_a_grant_gives_its_role_and_nobody_more_than_at_home(database, organisation):
    owner, viewer = member(database), member(database, name="vi", role="viewer")
    with database.write() as session:
        teams.grant(session, "credit", Target(model="card-fraud"), "reviewer", "tests")
    card = organisation["card-fraud"]
    assert who(database, owner).reach.models == {card: ROLE_SCOPES["reviewer"] & ROLE_SCOPES["owner"]}
    assert who(database, viewer).reach.models == {card: {"read"}}
    with database.write() as session:
        teams.revoke(session, "credit", Target(model="card-fraud"), "tests")
        teams.grant(session, "credit", Target(team="fraud"), "viewer", "tests")
    reach = who(database, owner).reach
    assert (reach.models, reach.teams[organisation["fraud"]]) == ({}, {"read"})


def test_a_new_team_gets_what_names_it_as_owner_and_belongs_to_nobody(database, organisation):
    with database.write() as session:
        stored.model(session, "late", owner="risk@example.com")
        stored.model(session, "taken", owner="risk@example.com", team_id=organisation["fraud"])
        made = teams.create(session, "risk@example.com", "tests")
        owned = session.exec(select(Model.name).where(Model.team_id == made.id)).all()
    assert owned == ["late"]


def test_a_model_goes_to_another_team(database, organisation):
    with database.write() as session:
        teams.take(session, "fraud", "model", "churn", "tests")
        assert session.get(Model, organisation["churn"]).team_id == organisation["fraud"]
        teams.take(session, None, "model", "churn", "tests")
        assert session.get(Model, organisation["churn"]).team_id is None


def test_every_change_is_in_the_audit_log_with_before_and_after(database, organisation):
    with database.write() as session:
        teams.add(session, "credit", "ada", "viewer", "eve")
        teams.add(session, "credit", "ada", "owner", "eve")
        teams.remove(session, "credit", "ada", "eve")
        teams.grant(session, "credit", Target(team="fraud"), "viewer", "eve")
        teams.revoke(session, "credit", Target(team="fraud"), "eve")
        teams.take(session, "credit", "model", "churn", "eve")
    with database.read() as session:
        rows = session.exec(select(AuditLog).where(AuditLog.actor == "eve").order_by(AuditLog.id)).all()
    told = [(row.action, row.details["before"], row.details["after"]) for row in rows]
    viewer, owner = {"role": "viewer"}, {"role": "owner"}
    assert told == [
        ("team.add", None, viewer | {"bound": False}),
        ("team.add", viewer, owner | {"bound": False}),
        ("team.remove", owner, None),
        ("team.grant", None, viewer),
        ("team.revoke", viewer, None),
        ("model.take", {"team": None}, {"team": "credit"}),
    ]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda s: teams.create(s, "credit", "x"), Conflict),
        (lambda s: teams.create(s, " ", "x"), Invalid),
        (lambda s: teams.add(s, "credi", "ada", "owner", "x"), NotFound),
        (lambda s: teams.add(s, "credit", "ada", "admin", "x"), Invalid),
        (lambda s: teams.remove(s, "credit", "nobody", "x"), NotFound),
        (lambda s: teams.grant(s, "credit", Target(team="credit"), "viewer", "x"), Invalid),
        (lambda s: teams.grant(s, "credit", Target(), "viewer", "x"), Invalid),
        (lambda s: teams.grant(s, "credit", Target(model="nope"), "viewer", "x"), NotFound),
        (lambda s: teams.revoke(s, "credit", Target(team="fraud"), "x"), NotFound),
    ],
)
def test_what_makes_no_sense_changes_nothing(database, organisation, wrong, error):
    with pytest.raises(error), database.write() as session:
        wrong(session)
    with database.read() as session:
        assert len(session.exec(select(Team)).all()) == 2


def test_administrators_are_bound_to_no_team(database, organisation):
    with pytest.raises(Invalid, match="organisation"), database.write() as session:
        service.create_token(session, name="eve", role="admin", bound=True, created_by="tests")
