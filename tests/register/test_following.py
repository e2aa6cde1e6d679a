"""Issues follow the evidence, both ways."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.register import queries
from app.tables import Deployment

pytestmark = pytest.mark.both_databases


def test_a_failure_opens_one_issue_with_severity_owner_and_due_date(find, issues):
    ref = find("DATA-1", "fail", reason="age is out of range.")
    (issue,) = issues()
    assert (issue.status, issue.severity, issue.owner) == ("open", "high", "risk@example.com")
    assert issue.due_on == issue.failed_at.date() + timedelta(days=30)
    assert (issue.failure, issue.description, issue.opened_by) == (ref, "age is out of range.", "ci")


@pytest.mark.parametrize("verdict", ["pass", "inconclusive", "error", "not_applicable"])
def test_nothing_else_opens_one(find, issues, verdict):
    find("DATA-1", verdict)
    assert issues() == []


def test_a_further_failure_adds_to_it(find, issues, client):
    find("DATA-1", "fail")
    newer = find("DATA-1", "fail", reason="Still.")
    (issue,) = issues()
    assert (issue.failure, issue.description) == (newer, "Still.")
    notes = client("viewer").get(f"/api/v1/issues/{issue.id}").json()["notes"]
    assert [(one["action"], one["evidence"]) for one in notes] == [("opened", "finding/1"), ("failed_again", newer)]


def test_tests_of_the_system_have_one_an_environment_and_those_of_a_version_one(find, issues):
    for environment in ("staging", "production"):
        find("MON-6", "fail", environment=environment)
        find("DATA-1", "fail", environment=environment)
    assert [(one.test_id, one.environment) for one in issues()] == [
        ("MON-6", "staging"),
        ("DATA-1", ""),
        ("MON-6", "production"),
    ]


@pytest.mark.parametrize("verdict", ["inconclusive", "error", "not_applicable"])
def test_what_came_to_no_conclusion_resolves_nothing(find, issues, verdict):
    find("DATA-1", "fail")
    find("DATA-1", verdict)
    assert issues()[0].status == "open"


def test_what_passes_resolves_and_never_closes(find, issues):
    find("DATA-1", "fail")
    ref = find("DATA-1", "pass", actor="ci-credit")
    find("DATA-1", "pass")
    (issue,) = issues()
    assert (issue.status, issue.evidence, issue.resolved_by) == ("resolved", ref, "ci-credit")
    assert issue.closed_at is None


def test_another_environment_does_not_resolve(find, issues):
    find("MON-6", "fail", environment="production")
    find("MON-6", "pass", environment="staging")
    assert issues()[0].status == "open"


def test_an_earlier_version_does_not_resolve_and_a_later_one_does(find, issues, later):
    find("DATA-1", "fail", version=later)
    find("DATA-1", "pass")
    assert issues()[0].status == "open"
    find("DATA-1", "pass", version=later)
    assert issues()[0].status == "resolved"


def test_a_failure_reopens_what_was_resolved_with_its_old_due_date(find, issues, database):
    find("DATA-1", "fail")
    with database.write() as session:
        row = session.get_one(type(issues()[0]), 1)
        row.due_on -= timedelta(days=20)
        row.plan, row.status = "Clip it.", "in_progress"
    find("DATA-1", "pass")
    find("DATA-1", "fail")
    (issue,) = issues()
    assert (issue.status, issue.evidence, issue.resolved_by) == ("in_progress", None, None)
    assert issue.due_on == issue.failed_at.date() + timedelta(days=10)


def test_an_earlier_version_reopens_only_while_it_serves(find, issues, later, registered, database):
    find("DATA-1", "fail")
    find("DATA-1", "pass", version=later)
    find("DATA-1", "fail")
    assert issues()[0].status == "resolved"
    with database.write() as session:
        stay = {"environment": "production", "role": "stable", "kind": "decision", "actor": "x", "reason": "r"}
        model, version = registered
        session.add(Deployment(model_id=model.id, version_id=version.id, stage="promote", **stay))
    find("DATA-1", "fail")
    assert issues()[0].status == "open"


def test_reservations_open_a_milder_one_that_an_attestation_resolves(attest, issues):
    assert attest("MODEL-1", reservations="The appendix is missing.").status_code == 201
    (issue,) = issues()
    assert (issue.source, issue.severity, issue.description) == (
        "attestation",
        "medium",
        "The appendix is missing.",
    )
    attest("MODEL-1", reservations="Still missing.")
    assert issues()[0].status == "open"
    attest("MODEL-1")
    assert (issues()[0].status, issues()[0].evidence) == ("resolved", "attestation/3")


def test_a_pass_without_reservations_opens_none(attest, issues):
    assert attest("MODEL-1").json()["reservations"] == ""
    assert issues() == []


def test_reservations_about_a_failure_make_no_sense(attest):
    answer = attest("MODEL-1", result="fail", reservations="Hm.")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "reservations"


def test_a_failed_test_weighs_more_than_reservations(attest, find, issues):
    attest("DATA-1", reservations="Half of it.")
    assert issues()[0].severity == "medium"
    find("DATA-1", "fail")
    assert issues()[0].severity == "high"


def test_a_persons_word_does_not_outweigh_a_check_that_failed(attest, find, issues):
    find("DATA-1", "fail")
    attest("DATA-1")
    assert issues()[0].status == "open"


def test_open_counts_leave_out_what_is_closed_and_what_later_versions_caused(
    find, issues, later, registered, database
):
    model, version = registered
    find("DATA-1", "fail")
    find("INFRA-1", "fail", version=later)
    find("MON-6", "fail", environment="production", version=later)
    with database.read() as session:
        assert queries.open_counts(session, model.id) == {"low": 0, "medium": 2, "high": 1, "critical": 0}
        counted = queries.open_counts(session, model.id, version)
        assert counted == {"low": 0, "medium": 1, "high": 1, "critical": 0}
        assert queries.open_counts(session, model.id, later)["medium"] == 2
    with database.write() as session:
        session.get_one(type(issues()[0]), 1).status = "closed"
    with database.read() as session:
        assert queries.open_counts(session, model.id)["high"] == 0
        assert queries.counts_of(session, [model.id]) == {
            model.id: {"low": 0, "medium": 2, "high": 0, "critical": 0}
        }
