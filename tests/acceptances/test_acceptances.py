"""Exceptions over HTTP: two people, an end, and what they change in audits, scorecards and the gate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from app.acceptances import queries
from app.audits.attempt import Accepted
from app.audits.plan import plan
from app.db import utcnow
from app.scorecards.service import scorecard
from app.tables import Acceptance, Audit, AuditLog, Model, Version
from checks.data.feature_benefit import FeatureBenefit
from tests.catalog.releases import predictions_only, register
from tests.scorecards.stored import finding

pytestmark = pytest.mark.both_databases

MODEL = "/api/v1/models/tumour-malignancy"
ASKED = {"test_id": "DATA-2", "subject": "mean texture", "reason": "The clinic asks for it."}
WAIVED = {"kind": "not_applicable", "test_id": "MODEL-7", "reason": "Tissue, no people."}


@pytest.fixture
def registered(client, tmp_path):
    assert register(client("ci"), *predictions_only(tmp_path)).status_code == 201


@pytest.fixture
def ask(client, registered):
    def make(role="owner", **changes):
        return client(role).post(f"{MODEL}/acceptances", json=ASKED | changes)

    return make


def agreement(client, made, role="reviewer"):
    return client(role).post(f"/api/v1/acceptances/{made.json()['id']}/agreement")


def revocation(client, made, role="owner"):
    return client(role).post(f"/api/v1/acceptances/{made.json()['id']}/revocation", json={"reason": "Mended."})


def test_one_asks_another_agrees_and_each_step_is_in_the_audit_log(ask, client, database):
    made = ask()
    assert (made.status_code, made.json()["status"], made.json()["agreed_by"]) == (201, "requested", None)
    agreed = agreement(client, made).json()
    assert (agreed["status"], agreed["requested_by"], agreed["agreed_by"]) == (
        "agreed",
        "test-owner",
        "test-reviewer",
    )
    assert revocation(client, made).json()["status"] == "revoked"
    with database.read() as session:
        subject = f"acceptance/{made.json()['id']}"
        log = session.exec(select(AuditLog).where(AuditLog.subject == subject).order_by(AuditLog.id)).all()
    assert [(one.actor, one.action) for one in log] == [
        ("test-owner", "acceptance.requested"),
        ("test-reviewer", "acceptance.agreed"),
        ("test-owner", "acceptance.revoked"),
    ]
    assert log[0].details["test"] == "DATA-2"
    assert [one["status"] for one in client("viewer").get(f"{MODEL}/acceptances").json()["items"]] == ["revoked"]


def test_whoever_asked_cannot_agree_with_another_token_either(ask, client):
    made = ask("reviewer")
    answer = agreement(client, made)
    assert answer.status_code == 403
    assert "a second person" in answer.json()["detail"]
    assert agreement(client, made, "admin").status_code == 200


@pytest.mark.parametrize("role", ["viewer", "ci", "owner"])
def test_an_owner_or_a_pipeline_cannot_agree(ask, client, role):
    assert agreement(client, ask("admin"), role).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "ci", "client"])
def test_a_pipeline_cannot_ask(client, registered, role):
    assert client(role).post(f"{MODEL}/acceptances", json=ASKED).status_code == 403


def test_it_is_agreed_to_once_and_not_after_it_ended(ask, client, database):
    made = ask()
    assert agreement(client, made).status_code == 200
    assert agreement(client, made, "admin").status_code == 409
    revoked = ask(subject="mean radius")
    assert revocation(client, revoked).status_code == 200
    assert revocation(client, revoked).status_code == 409
    assert agreement(client, revoked).status_code == 409
    late = ask()
    with database.write() as session:
        session.get_one(Acceptance, late.json()["id"]).expires_at = utcnow()
    answer = agreement(client, late)
    assert answer.status_code == 409
    assert "is expired" in answer.json()["detail"]


def test_of_many_who_agree_at_once_one_is_recorded(ask, database):
    acceptance_id = ask().json()["id"]

    def agree(name):
        with database.write() as session:
            return queries.agree(session, acceptance_id, name, utcnow())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(agree, map(str, range(8)))).count(True) == 1


@pytest.mark.parametrize(
    ("changes", "path", "told"),
    [
        ({"test_id": "DATA-22"}, "test_id", "DATA-2"),
        ({"test_id": "MODEL-7"}, "test_id", "knows no acceptances"),
        ({"subject": "mean textur"}, "subject", "mean texture"),
        ({"subject": ""}, "subject", "name the feature"),
        ({"kind": "not_applicable"}, "subject", "leave the subject out"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(ask, changes, path, told):
    answer = ask(**changes)
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == [path]
    assert told in answer.text


@pytest.mark.parametrize("changes", [{"reason": " "}, {"expires_in_days": 366}, {"expires_in_days": 0}, {"to": 1}])
def test_a_reason_and_an_end_are_needed(ask, changes):
    assert ask(**changes).status_code == 422


def test_sent_again_under_its_key_it_is_asked_once(client, registered):
    for _ in range(2):
        answer = client("owner").post(f"{MODEL}/acceptances", json=ASKED, headers={"Idempotency-Key": "k"})
        assert answer.json()["id"] == 1
    assert len(client("owner").get(f"{MODEL}/acceptances").json()["items"]) == 1


def test_nobody_knows_what_is_not_there(client, registered):
    assert client("reviewer").post("/api/v1/acceptances/9/agreement").status_code == 404
    assert client("owner").post("/api/v1/models/nobody/acceptances", json=ASKED).status_code == 404


def test_it_holds_from_its_agreement_until_it_expires_or_is_revoked(ask, client, database):
    made = ask(expires_in_days=10)
    assert agreement(client, made).status_code == 200
    with database.write() as session:
        row = session.get_one(Acceptance, made.json()["id"])
        agreed, end = row.agreed_at, row.expires_at
        instant = timedelta(microseconds=1)

        def holds(at):
            return bool(queries.holding(session, row.model_id, "acceptance", at))

        assert [holds(at) for at in (agreed - instant, agreed, end - instant, end)] == [False, True, True, False]
        row.revoked_at = agreed + timedelta(days=1)
        session.flush()
        assert [holds(row.revoked_at - instant), holds(row.revoked_at)] == [True, False]
        assert queries.holding(session, row.model_id, "not_applicable", agreed) == []


def test_an_audit_reads_what_held_when_it_was_queued(ask, client, database, blobs, settings, tmp_path):
    made = ask()
    ask(subject="mean radius")
    audits = []
    for step in (None, agreement, revocation):
        if step:
            step(client, made)
        asked = {"model": "tumour-malignancy", "version": "1.0.0", "checks": ["DATA-2"]}
        audits.append(client("ci").post("/api/v1/audits", json=asked).json()["id"])
    with database.read() as session:
        read = [plan(session, session.get_one(Audit, one), blobs, settings, tmp_path).acceptances for one in audits]
    assert [[(one.test_id, one.subject) for one in held] for held in read] == [[], [("DATA-2", "mean texture")], []]
    assert isinstance(read[1][0], Accepted)


# --- after its end ------------------------------------------------------------------------------------


@pytest.fixture
def counted_on(ask, client, database):
    """An acceptance that a finding of DATA-2 counts on: its id. Without it, the finding would be a failure."""
    made = ask(expires_in_days=10)
    agreement(client, made)
    clusters = [
        {"features": ["mean texture"], "gain": 0.0, "error": 1e-6, "moved": 1},
        {"features": ["mean radius"], "gain": 0.2, "error": 0.01, "moved": 90},
    ]
    measured = {"rows": 500, "metric": "roc_auc", "clusters": clusters, "accepted": {"mean texture": "2026-01-01"}}
    check = FeatureBenefit()
    judged = check.judge(measured, check.thresholds)
    assert judged.verdict == "pass"
    with database.write() as session:
        version = session.exec(select(Version)).one()
        planted = {"measured": measured, "verdict": "pass", "reason": judged.reason, "created_at": utcnow()}
        finding(session, version, "DATA-2", thresholds=dict(check.thresholds), environment=None, **planted)
    return made.json()["id"]


def test_a_finding_is_judged_without_what_has_ended(counted_on, client, database):
    with database.read() as session:
        row = session.get_one(Acceptance, counted_on)
        model, version = session.get_one(Model, row.model_id), session.exec(select(Version)).one()
        instant = timedelta(microseconds=1)
        before, after = (
            scorecard(session, model, version, as_of=at).test("DATA-2")
            for at in (row.expires_at - instant, row.expires_at)
        )
    assert (before.verdict, before.open_failure) == ("pass", False)
    assert "Accepted by two people: mean texture" in before.reason
    assert (after.verdict, after.open_failure, after.score) == ("fail", True, before.score)
    assert after.reason.startswith("1 of 2 clusters add nothing to roc_auc: mean texture")
    assert after.reason.endswith("The acceptance of mean texture has ended since.")


@pytest.mark.parametrize("thresholds", ["", "thresholds: {DATA-2: {min_gain: 0.002}}\n"])
def test_the_gate_does_not_count_on_it_either(counted_on, ask, client, database, thresholds):
    text = f"assay_policy: 1\nname: eu\nstages: {{admit: {{must_pass: [DATA-2]}}}}\n{thresholds}"
    assert client("admin").put("/api/v1/policies/eu", json={"text": text}).status_code < 300
    asked = {"model": "tumour-malignancy", "version": "1.0.0", "environment": "eu"}

    def decided():
        return client("ci").post("/api/v1/gate/evaluations", json=asked).json()

    first = decided()
    assert first["status"] == "pass"
    client("owner").post(f"/api/v1/acceptances/{counted_on}/revocation", json={"reason": "Mended."})
    assert decided()["status"] == "fail"
    agreement(client, ask())  # another, of the same
    assert decided()["status"] == "pass"
    assert client("viewer").get(f"/api/v1/gate/evaluations/{first['id']}/replay").json()["same"]


# --- not applicable -----------------------------------------------------------------------------------


@pytest.fixture
def card(client):
    def read():
        answer = client("viewer").get(f"{MODEL}/versions/1.0.0/scorecard").json()
        return {test["id"]: test for test in answer["tests"]}["MODEL-7"]

    return read


def test_a_test_that_does_not_apply_earns_nothing_and_is_shown_so(ask, client, card, work):
    client("ci").post(
        "/api/v1/audits", json={"model": "tumour-malignancy", "version": "1.0.0", "checks": ["MODEL-7"]}
    )
    made = ask(**WAIVED, subject="")
    assert card()["verdict"] == "none"
    assert agreement(client, made).status_code == 200
    work()  # the run is newer, and inconclusive: no sensitive column is declared
    shown = card()
    assert (shown["score"], shown["verdict"], shown["source"], shown["open_failure"]) == (
        0,
        "not_applicable",
        "none",
        False,
    )
    assert (shown["newest"]["source"], shown["newest"]["person"], shown["newest"]["agreed_by"]) == (
        "declaration",
        "test-owner",
        "test-reviewer",
    )
    assert "agreed to by test-reviewer" in shown["why"]
    page = client("viewer").get("/models/tumour-malignancy/versions/1.0.0").text
    assert "declared by test-owner, agreed to by test-reviewer" in page
    assert "Tissue, no people." in page
    assert revocation(client, made).status_code == 200
    assert card()["verdict"] == "inconclusive"


@pytest.mark.parametrize(("accepted", "status"), [(["MODEL-7"], "pass"), ([], "unknown")])
def test_the_gate_lets_it_pass_where_the_policy_says_so(ask, client, work, accepted, status):
    assert agreement(client, ask(**WAIVED, subject="")).status_code == 200
    asked = {"model": "tumour-malignancy", "version": "1.0.0", "checks": ["MODEL-7"]}
    client("ci").post("/api/v1/audits", json=asked)
    work()  # newer than the declaration, and inconclusive
    text = "assay_policy: 1\nname: eu\nstages: {admit: {must_pass: [MODEL-7]}}\n"
    text += f"accept_not_applicable: {accepted}\n"
    assert client("admin").put("/api/v1/policies/eu", json={"text": text}).status_code < 300
    asked = {"model": "tumour-malignancy", "version": "1.0.0", "environment": "eu"}
    decision = client("ci").post("/api/v1/gate/evaluations", json=asked).json()
    assert decision["status"] == status
    assert "acceptance 1 by test-owner and test-reviewer" in decision["conditions"][0]["reason"]
