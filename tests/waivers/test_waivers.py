"""Waivers over HTTP and in the gate: two people, an end, and never a hidden fault."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.db import utcnow
from app.delivery import decisions as delivery
from app.errors import Conflict
from app.gate import queries as gate
from app.gate import service
from app.gate.derivation import derive
from app.gate.forms.words import summary
from app.gate.render import FORMS, render
from app.gate.waiving import WaiverFact
from app.tables import Decision, Version, Waiver
from app.waivers import queries
from tests.gate import planted
from tests.gate.facts import NOW, facts, finding, inputs

MODEL = "/api/v1/models/credit-default"
ASKED = {"condition": "must_pass.DATA-4", "environment": "production", "reason": "It goes.", "days": 30}
QUESTION = {"model": "credit-default", "version": "1.0.0", "environment": "production"}
WAIVER = WaiverFact(
    waiver=3,
    condition="must_pass.DATA-1",
    requested_by="Ada",
    approved_by="Bo",
    expires_at=NOW + timedelta(hours=2),
    reason="It goes.",
)


@pytest.fixture
def subject(database):
    subject = planted.registered(database)[1]
    with database.write() as session:
        planted.admissible(session, subject, DATA_4="fail")
    return subject


@pytest.fixture
def ask(client, subject):
    def make(role="owner", **changes):
        return client(role).post(f"{MODEL}/waivers", json=ASKED | changes)

    return make


@pytest.fixture
def decide(client):
    return lambda: client("ci").post("/api/v1/gate/evaluations", json=QUESTION).json()


def approval(client, made, role="reviewer"):
    return client(role).post(f"/api/v1/waivers/{made.json()['id']}/approval")


def data_4(decision):
    return next(one for one in decision["conditions"] if one["name"] == "must_pass.DATA-4")


@pytest.mark.both_databases
def test_it_excuses_once_approved_until_revoked_and_hides_nothing(ask, client, decide, database):
    made = ask()
    assert (made.status_code, made.json()["status"], decide()["status"]) == (201, "requested", "fail")
    assert approval(client, made).json()["status"] == "approved"
    decision = decide()
    assert (decision["status"], decision["status_without_waivers"]) == ("pass", "fail")
    found = data_4(decision)
    assert (found["status"], found["actual"]) == ("fail", "fail")
    assert (found["waived_by"]["waiver"], found["waived_by"]["approved_by"]) == (1, "test-reviewer")
    assert client("owner").post("/api/v1/waivers/1/revocation").status_code == 422
    revoked = client("owner").post("/api/v1/waivers/1/revocation", json={"reason": "The data was mended."}).json()
    assert (revoked["status"], revoked["revocation_reason"]) == ("revoked", "The data was mended.")
    used = client("ci").post(f"/api/v1/gate/evaluations/{decision['id']}/consume")
    assert used.status_code == 409
    assert "waiver 1, which test-owner revoked (The data was mended.)." in used.json()["detail"]
    assert decide()["status"] == "fail"


def test_a_decision_is_void_once_its_waiver_has_ended(ask, client, decide, database, identity, monkeypatch):
    approval(client, ask())
    with database.write() as session:
        session.get_one(Waiver, 1).expires_at = utcnow() + timedelta(hours=2)
    decision = decide()
    assert decision["status"] == "pass"

    def consume(hours):
        monkeypatch.setattr(delivery, "utcnow", lambda: utcnow() + timedelta(hours=hours))
        with database.write() as session:
            return delivery.consume(session, decision["id"], identity("ci"))

    with pytest.raises(Conflict, match="expired"):
        consume(2.1)
    assert consume(1.9).consumed_by == "test-ci"


def test_pages_reports_statement_and_replay_tell_of_it(ask, client, decide):
    approval(client, ask())
    decision = decide()
    viewer = client("viewer")

    def shown(path):
        return " ".join(viewer.get(path, headers={"Accept": "text/html"}).text.split())

    page = shown(f"/decisions/{decision['id']}")
    assert "Yes, by waivers: of 9 conditions 1 does not hold and is excused for a while." in page
    assert 'Without waivers the answer is <strong data-field="status_without_waivers">fail</strong>' in page
    assert "Excused by waiver 1 until" in page
    assert "asked for by test-owner, approved by test-reviewer: It goes." in page
    assert 'data-waiver="1"><strong>must_pass.DATA-4</strong> in production: approved until' in shown(
        "/models/credit-default/versions/1.0.0"
    )
    for form in FORMS:
        assert "waiver" in render(decision, form), form
        assert "ithout" in render(decision, form), form
    told = json.loads(base64.b64decode(_envelope(viewer, decision)["payload"]))["predicate"]["assay_decision"]
    assert told["statusWithoutWaivers"] == "fail"
    assert (told["waivers"][0]["condition"], told["waivers"][0]["approvedBy"]) == (
        "must_pass.DATA-4",
        "test-reviewer",
    )
    replayed = viewer.get(f"/api/v1/gate/evaluations/{decision['id']}/replay").json()
    assert (replayed["same"], replayed["replayed"]) == (True, decision)
    assert "By waiver 1 of must_pass.DATA-4" in summary(replayed["replayed"])


def _envelope(viewer, decision):
    return viewer.get(f"/api/v1/gate/evaluations/{decision['id']}/envelope").json()


@pytest.mark.both_databases
def test_it_holds_from_its_approval_until_it_expires(ask, client, database, subject):
    assert approval(client, ask()).status_code == 200
    with database.read() as session:
        row, version = session.get_one(Waiver, 1), session.get_one(Version, subject.id)
        start, end, instant = row.approved_at, row.expires_at, timedelta(microseconds=1)

        def holds(at, environment="production"):
            return bool(gate.waivers(session, version, environment, "admit", at))

        assert [holds(at) for at in (start - instant, start, end - instant, end)] == [False, True, True, False]
        assert not holds(start, "staging")


def test_only_another_person_in_a_named_role_approves(ask, client):
    made = ask("reviewer")
    assert "second person" in approval(client, made).json()["detail"]
    assert "reviewer or admin" in approval(client, made, "owner").json()["detail"]
    assert approval(client, made, "ci").status_code == 403
    assert approval(client, made, "admin").status_code == 200
    assert approval(client, made, "admin").status_code == 409


@pytest.mark.both_databases
def test_of_many_who_approve_at_once_one_is_recorded(ask, database):
    ask()

    def approve(name):
        with database.write() as session:
            return queries.approve(session, 1, name, utcnow())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(approve, map(str, range(8)))).count(True) == 1


@pytest.mark.parametrize(
    ("changes", "path", "told"),
    [
        ({"condition": "must_pass.DATA-44"}, "condition", "must_pass.DATA-4"),
        ({"condition": "evaluation"}, "condition", "asks for no condition"),
        ({"days": 91}, "days", "90 days at most"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(ask, changes, path, told):
    answer = ask(**changes)
    assert (answer.status_code, [error["path"] for error in answer.json()["errors"]]) == (422, [path])
    assert told in answer.text


POLICY = """
assay_policy: 1
name: production
stages: {admit: {must_pass: [DATA-1, DATA-2]}}
"""


def decided(*waivers, policy=POLICY, **verdicts):
    found = [finding(test_id.replace("_", "-"), verdict) for test_id, verdict in verdicts.items()]
    return derive(inputs(facts(*found), policy, waivers=waivers))


def test_a_decision_that_rests_on_a_waiver_ends_with_it():
    body = decided(WAIVER, DATA_1="fail", DATA_2="pass")
    assert (body["status"], body["expires_at"]) == ("pass", "2026-03-01T14:00:00Z")
    assert decided(WAIVER, DATA_1="pass", DATA_2="pass")["expires_at"] == "2026-03-02T12:00:00Z"


def test_it_excuses_its_own_condition_alone_and_not_all_there_is():
    assert decided(WAIVER, DATA_1="fail", DATA_2="fail")["status"] == "fail"
    both = (WAIVER, WAIVER.model_copy(update={"waiver": 4, "condition": "must_pass.DATA-2"}))
    assert decided(*both, DATA_1="fail", DATA_2="fail")["status"] == "fail"


def test_what_the_policy_never_excuses_denies_even_with_a_waiver():
    policy = POLICY + "waivers: {never: [must_pass.DATA-1]}\n"
    body = decided(WAIVER, policy=policy, DATA_1="fail", DATA_2="pass")
    assert (body["status"], body["conditions"][0]["waived_by"]) == ("fail", None)


@pytest.mark.parametrize("name", ["audit", "evaluation"])
def test_a_mistake_of_the_service_is_never_excused(name):
    waiver = WAIVER.model_copy(update={"condition": name})
    known = facts(finding("DATA-1"), finding("DATA-2"))
    changes = {"audit_problem": "It broke."} if name == "audit" else {"stage": "nowhere"}
    assert derive(inputs(known, POLICY, waivers=(waiver,), **changes))["status"] == "unknown"


def test_decisions_from_before_there_were_waivers_replay_the_same():
    given = inputs(facts(finding("DATA-1"), finding("DATA-2")), POLICY)
    body, stored = derive(given), given.model_dump(mode="json")
    del stored["waivers"], body["status_without_waivers"]
    for condition in body["conditions"]:
        del condition["waived_by"]
    row = Decision(id=42, status=body["status"], body=body, inputs=stored)
    assert service.replay(row)[1] == []
