"""Approvals: people by role, each once, of one artifact, and what the gate makes of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.access.identity import MEMBER, ROLE_SCOPES, Identity
from app.access.service import create_token
from app.access.teams import role_for
from app.db import utcnow
from app.delivery import decisions
from app.errors import Conflict
from app.gate import service
from app.gate.approving import counting
from app.gate.derivation import derive
from app.gate.policies import write_policy
from app.gate.schemas import EvaluationIn
from app.gate.terms import ApprovalFact
from app.tables import Approval, AuditLog, Member, Team, Version
from tests.gate import planted
from tests.gate.facts import NOW, facts, finding, inputs

VERSION = "/api/v1/models/credit-default/versions/1.0.0"
POLICY = "assay_policy: 1\nname: eu\nstages:\n  admit: {must_pass: [DATA-1], approvals: {reviewer: 2, owner: 1}}\n"
NOBODY = "assay_policy: 1\nname: eu\nstages:\n  admit: {must_pass: [DATA-1]}\n"
GIVEN = {"environment": "eu", "comment": "Read the validation report."}
REVOKED = {"reason": "The report was of another version."}
FIRST = "/api/v1/approvals/1/revocation"


@pytest.fixture
def subject(database):
    subject = planted.registered(database)[1]
    with database.write() as session:
        write_policy(session, "eu", POLICY, "tests")
        planted.audit(session, subject, {"DATA-1": "pass"}, days=10)
        session.get_one(Version, subject.id).created_by = "Ada"
    return subject


@pytest.fixture
def approve(client, database, subject):
    """``approve("Bo", "reviewer")``: what the service answers to that person."""
    http = client(None)

    def post(name, role, path=f"{VERSION}/approvals", **changes):
        with database.write() as session:
            _, token = create_token(session, name=name, role=role, created_by="tests")
        body = (GIVEN if path.startswith(VERSION) else REVOKED) | changes
        return http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})

    return post


@pytest.fixture
def decide(database, settings, identity):
    def ask():
        asked = EvaluationIn(model="credit-default", version="1.0.0", environment="eu")
        with database.write() as session:
            return service.evaluate(session, asked, identity("viewer"), settings)

    return ask


@pytest.fixture
def consume(database, identity):
    def use(row):
        with database.write() as session:
            return decisions.consume(session, row.id, identity("ci"))

    return use


def of_people(row):
    return {c["name"]: c for c in row.body["conditions"] if c["name"].startswith("approvals.")}


@pytest.mark.both_databases
def test_the_gate_waits_for_every_role_and_says_for_whom(approve, decide):
    assert decide().status == "unknown"
    assert approve("Bo", "reviewer").status_code == approve("Cy", "owner").status_code == 201
    waiting = decide()
    found = of_people(waiting)
    assert (waiting.status, found["approvals.owner"]["status"]) == ("unknown", "pass")
    lacking = found["approvals.reviewer"]
    assert (lacking["status"], lacking["actual"], lacking["threshold"]) == ("unknown", 1, 2)
    assert lacking["reason"].startswith("1 of 2 approvals by reviewer (Bo on ")
    assert lacking["reason"].endswith("waiting for 1 more.")
    assert "assay approval give" in lacking["remedy"]
    approve("Di", "reviewer")
    assert decide().status == "pass"


def test_an_approval_outlives_the_decisions_that_count_it(approve, decide, consume, database, client, monkeypatch):
    people = (("Bo", "reviewer"), ("Di", "reviewer"), ("Cy", "owner"))
    for name, role in people:
        approve(name, role)
    with database.write() as session:
        for row in session.exec(select(Approval)):
            row.created_at = utcnow() - timedelta(days=9)
    with monkeypatch.context() as then:
        then.setattr(service, "utcnow", lambda: utcnow() - timedelta(days=8))
        old = decide()
    assert old.status == "pass"
    with pytest.raises(Conflict, match="expired"):
        consume(old)
    assert consume(decide()).consumed_at is not None


def test_a_decision_cannot_be_used_once_an_approval_is_taken_back(approve, decide, consume):
    for name, role in (("Bo", "reviewer"), ("Di", "reviewer"), ("Cy", "owner")):
        approve(name, role)
    made = decide()
    taken = approve("Cy", "owner", FIRST)
    assert (taken.json()["status"], taken.json()["revoked_by"]) == ("revoked", "Cy")
    with pytest.raises(Conflict, match=r"of Bo, which Cy revoked \(The report was of another version"):
        consume(made)
    assert decide().status == "unknown"
    assert approve("Cy", "owner", FIRST).status_code == 409
    assert approve("Bo", "reviewer").status_code == 201
    assert consume(decide()).consumed_at is not None


def test_who_cannot_approve_is_told_why(approve):
    assert approve("build", "ci").status_code == 403
    assert "reviewer and owner; admin does not count" in approve("Ed", "admin").json()["detail"]
    assert approve("Bo", "reviewer", comment=" ").status_code == 422
    assert "asks for no approvals" in approve("Bo", "reviewer", environment="staging").text
    assert "has the artifact aaa" in approve("Bo", "reviewer", digest="b" * 64).json()["detail"]
    assert approve("Bo", "reviewer", digest="a" * 64).status_code == 201
    assert "a person counts once" in approve("Bo", "owner").json()["detail"]


@pytest.mark.parametrize(
    ("name", "role", "policy", "status"),
    [
        ("Bo", "reviewer", NOBODY, 200),  # who gave it, whatever the policy says by now
        ("Ed", "admin", NOBODY, 200),
        ("Cy", "owner", POLICY, 200),  # in a role that the policy asks for
        ("Cy", "owner", NOBODY, 403),
        ("Cy", "owner", POLICY.replace(", owner: 1", ""), 403),
        ("build", "ci", POLICY, 403),
    ],
)
def test_who_may_take_one_back(approve, database, name, role, policy, status):
    approve("Bo", "reviewer")
    with database.write() as session:
        write_policy(session, "eu", policy, "tests")
    answer = approve(name, role, FIRST)
    assert answer.status_code == status, answer.text
    with database.read() as session:
        assert (session.get_one(Approval, 1).revoked_at is not None) == (status == 200)


def test_who_may_not_take_one_back_is_told_who_may(approve, database):
    approve("Bo", "reviewer")
    with database.write() as session:
        write_policy(session, "eu", POLICY.replace(", owner: 1", ""), "tests")
    told = approve("Cy", "owner", FIRST).json()["detail"]
    assert told == "Whoever takes this back is Bo or an administrator or a person in the role reviewer, not owner."


@pytest.mark.parametrize("reason", ["", "  ", None, 7, "x" * 2001])
def test_taking_one_back_takes_a_reason(approve, reason):
    approve("Bo", "reviewer")
    assert approve("Bo", "reviewer", FIRST, reason=reason).status_code == 422


def test_another_artifact_environment_or_stage_needs_its_own(approve, decide, database, subject):
    for name, role in (("Bo", "reviewer"), ("Cy", "owner")):
        approve(name, role)
    assert "promote" in approve("Di", "reviewer", stage="promote").text
    approve("Di", "reviewer", stage="admit")
    assert decide().status == "pass"
    with database.write() as session:
        session.get_one(Version, subject.id).artifact_digest = "b" * 64
    assert {one["actual"] for one in of_people(decide()).values()} == {0}


def test_they_are_listed_and_logged_with_before_and_after(approve, client, database):
    approve("Bo", "reviewer")
    approve("Cy", "owner", FIRST)
    [one] = client("viewer").get("/api/v1/models/credit-default/approvals?version=1.0.0").json()["items"]
    told = (one["person"], one["role"], one["comment"], one["digest"], one["revoked_by"])
    assert told == ("Bo", "reviewer", "Read the validation report.", "a" * 64, "Cy")
    assert one["revocation_reason"] == REVOKED["reason"]
    with database.read() as session:
        logged = [row for row in session.exec(select(AuditLog)) if row.action.startswith("approval.")]
    assert [(row.actor, row.action) for row in logged] == [("Bo", "approval.give"), ("Cy", "approval.revoke")]
    assert [(row.details["before"], row.details["after"]) for row in logged] == [
        (None, "given"),
        ("given", "revoked"),
    ]
    assert [row.details.get("reason") for row in logged] == [None, REVOKED["reason"]]


def test_the_pages_show_who_approved_and_what_is_missing(approve, client, decide):
    approve("Bo", "reviewer", comment="Fine <b>by me</b>.")
    made, viewer = decide(), client("viewer")

    def shown(path):
        return viewer.get(path, headers={"Accept": "text/html"}).text

    page = shown(f"/decisions/{made.id}")
    assert "<strong>Bo</strong> (reviewer): Fine &lt;b&gt;by me" in page
    assert "waiting for 1 more" in page
    approve("Cy", "owner", FIRST)
    card = shown("/models/credit-default/versions/1.0.0")
    assert "<strong>Bo</strong> (reviewer) for eu" in card
    assert "revoked by Cy: The report was of another version." in card


def test_a_member_approves_in_the_role_that_they_have_in_the_models_team(database):
    dora = Identity("Dora", MEMBER, ROLE_SCOPES["owner"])
    with database.write() as session:
        for number, role in ((1, "owner"), (2, "reviewer")):
            session.add(Team(id=number, name=f"team {number}", created_by="tests"))
            session.flush()
            session.add(Member(team_id=number, name="Dora", role=role, created_by="tests"))
        session.flush()
        assert [role_for(session, dora, team) for team in (1, 2, 3, None)] == ["owner", "reviewer", MEMBER, MEMBER]
        assert role_for(session, Identity("Bo", "reviewer", frozenset()), 1) == "reviewer"


# --- pure -----------------------------------------------------------------------------------------------


def fact(person, role, number=1):
    return ApprovalFact(number, person, role, NOW - timedelta(days=9 - number), "Fine.")


def answer(*given, author="Ada", asked="{owner: 1}"):
    policy = POLICY.replace("name: eu", "name: production").replace("{reviewer: 2, owner: 1}", asked)
    return derive(inputs(facts(finding("DATA-1")), policy, approvals=given, author=author))


@pytest.mark.parametrize(
    ("given", "asked", "status"),
    [
        ([fact("Ada", "owner")], "{owner: 1}", "unknown"),
        ([fact("Ada", "owner"), fact("Bo", "reviewer", 2)], "{owner: 1, reviewer: 1}", "pass"),
        ([fact("Bo", "owner")], "{owner: 1}", "pass"),
        ([fact("Bo", "owner"), fact("Bo", "owner", 2)], "{owner: 2}", "unknown"),
        ([fact("Bo", "owner"), fact("Bo", "reviewer", 2)], "{owner: 1, reviewer: 1}", "unknown"),
        ([fact("Bo", "admin")], "{owner: 1}", "unknown"),
    ],
)
def test_a_person_counts_once_and_an_author_not_alone(given, asked, status):
    assert answer(*given, asked=asked)["status"] == status


def test_an_author_alone_is_told_so():
    [told] = [c["reason"] for c in answer(fact("Ada", "owner"))["conditions"] if c["name"] == "approvals.owner"]
    assert "Ada, who registered the version, does not count alone" in told


def test_the_newest_of_a_persons_approvals_counts():
    assert [one.role for one in counting([fact("Bo", "reviewer", 2), fact("Bo", "owner")], "Ada")] == ["reviewer"]


def test_where_they_were_not_looked_up_the_answer_is_unknown():
    policy = POLICY.replace("name: eu", "name: production")
    assert derive(inputs(facts(finding("DATA-1")), policy))["status"] == "unknown"


def test_the_floor_and_the_environment_ask_for_the_larger_number_of_each_role():
    small, large = (
        inputs(facts(), POLICY.replace("eu", "production").replace("owner: 1", n)) for n in ("owner: 1", "owner: 3")
    )
    demands = [one.in_force.layers("admit", "high")[0].demand for one in (small, large)]
    assert demands[0].and_also(demands[1]).approvals == {"reviewer": 2, "owner": 3}
