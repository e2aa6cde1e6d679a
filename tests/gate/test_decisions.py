"""Decisions on a real database: what is decided at once, what waits for an audit, what is kept."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from app.access.identity import ROLE_SCOPES, Identity
from app.db import Database, utcnow
from app.errors import Conflict, Invalid, NotFound
from app.gate import queries, service
from app.gate.derivation import rederive
from app.gate.policies import write_policy
from app.gate.schemas import EvaluationIn
from app.tables import Audit, AuditLog, Decision
from checks import discover
from checks.rubric import BY_ID
from tests.gate import planted

pytestmark = pytest.mark.both_databases

CI = Identity("pipeline", "ci", ROLE_SCOPES["ci"])
NO_AUDITS = Identity("gatekeeper", "ci", frozenset({"read", "gate"}))
POLICY = "assay_policy: 1\nname: {name}\nstages:\n  admit: {{must_pass: [DATA-1]}}\n{more}"


def ask(database, settings, identity=CI, **changes) -> Decision:
    given = {"model": "credit-default", "version": "1.0.0", "environment": "production"} | changes
    with database.write() as session:
        return service.evaluate(session, EvaluationIn(**given), identity, settings)


def resolve(database, settings) -> int:
    with database.write() as session:
        return service.resolve_pending(session, utcnow(), settings)


def stored(database, decision_id) -> Decision:
    with database.read() as session:
        return service.find_decision(session, decision_id)


def log_of(database, action) -> list[AuditLog]:
    with database.read() as session:
        return list(session.exec(select(AuditLog).where(AuditLog.action == action)))


def condition(row, name):
    return next(c for c in row.body["conditions"] if c["name"] == name)


def write(database, name, more=""):
    with database.write() as session:
        write_policy(session, name, POLICY.format(name=name, more=more), "tests")


@pytest.fixture
def subject(database):
    return planted.registered(database)[1]


@pytest.fixture
def plant(database, subject):
    """``plant(DATA_1="fail")``: two audits of all that production asks for."""

    def do(**verdicts):
        with database.write() as session:
            planted.admissible(session, subject, **verdicts)

    return do


# --- decided at once ----------------------------------------------------------------------------------


def test_a_version_that_shows_all_that_is_asked_for_passes(database, settings, plant):
    plant()
    row = ask(database, settings)
    assert (row.status, row.body["status"]) == ("pass", "pass")
    assert row.body["id"] == row.id
    assert row.body["evaluation_url"] == f"{settings.public_url}/api/v1/gate/evaluations/{row.id}"
    assert row.body["artifact_digest"] == "a" * 64
    assert row.body["section_scores"] == {"data": 3.0, "model": 3.0, "infra": 1.0, "monitoring": 1.0}
    assert stored(database, row.id).body == row.body
    assert [(log.actor, log.subject, log.details["status"]) for log in log_of(database, "decision.make")] == [
        ("pipeline", f"decision/{row.id}", "pass")
    ]


@pytest.mark.parametrize(("verdict", "status"), [("fail", "fail"), ("inconclusive", "unknown")])
@pytest.mark.parametrize("test_id", ["DATA_1", "DATA_4", "MODEL_5", "INFRA_4"])
def test_each_pass_that_production_asks_for_is_needed(database, settings, plant, test_id, verdict, status):
    plant(**{test_id: verdict})
    assert ask(database, settings).status == status


@pytest.mark.parametrize("test_id", ["MODEL_6", "MODEL_7", "MON_5"])
def test_inconclusive_is_let_through_where_no_failure_is_asked_for(database, settings, plant, test_id):
    plant(**{test_id: "inconclusive"})
    assert ask(database, settings).status == "pass"
    plant(**{test_id: "fail"})
    assert ask(database, settings).status == "fail"


def test_promotion_names_what_nothing_has_shown_yet(database, settings, plant, subject):
    plant()
    row = ask(database, settings, NO_AUDITS, stage="promote")
    missing = {c["name"] for c in row.body["conditions"] if c["status"] == "unknown"}
    assert row.status == "unknown"
    assert missing == {"must_pass.INFRA-6", "must_not_fail.MON-2", "must_not_fail.MON-3", "must_not_fail.MON-7"}
    with database.write() as session:
        planted.attestation(session, subject, "INFRA-6")
        for test_id in ("MON-2", "MON-3", "MON-7"):
            planted.attestation(session, subject, test_id, environment="production")
    assert ask(database, settings, stage="promote").status == "pass"


def test_a_high_risk_tier_asks_for_more(database, settings):
    version = planted.registered(database, tier="high")[1]
    with database.write() as session:
        planted.admissible(session, version)
        planted.attestation(session, version, "INFRA-6")
        for test_id in ("MON-2", "MON-3", "MON-7"):
            planted.attestation(session, version, test_id, environment="production")
    row = ask(database, settings, NO_AUDITS, stage="promote")
    assert (row.status, condition(row, "minimum.score")["threshold"]) == ("fail", 3)


def test_evidence_from_another_environment_counts_for_version_tests(database, settings, subject):
    with database.write() as session:
        for days in (2, 1):
            verdicts = dict.fromkeys(planted.PRODUCTION_NEEDS, "pass")
            planted.audit(session, subject, verdicts, days=days, environment=None)
    assert ask(database, settings).status == "pass"


def test_the_policys_thresholds_judge_stored_findings_anew(database, settings, subject):
    cells = {"name": "income", "expects": ["max"], "present": True, "failing": 5, "faults": {"max": 5}}
    with database.write() as session:
        measured = {"rows": 1000, "columns": [cells]}
        planted.audit(
            session,
            subject,
            {"DATA-1": "fail"},
            measured=measured,
            thresholds=dict(discover()["DATA-1"].thresholds),
        )
    write(database, "lenient", "thresholds: {DATA-1: {max_failing_cells: 0.01}}\n")
    write(database, "strict")
    row = ask(database, settings, environment="lenient")
    assert row.status == "pass"
    assert "max_failing_cells" in condition(row, "must_pass.DATA-1")["reason"]
    assert ask(database, settings, environment="strict").status == "fail"


def test_an_estimate_is_read_from_the_database(database, settings, subject):
    write(database, "eu")
    with database.write() as session:
        planted.audit(session, subject, {"DATA-1": "pass"}, measured={"estimated": True})
    assert ask(database, settings, environment="eu").status == "unknown"
    with database.write() as session:
        planted.audit(session, subject, {"DATA-1": "pass"}, measured={"estimated": False}, days=0.5)
    assert ask(database, settings, environment="eu").status == "pass"


def test_a_dry_run_answers_and_leaves_nothing(database, settings, subject, plant):
    row = ask(database, settings, dry_run=True)
    assert (row.id, row.body["id"], row.body["evaluation_url"], row.body["dry_run"]) == (None, None, None, True)
    assert row.status == "fail"
    plant()
    assert ask(database, settings, dry_run=True).status == "pass"
    with database.read() as session:
        assert session.exec(select(Decision)).all() == []
        assert session.exec(select(Audit).where(Audit.status == "queued")).all() == []
    assert log_of(database, "decision.make") == []


@pytest.mark.parametrize(
    ("changes", "error", "expected"),
    [
        ({"environment": "prodution"}, Invalid, '(did you mean "production"?); there are production, staging'),
        ({"environment": "organisation"}, Invalid, "no policy is written for the environment 'organisation'"),
        ({"stage": "admitt"}, Invalid, "no stage 'admitt' (did you mean \"admit\"?)"),
        ({"model": "credit"}, NotFound, "no model is registered as 'credit'"),
        ({"version": "1.0.1"}, NotFound, "has no version '1.0.1'"),
    ],
)
def test_what_is_not_there_is_never_decided(database, settings, plant, changes, error, expected):
    plant()
    with pytest.raises(error) as caught:
        ask(database, settings, **changes)
    assert expected in caught.value.detail
    with database.read() as session:
        assert session.exec(select(Decision)).all() == []


def test_a_policy_that_is_no_longer_valid_answers_unknown(database, settings, plant):
    plant()
    with database.write() as session:
        newest = queries.newest_policy(session, "production")
        newest.text = newest.text.replace("must_pass", "must_shine")
    row = ask(database, settings)
    assert row.status == "unknown"
    assert "must_shine" in row.body["conditions"][0]["reason"]


SECTIONS_WITH_A_MINIMUM = {test_id for test_id in discover() if BY_ID[test_id].section in {"data", "model"}}
"""All automated tests that may raise the sections of which the production policy asks for points."""


# --- an audit first -----------------------------------------------------------------------------------


def test_without_evidence_an_audit_of_what_is_asked_for_runs_first(database, settings, subject):
    row = ask(database, settings)
    assert (row.status, row.decided_at, row.body["conditions"]) == ("in_progress", None, [])
    with database.read() as session:
        audit = session.get_one(Audit, row.audit_id)
    assert (audit.status, audit.trigger, audit.environment, audit.automatic) == (
        "queued",
        "gate",
        "production",
        True,
    )
    named = {"DATA-1", "DATA-4", "MODEL-5", "INFRA-4", "MODEL-6", "MODEL-7", "MON-5"}
    assert set(audit.checks) == named | SECTIONS_WITH_A_MINIMUM
    assert resolve(database, settings) == 0


def test_the_decision_is_made_once_its_audit_has_ended(database, settings, subject, plant):
    row = ask(database, settings)
    plant()
    with database.write() as session:
        audit = session.get_one(Audit, row.audit_id)
        planted.audit(session, subject, {}, into=audit)
    assert (resolve(database, settings), resolve(database, settings)) == (1, 0)
    decided = stored(database, row.id)
    assert (decided.status, decided.body["status"], decided.audit_id) == ("pass", "pass", audit.id)
    assert decided.body["evaluation_url"] == row.body["evaluation_url"]
    assert rederive(decided.inputs) == decided.body
    assert [log.details["status"] for log in log_of(database, "decision.make")] == ["pass"]


@pytest.mark.parametrize(("status", "told"), [("failed", "failed: out of memory"), ("cancelled", "was cancelled")])
def test_an_audit_that_did_not_succeed_leaves_the_answer_unknown(database, settings, subject, plant, status, told):
    row = ask(database, settings)
    plant()  # somebody else's audits show all that is asked for, and still
    with database.write() as session:
        audit = session.get_one(Audit, row.audit_id)
        audit.status, audit.finished_at = status, utcnow()
        audit.error = "out of memory" if status == "failed" else None
    assert resolve(database, settings) == 1
    decided = stored(database, row.id)
    assert decided.status == "unknown"
    assert condition(decided, "audit")["reason"] == f"Audit {audit.id}, which this decision waited for, {told}."


def test_findings_that_bear_a_later_time_than_the_workers_still_count(database, settings, subject):
    write(database, "eu")
    row = ask(database, settings, environment="eu")
    with database.write() as session:
        audit = session.get_one(Audit, row.audit_id)
        planted.audit(session, subject, {"DATA-1": "pass"}, into=audit, days=-0.01)
    with database.write() as session:
        assert service.resolve_pending(session, utcnow() - timedelta(minutes=1), settings) == 1
    assert stored(database, row.id).status == "pass"


def test_a_decision_is_made_by_the_policy_of_its_own_time(database, settings, subject):
    write(database, "eu")
    row = ask(database, settings, environment="eu")
    write(database, "eu", "decision_lifetime_hours: 1\n")
    with database.write() as session:
        planted.audit(session, subject, {"DATA-1": "pass"}, into=session.get_one(Audit, row.audit_id))
    resolve(database, settings)
    assert (row.body["policy"]["version"], stored(database, row.id).body["policy"]["version"]) == (1, 2)


def test_a_stage_that_was_taken_out_of_the_policy_meanwhile_is_unknown(database, settings, subject):
    write(database, "eu")
    row = ask(database, settings, environment="eu")
    with database.write() as session:
        text = POLICY.format(name="eu", more="").replace("admit", "promote")
        write_policy(session, "eu", text, "tests")
        planted.audit(session, subject, {"DATA-1": "pass"}, into=session.get_one(Audit, row.audit_id))
    assert resolve(database, settings) == 1
    decided = stored(database, row.id)
    assert decided.status == "unknown"
    assert "the policy eu has no stage 'admit'" in decided.body["conditions"][0]["reason"]


def test_an_audit_under_way_is_not_queued_twice(database, settings, subject):
    first, second = ask(database, settings), ask(database, settings)
    assert first.audit_id == second.audit_id
    assert first.id != second.id
    person = Identity("ada", "owner", ROLE_SCOPES["owner"])
    assert ask(database, settings, person).audit_id != first.audit_id  # her run would earn less


def test_an_audit_that_is_about_to_be_cancelled_is_no_help(database, settings, subject):
    first = ask(database, settings)
    with database.write() as session:
        session.get_one(Audit, first.audit_id).cancel_requested = True
    assert ask(database, settings).audit_id != first.audit_id


def test_who_may_not_audit_is_answered_at_once(database, settings, subject):
    row = ask(database, settings, NO_AUDITS)
    assert (row.status, row.audit_id) == ("fail", None)
    assert condition(row, "must_pass.DATA-1")["status"] == "unknown"


@pytest.mark.parametrize(("days", "audited"), [(29, False), (31, True)])
def test_evidence_past_its_window_is_renewed_first(database, settings, subject, days, audited):
    write(database, "eu")
    with database.write() as session:
        planted.audit(session, subject, {"DATA-1": "pass"}, days=days)
    assert (ask(database, settings, environment="eu").status == "in_progress") is audited


def test_an_error_is_run_again(database, settings, plant):
    plant(DATA_1="error")
    row = ask(database, settings)
    with database.read() as session:
        assert session.get_one(Audit, row.audit_id).checks == ["DATA-1"]


def test_a_section_that_scores_enough_needs_no_further_check(database, settings, subject):
    verdicts = dict.fromkeys(set(planted.PRODUCTION_NEEDS) - {"DATA-2"}, "pass")
    with database.write() as session:
        planted.audit(session, subject, verdicts, days=2)
    row = ask(database, settings)  # one run only: the data section scores 1 of 2, the model section 1.5
    with database.read() as session:
        assert set(session.get_one(Audit, row.audit_id).checks) == SECTIONS_WITH_A_MINIMUM - set(verdicts)
    with database.write() as session:
        planted.audit(session, subject, verdicts)
    assert ask(database, settings).status == "pass"


# --- kept, and the same for ever ----------------------------------------------------------------------


def test_a_stored_decision_is_derived_the_same_after_everything_has_changed(database, settings, subject, plant):
    plant(MODEL_6="inconclusive")
    with database.write() as session:
        planted.attestation(session, subject, "MODEL-1")
    row = ask(database, settings)
    plant(DATA_1="fail", INFRA_4="error")
    write(database, "production")
    assert ask(database, settings).status == "fail"
    kept = stored(database, row.id)
    assert service.replay(kept) == (row.body, [])
    assert rederive(json.loads(json.dumps(kept.inputs))) == row.body
    assert row.status == "pass"


def test_a_replay_tells_what_came_out_otherwise(database, settings, plant):
    plant()
    row = ask(database, settings)
    row.inputs["facts"]["findings"] = []
    body, differing = service.replay(row)
    assert body["status"] == "fail"
    assert differing == ["conditions", "score", "section_scores", "status", "status_without_waivers"]


def test_there_is_nothing_to_replay_while_in_progress(database, settings, subject):
    with pytest.raises(Conflict):
        service.replay(ask(database, settings))


def test_a_decision_is_settled_once(database, settings, subject):
    row = ask(database, settings)
    answer = {**row.body, "status": "fail"}
    with database.write() as session:
        assert queries.settle(session, row.id, answer, {}, {}, utcnow())
        assert not queries.settle(session, row.id, {**row.body, "status": "pass"}, {}, {}, utcnow())
    assert stored(database, row.id).body == answer


def test_racing_workers_make_a_decision_once(database, settings, subject, plant):
    rows = [ask(database, settings) for _ in range(3)]
    plant()
    with database.write() as session:
        planted.audit(session, subject, {}, into=session.get_one(Audit, rows[0].audit_id))
    made, start = [], threading.Barrier(4)

    def work():
        own = Database(settings.sqlalchemy_url)  # a process of its own would have one
        start.wait()
        made.append(resolve(own, settings))
        own.dispose()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(made) == [0, 0, 0, 3]
    assert len(log_of(database, "decision.make")) == 3


def test_one_that_cannot_be_made_does_not_hold_up_the_others(database, settings, subject, plant, caplog):
    rows = [ask(database, settings), ask(database, settings)]
    plant()
    with database.write() as session:
        planted.audit(session, subject, {}, into=session.get_one(Audit, rows[0].audit_id))
        session.get_one(Decision, rows[0].id).body = {}
    assert resolve(database, settings) == 1
    assert [stored(database, row.id).status for row in rows] == ["in_progress", "pass"]
    assert "decision could not be made" in caplog.text
