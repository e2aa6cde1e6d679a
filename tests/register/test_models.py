"""Validations, retirement and the inventory over HTTP and by command."""

from __future__ import annotations

import csv
import io
import time
from datetime import timedelta

import pytest

from app.config import Settings
from app.db import utcnow
from app.register import validations
from app.register.inventory import safe
from app.register.upkeep import look_after
from app.schedules import queries as schedule_queries
from app.tables import Deployment, Model, Schedule
from tests.gate import planted
from tests.register.conftest import MODEL

pytestmark = pytest.mark.both_databases

PATH = "models/credit-default"
REPORT = {"link": "https://docs.example.com/validation.pdf"}
APPROVED = {"outcome": "approved"} | REPORT


@pytest.fixture
def model(registered):
    return registered[0]


# --- validations ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tier", "days"), [("high", 365), ("medium", 730), ("low", 1095)])
def test_the_next_one_is_due_by_risk_tier(post, database, settings, model, tier, days):
    with database.write() as session:
        session.get_one(Model, model.id).risk_tier = tier
    day = utcnow().date() - timedelta(days=10)
    answer = post("reviewer", f"{PATH}/validations", **APPROVED, validated_on=str(day))
    assert (answer.status_code, answer.json()["validator"]) == (201, "test-reviewer")
    with database.read() as session:
        state = validations.state(session, session.get_one(Model, model.id), settings)
    assert (state.next_due_on, state.overdue) == (day + timedelta(days=days), False)


def test_who_made_it_does_not_validate_it(post, database, model):
    assert post("owner", f"{PATH}/validations", **APPROVED).status_code == 403
    assert post("ci", f"{PATH}/validations", **APPROVED).status_code == 403
    answer = post("reviewer", f"{PATH}/validations", **APPROVED, validator="Risk@Example.com")
    assert answer.status_code == 403
    with database.write() as session:
        session.get_one(Model, model.id).owner = "test-reviewer"
    assert post("reviewer", f"{PATH}/validations", **APPROVED, validator="ada").status_code == 403
    assert post("admin", f"{PATH}/validations", **APPROVED).status_code == 201


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"outcome": "approved"}, "link"),
        (APPROVED | {"conditions": "Watch it."}, "conditions"),
        (APPROVED | {"outcome": "approved_with_conditions"}, "conditions"),
        (APPROVED | {"validated_on": "2999-01-01"}, "validated_on"),
    ],
)
def test_what_is_no_validation(post, model, given, path):
    answer = post("reviewer", f"{PATH}/validations", **given)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path)


def test_a_rejection_opens_an_issue_and_conditions_another_and_an_approval_resolves_them(post, model, issues):
    post("reviewer", f"{PATH}/validations", **APPROVED | {"outcome": "rejected"})
    conditions = {"outcome": "approved_with_conditions", "conditions": "Watch the mix."}
    post("reviewer", f"{PATH}/validations", **APPROVED | conditions)
    rejected, conditional = issues()
    assert (rejected.status, rejected.evidence) == ("resolved", "validation/2")
    assert (conditional.status, conditional.description) == ("open", "Watch the mix.")
    assert post("reviewer", "issues/1/closure", comment="My own.").status_code == 403
    assert post("admin", "issues/1/closure", comment="Read it.").status_code == 200
    post("admin", f"{PATH}/validations", **APPROVED)
    assert issues()[1].status == "resolved"


def test_an_overdue_validation_is_solved_by_a_validation_alone(post, model, database, settings, issues):
    with database.write() as session:
        session.get_one(Model, model.id).created_at = utcnow() - timedelta(days=999)
    look_after(database, settings)
    answer = post("reviewer", "issues/1/resolution", evidence=REPORT["link"], comment="See.")
    assert answer.status_code == 422
    post("reviewer", f"{PATH}/validations", **APPROVED | {"outcome": "rejected"})
    assert issues()[0].status == "open"
    post("reviewer", f"{PATH}/validations", **APPROVED)
    assert issues()[0].status == "resolved"
    look_after(database, settings)
    assert len(issues()) == 2


# --- retirement -------------------------------------------------------------------------------------


def serve(database, registered, role="stable"):
    with database.write() as session:
        stay = {"environment": "production", "role": role, "kind": "decision", "actor": "x", "reason": "r"}
        model, version = registered
        session.add(Deployment(model_id=model.id, version_id=version.id, stage="promote", **stay))


def test_a_model_that_serves_is_not_retired(post, registered, database):
    serve(database, registered)
    answer = post("owner", f"{PATH}/retirement", reason="Old.")
    assert answer.status_code == 409
    assert "1.0.0 is stable in production" in answer.json()["detail"]


