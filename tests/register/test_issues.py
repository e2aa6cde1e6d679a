"""What people do with issues over HTTP: plans, two-person rules, history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.db import utcnow
from app.tables import AuditLog, Issue
from tests.register.conftest import MODEL

pytestmark = pytest.mark.both_databases

BY_HAND = {"title": "Income is self-declared", "description": "Nobody compares it."}
LINK = "https://forge.example.com/pull/7"


@pytest.fixture
def opened(client, registered):
    def make(role="owner", **changes):
        return client(role).post(f"{MODEL}/issues", json=BY_HAND | changes)

    return make


@pytest.fixture
def patch(client):
    return lambda role, issue_id=1, **body: client(role).patch(f"/api/v1/issues/{issue_id}", json=body)


def test_the_way_of_an_issue_and_its_trace_in_the_audit_log(find, post, patch, client, database):
    find("DATA-1", "fail")
    assert patch("owner", plan="Clip ages.").json()["status"] == "in_progress"
    find("DATA-1", "pass")
    closed = post("reviewer", "issues/1/closure", comment="Read audit 2.").json()
    assert (closed["status"], closed["closed_by"], closed["evidence"]) == ("closed", "test-reviewer", "finding/2")
    assert [one["action"] for one in closed["notes"]] == ["opened", "planned", "resolved", "closed"]
    with database.read() as session:
        log = session.exec(select(AuditLog).where(AuditLog.subject == "issue/1").order_by(AuditLog.id)).all()
    assert [(one.actor, one.action) for one in log] == [
        ("ci", "issue.opened"),
        ("test-owner", "issue.planned"),
        ("ci", "issue.resolved"),
        ("test-reviewer", "issue.closed"),
    ]
    assert log[1].details["before"] == {"plan": "", "status": "open"}
    assert log[1].details["after"] == {"plan": "Clip ages.", "status": "in_progress"}
    assert log[3].details["reason"] == "Read audit 2."
    find("DATA-1", "fail")
    again = client("viewer").get("/api/v1/issues/1").json()
    assert (again["status"], again["closed_by"], again["overdue"]) == ("open", None, False)


def test_an_open_issue_is_not_closed_without_evidence(find, post):
    find("DATA-1", "fail")
    answer = post("reviewer", "issues/1/closure", comment="Fine by me.")
    assert answer.status_code == 409
    assert "open, not resolved" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("role", "column", "name"),
    [
        ("reviewer", "owner", "Test-Reviewer"),  # the model's owner
        ("reviewer", "created_by", "test-reviewer"),  # who registered the version
        ("admin", "created_by", "test-admin"),
    ],
)
def test_who_made_the_model_closes_nothing(find, post, database, registered, role, column, name):
    with database.write() as session:
        for row in registered:
            found = session.get_one(type(row), row.id)
            if hasattr(found, column) and (column == "owner" or hasattr(found, "content_digest")):
                setattr(found, column, name)
    find("DATA-1", "fail")
    find("DATA-1", "pass")
    answer = post(role, "issues/1/closure", comment="Fine.")
    assert answer.status_code == 403
    assert "another person" in answer.json()["detail"]
    other = "admin" if role == "reviewer" else "reviewer"
    assert post(other, "issues/1/closure", comment="Fine.").status_code == 200


def test_who_resolved_it_does_not_verify_it(attest, post):
    attest("MODEL-1", reservations="No appendix.")
    attest("MODEL-1", role="admin")
    assert post("admin", "issues/1/closure", comment="Fine.").status_code == 403
    assert post("reviewer", "issues/1/closure", comment="Fine.").status_code == 200


@pytest.mark.parametrize("role", ["viewer", "ci", "owner", "client"])
def test_who_may_not_verify(find, post, role):
    find("DATA-1", "fail")
    find("DATA-1", "pass")
    assert post(role, "issues/1/closure", comment="Fine.").status_code == 403


@pytest.mark.parametrize("path", ["resolution", "closure"])
def test_evidence_that_does_not_show_it(find, post, attest, later, path):
    passed_before = find("DATA-1", "pass")
    find("DATA-1", "fail", version=later)
    other_test, other_version = find("DATA-2", "pass"), find("DATA-1", "pass")
    attest("DATA-1", version="1.1.0")
    if path == "closure":
        find("DATA-1", "pass", version=later)
    for evidence, why in [
        (passed_before, "not newer"),
        (other_test, "another test"),
        (other_version, "earlier version"),
        ("attestation/1", "a check failed"),
        ("finding/2", "did not pass"),
        ("finding/999", "is none"),
        (LINK, "is none"),
    ]:
        answer = post("reviewer", f"issues/1/{path}", evidence=evidence, comment="See.")
        assert answer.status_code == 422, evidence
        assert why in answer.json()["errors"][0]["message"]


def test_one_by_hand_is_solved_by_a_link_and_another_person(opened, post):
    made = opened()
    assert (made.status_code, made.json()["severity"], made.json()["source"]) == (201, "high", "person")
    answer = post("reviewer", "issues/1/resolution", evidence=LINK, comment="Compared.")
    assert answer.json()["status"] == "resolved"
    assert post("owner", "issues/1/resolution", evidence=LINK, comment="Again.").status_code == 409
    assert post("reviewer", "issues/1/closure", comment="Fine.").status_code == 403
    assert post("admin", "issues/1/closure", comment="Fine.").json()["status"] == "closed"
    back = post("owner", "issues/1/reopening", reason="Part-time work is left out.").json()
    assert (back["status"], back["evidence"]) == ("open", None)
    assert post("owner", "issues/1/reopening", reason="Twice.").status_code == 409


def test_what_passed_before_it_was_reopened_shows_nothing(find, post):
    find("DATA-1", "fail")
    old = find("DATA-1", "pass")
    post("owner", "issues/1/reopening", reason="It looked at the wrong column.")
    answer = post("reviewer", "issues/1/resolution", evidence=old, comment="It passed.")
    assert "not newer" in answer.json()["detail"]


def test_a_test_has_one_issue_whoever_opens_it(opened, find, issues):
    assert opened(test_id="DATA-1").status_code == 201
    assert opened(test_id="DATA-1").status_code == 409
    find("DATA-1", "fail")
    assert [(one.source, one.failure) for one in issues()] == [("person", "finding/1")]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"test_id": "DATA-99"}, "test_id"),
        ({"test_id": "DATA-1", "environment": "production"}, "environment"),
        ({"environment": "production"}, "environment"),
        ({"due_on": "2020-01-01"}, "due_on"),
        ({"severity": "sever"}, "severity"),
        ({"title": " "}, "title"),
    ],
)
def test_what_makes_no_sense(opened, changes, path):
    answer = opened(**changes)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path


def test_a_post_that_is_sent_twice_opens_one(client, registered, issues):
    owner, key = client("owner"), {"Idempotency-Key": "k"}
    first = owner.post(f"{MODEL}/issues", json=BY_HAND, headers=key).json()
    assert owner.post(f"{MODEL}/issues", json=BY_HAND, headers=key).json()["id"] == first["id"]
    assert len(issues()) == 1


def test_severity_and_due_date_take_a_reason_and_easing_another_person(opened, patch, database, registered):
    opened()
    later = (utcnow() + timedelta(days=100)).date().isoformat()
    sooner = (utcnow() + timedelta(days=3)).date().isoformat()
    assert patch("reviewer", due_on=sooner).json()["errors"][0]["path"] == "reason"
    assert patch("owner").json()["errors"][0]["path"] == "plan"
    with database.write() as session:
        session.get_one(type(registered[0]), registered[0].id).owner = "test-owner"
    assert patch("owner", due_on=sooner, severity="critical", reason="Audit week.").status_code == 200
    assert patch("owner", due_on=later, reason="Busy.").status_code == 403
    assert patch("owner", severity="low", reason="Not so bad.").status_code == 403
    eased = patch("reviewer", due_on=later, severity="low", owner="ada", reason="Agreed in March.").json()
    assert (eased["severity"], eased["due_on"], eased["owner"]) == ("low", later, "ada")
    assert eased["notes"][-1]["details"]["severity"] == {"before": "critical", "after": "low"}


def test_filters(opened, find, client, database):
    find("DATA-1", "fail")
    opened(owner="ada")
    with database.write() as session:
        session.get_one(Issue, 1).due_on = utcnow().date() - timedelta(days=1)
        session.get_one(Issue, 2).due_on = utcnow().date()

    def ids(**asked):
        return [one["id"] for one in client("viewer").get("/api/v1/issues", params=asked).json()["items"]]

    assert ids() == [2, 1]
    assert ids(model="credit-default", status="open", severity="high", owner="ada") == [2]
    assert (ids(overdue=True), ids(overdue=False)) == ([1], [2])
    assert client("viewer").get("/api/v1/issues", params={"model": "credit-defalt"}).status_code == 404
    page = client("viewer").get("/api/v1/issues", params={"limit": 1}).json()
    assert ids(limit=1, cursor=page["next_cursor"]) == [1]