def test_the_gate_says_no_and_schedules_stop_until_it_is_undone(post, model, database, client):
    with database.write() as session:
        session.add(Schedule(model_id=model.id, cron="0 3 * * *", since=utcnow() - timedelta(days=9)))

    def scheduled():
        with database.read() as session:
            return len(schedule_queries.enabled_schedules(session))

    def condition():
        asked = {"model": model.name, "version": "1.0.0", "environment": "production", "dry_run": True}
        body = post("admin", "gate/evaluations", **asked).json()
        return next((one["status"] for one in body["conditions"] if one["name"] == "retired"), None), body["status"]

    assert (scheduled(), condition()[0]) == (1, None)
    made = post("owner", f"{PATH}/retirement", reason="The product ended.")
    assert (made.status_code, made.json()["retired_by"]) == (201, "test-owner")
    assert (scheduled(), condition()) == (0, ("fail", "fail"))
    (shown,) = client("viewer").get("/api/v1/schedules").json()["items"]
    assert (shown["enabled"], shown["next_slot"], shown["overdue"]) == (False, None, None)
    asked = {"model": model.name, "version": "1.0.0", "environment": "production", "role": "stable"}
    answer = client("admin").post("/api/v1/deployments", json=asked | {"break_glass": True, "reason": "Now."})
    assert answer.status_code == 409
    assert "retired" in answer.json()["detail"]
    assert post("owner", f"{PATH}/retirement", reason="Twice.").status_code == 409
    undone = post("owner", f"{PATH}/retirement/undoing", reason="A customer stayed.").json()
    assert (undone["undone_by"], undone["undone_reason"]) == ("test-owner", "A customer stayed.")
    assert (scheduled(), condition()[0]) == (1, None)
    assert post("owner", f"{PATH}/retirement/undoing", reason="Twice.").status_code == 409


def test_who_retires_and_what_succeeds(post, model, database):
    for role in ("viewer", "ci", "reviewer"):
        assert post(role, f"{PATH}/retirement", reason="Old.").status_code == 403
    answer = post("owner", f"{PATH}/retirement", reason="Old.", successor="credit-default")
    assert answer.json()["errors"][0]["path"] == "successor"
    with database.write() as session:
        planted.model(session, "credit-default-2")
    made = post("owner", f"{PATH}/retirement", reason="Old.", successor="credit-default-2")
    assert made.json()["successor"] == "credit-default-2"


# --- the inventory ----------------------------------------------------------------------------------


def test_the_inventory_tells_of_each_model(post, registered, database, client, find, later):
    find("DATA-1", "fail")
    serve(database, registered, "canary")
    post("reviewer", f"{PATH}/validations", **APPROVED)
    with database.write() as session:
        planted.model(session, "=HYPERLINK(1)")
    bare, row = client("viewer").get("/api/v1/inventory").json()["items"]
    assert (bare["newest_version"], bare["score"], bare["versions"]) == (None, None, 0)
    assert (row["newest_version"], row["versions"], row["score"]) == ("1.1.0", 2, 0)
    assert row["serving"] == [{"version": "1.0.0", "environment": "production", "role": "canary"}]
    assert row["open_issues"] == {"low": 0, "medium": 0, "high": 1, "critical": 0}
    assert (row["last_validation_outcome"], row["retired_at"]) == ("approved", None)
    assert row["last_audit_at"] is not None
    answer = client("viewer").get("/api/v1/inventory", params={"format": "csv", "limit": 1})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    first, second = csv.DictReader(io.StringIO(answer.text))
    assert (first["model"], second["model"]) == ("'=HYPERLINK(1)", "credit-default")
    assert (second["serving"], second["open_issues_high"]) == ("1.0.0 canary in production", "1")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1"])
def test_no_cell_is_a_formula(text):
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("value", ["a=1", "", None, -1, 0.5])
def test_other_cells_stay(value):
    assert safe(value) == value


def test_fifty_models_take_less_than_a_second_of_cpu(database, client, find, registered):
    find("DATA-1", "fail")
    with database.write() as session:
        for number in range(49):
            planted.version(session, planted.model(session, f"m{number}"))
    viewer = client("viewer")
    began = time.process_time()
    assert len(viewer.get("/api/v1/inventory").json()["items"]) == 50
    assert time.process_time() - began < 1


def test_days_are_set_by_name_and_others_keep_their_default(monkeypatch):
    monkeypatch.setenv("ASSAY_ISSUE_DAYS", '{"high": 14}')
    assert Settings().issue_days == {"low": 180, "medium": 90, "high": 14, "critical": 7}
    monkeypatch.setenv("ASSAY_ISSUE_DAYS", '{"hihg": 14}')
    with pytest.raises(ValueError, match="hihg: there are low"):
        Settings()


def test_a_model_of_another_name_is_named(client, registered):
    assert "credit-default" in client("viewer").get(f"{MODEL}x/validations").json()["detail"]
