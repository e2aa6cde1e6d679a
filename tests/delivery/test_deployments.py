"""By which right a version enters, changes its role, and leaves."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select

from app.db import utcnow
from app.delivery import service
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.tables import Alert, AuditLog, Decision, Deployment, Version
from tests.delivery import planted

pytestmark = pytest.mark.both_databases


def change(database, decision, **values):
    """What nobody should do: edit a stored decision."""
    with database.write() as session:
        session.execute(update(Decision).where(Decision.id == decision.id).values(**values))


def test_the_first_version_ever_enters_as_canary_on_an_admit_decision(world):
    decision = world.decide("1.0.0")
    row = world.deploy("1.0.0")
    assert (row.kind, row.decision_id, row.stage) == ("decision", decision.id, "admit")
    assert row.artifact_digest == world.versions["1.0.0"].artifact_digest
    assert world.serving() == {"canary": "1.0.0"}


def test_without_a_decision_nobody_enters_and_the_refusal_tells_the_way(world):
    with pytest.raises(Conflict) as refused:
        world.deploy("1.0.0")
    assert "no decision to admit credit-default 1.0.0 to production" in refused.value.detail
    assert refused.value.extra == {
        "stage": "admit",
        "command": "assay gate check credit-default@1.0.0 --environment production --stage admit --wait",
    }
    assert world.serving() == {}


def test_an_admit_decision_does_not_open_stable_traffic(world):
    decision = world.decide("1.0.0")
    with pytest.raises(Conflict, match="no decision to promote"):
        world.deploy("1.0.0", "stable")
    with pytest.raises(Conflict, match=r"is to admit credit-default 1\.0\.0"):
        world.deploy("1.0.0", "stable", decision_id=decision.id)


def test_reaching_stable_traffic_first_takes_a_promote_decision_and_later_changes_none(world):
    world.decide("1.0.0")
    world.deploy("1.0.0", "canary")
    with pytest.raises(Conflict, match="promote"):
        world.deploy("1.0.0", "stable")
    promoted = world.decide("1.0.0", "promote")
    row = world.deploy("1.0.0", "stable")
    assert (row.kind, row.decision_id, row.stage) == ("decision", promoted.id, "promote")
    assert world.serving() == {"stable": "1.0.0"}


def test_a_change_between_canary_and_shadow_takes_no_decision(world):
    world.decide("1.0.0")
    first = world.deploy("1.0.0", "shadow")
    row = world.deploy("1.0.0", "canary")
    assert (row.kind, row.decision_id, row.stage) == ("role", None, "admit")
    assert world.serving() == {"canary": "1.0.0"}
    assert first.id != row.id


def test_where_promote_asks_nothing_more_admit_opens_stable_traffic(world):
    decision = world.decide("1.0.0", environment="staging")
    row = world.deploy("1.0.0", "stable", "staging")
    assert (row.stage, row.decision_id) == ("admit", decision.id)


def test_a_new_stable_version_replaces_the_old_one(world, database):
    old = world.stable("1.0.0")
    world.stable("1.1.0")
    assert world.serving() == {"stable": "1.1.0"}
    with database.read() as session:
        ended = session.get(Deployment, old.id)
        assert ended.outcome == "replaced"
        assert ended.ended_at is not None


def test_a_new_canary_takes_the_place_of_the_old_one_and_leaves_stable_alone(world):
    world.stable("1.0.0")
    for version in ("1.1.0", "1.2.0"):
        world.decide(version)
        world.deploy(version, "canary")
    assert world.serving() == {"stable": "1.0.0", "canary": "1.2.0"}


def test_the_same_role_again_is_refused(world):
    world.decide("1.0.0")
    world.deploy("1.0.0")
    with pytest.raises(Conflict, match="is canary in production already"):
        world.deploy("1.0.0")


def test_stable_traffic_is_not_left_without_an_answer(world):
    row = world.stable("1.0.0")
    with pytest.raises(Conflict, match="deploy another version as stable"):
        world.deploy("1.0.0", "shadow")
    assert world.serving() == {"stable": "1.0.0"}
    assert row.role == "stable"


def test_a_stable_version_is_not_stopped_in_favour_of_an_unpromoted_canary(world, database, identity):
    row = world.stable("1.0.0")
    world.decide("1.1.0")
    canary = world.deploy("1.1.0", "canary")
    with database.write() as session, pytest.raises(Conflict, match="a canary runs"):
        service.stop(session, row.id, "x", identity())
    for each in (canary, row):
        with database.write() as session:
            service.stop(session, each.id, "x", identity())
    assert world.serving() == {}
    with database.write() as session, pytest.raises(Conflict, match="has ended already"):
        service.stop(session, row.id, "x", identity())


# --- decisions ----------------------------------------------------------------------------------------


def test_a_decision_is_consumed_once(world):
    decision = world.decide("1.0.0")
    world.deploy("1.0.0")
    world.decide("1.1.0")
    world.deploy("1.1.0")
    with pytest.raises(Conflict, match=f"Decision {decision.id} was consumed by deployment"):
        world.deploy("1.0.0", decision_id=decision.id)
    with pytest.raises(Conflict, match="was consumed"):
        world.deploy("1.0.0")


def test_of_fifty_who_consume_one_decision_at_once_one_wins(world, database):
    world.decide("1.0.0")
    start, won, lost = threading.Barrier(50), [], []

    def consume():
        start.wait()
        try:
            won.append(world.deploy("1.0.0"))
        except Conflict as refused:
            lost.append(refused)

    threads = [threading.Thread(target=consume) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 49)
    with database.read() as session:
        assert len(session.exec(select(Deployment)).all()) == 1


def test_the_database_itself_lets_no_decision_be_consumed_twice(world, database):
    """Were the question skipped: the column is unique, and the refusal is a conflict all the same."""
    from app.delivery.places import Place, take

    decision = world.decide("1.0.0")
    world.deploy("1.0.0")
    version = world.versions["1.1.0"]

    def consume():
        with database.write() as session:
            model = service.find_model(session, "credit-default")
            place = Place(model, version, "production", "canary", "admit", "decision", "x", "y", decision.id)
            take(session, place, utcnow())

    with pytest.raises(Conflict, match="consumed by somebody else"):
        consume()
    assert world.serving() == {"canary": "1.0.0"}


def test_a_decision_that_does_not_pass_lets_nobody_in(world, database):
    with database.write() as session:
        planted.planted.audit(session, world.versions["1.0.0"], {"DATA-1": "fail"}, days=0.1)
    decision = world.decide("1.0.0")
    assert decision.status == "fail"
    with pytest.raises(Conflict, match=f"Decision {decision.id} is fail, not pass"):
        world.deploy("1.0.0")


def test_a_newer_no_overrules_an_older_yes(world, database):
    good = world.decide("1.0.0")
    with database.write() as session:
        planted.planted.audit(session, world.versions["1.0.0"], {"DATA-1": "fail"}, days=0.1)
    bad = world.decide("1.0.0")
    with pytest.raises(Conflict, match=f"{good.id} passed, but decision {bad.id}, which is newer, is fail"):
        world.deploy("1.0.0", decision_id=good.id)
    with pytest.raises(Conflict, match="is fail"):
        world.deploy("1.0.0")


def test_a_decision_of_another_version_or_environment_is_refused(world):
    other = world.decide("1.1.0")
    staging = world.decide("1.0.0", environment="staging")
    for decision in (other, staging):
        with pytest.raises(Conflict, match=r"this takes one to admit credit-default 1\.0\.0 to production"):
            world.deploy("1.0.0", decision_id=decision.id)
    with pytest.raises(NotFound):
        world.deploy("1.0.0", decision_id=999)


def test_an_expired_decision_is_refused(world, database, monkeypatch):
    world.decide("1.0.0")
    later = utcnow() + timedelta(hours=25)
    monkeypatch.setattr(service, "utcnow", lambda: later)
    with pytest.raises(Conflict, match="expired at"):
        world.deploy("1.0.0")
    monkeypatch.setattr(service, "utcnow", lambda: later - timedelta(hours=2))
    world.deploy("1.0.0")


def test_a_policy_that_was_edited_since_voids_the_decision(world, database):
    decision = world.decide("1.0.0")
    planted.policy(database, hours=23)
    with pytest.raises(Conflict, match=rf"{decision.id} was made under version \d+ .* version \d+ is in force"):
        world.deploy("1.0.0")


def test_an_artifact_that_was_swapped_since_voids_the_decision(world, database):
    decision = world.decide("1.0.0")
    with database.write() as session:
        row = session.get(Version, world.versions["1.0.0"].id)
        row.artifact_digest = "f" * 64
        session.add(row)
    with pytest.raises(Conflict, match=f"Decision {decision.id} is about another artifact"):
        world.deploy("1.0.0")


@pytest.mark.parametrize("tampered", ["status", "version", "inputs"])
def test_a_stored_answer_that_does_not_follow_any_more_is_refused(world, database, tampered):
    with database.write() as session:
        planted.planted.audit(session, world.versions["1.1.0"], {"DATA-1": "fail"}, days=0.1)
    decision = world.decide("1.1.0")
    if tampered == "status":  # a no that somebody edited into a yes
        change(database, decision, status="pass", body={**decision.body, "status": "pass"})
    elif tampered == "inputs":
        change(database, decision, status="pass", inputs={**decision.inputs, "stage": "promote"})
    else:  # a yes about another version, moved to this one
        good = world.decide("1.0.0")
        change(database, decision, status="pass", body=good.body, inputs=good.inputs)
    with pytest.raises(Conflict, match=r"does not follow from its own inputs|is about something else"):
        world.deploy("1.1.0")
    assert world.serving() == {}


def test_a_stored_answer_that_was_embellished_is_refused(world, database):
    decision = world.decide("1.0.0")
    change(database, decision, body={**decision.body, "score": 7.0})
    with pytest.raises(Conflict, match=r"does not follow from its own inputs any more \(score differ\)"):
        world.deploy("1.0.0")


def test_an_environment_without_a_policy_is_closed(world):
    with pytest.raises(Invalid, match="did you mean"):
        world.deploy("1.0.0", environment="productoin")
    with pytest.raises(Invalid):
        world.deploy("1.0.0", environment="organisation")


# --- going back ---------------------------------------------------------------------------------------


def test_rollback_puts_the_last_known_good_back_without_a_decision(world, database):
    world.stable("1.0.0")
    bad = world.stable("1.1.0")
    row = world.roll_back()
    assert (row.kind, row.decision_id, row.role) == ("rollback", None, "stable")
    assert world.serving() == {"stable": "1.0.0"}
    with database.read() as session:
        assert session.get(Deployment, bad.id).outcome == "rolled_back"


def test_rollback_is_not_stopped_by_stale_evidence_or_another_policy(world, database, monkeypatch):
    world.stable("1.0.0")
    world.stable("1.1.0")
    planted.policy(database, hours=1)
    later = utcnow() + timedelta(days=900)
    monkeypatch.setattr(service, "utcnow", lambda: later)
    assert world.roll_back().kind == "rollback"


def test_rollback_never_goes_to_a_version_that_was_rolled_back_from(world):
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        world.stable(version)
    world.roll_back()
    assert world.serving() == {"stable": "1.1.0"}
    world.roll_back()
    assert world.serving() == {"stable": "1.0.0"}
    with pytest.raises(Conflict, match=r"no earlier stable version .* known to be good"):
        world.roll_back()


def test_there_is_nothing_to_roll_back_from_without_a_stable_version(world):
    world.decide("1.0.0")
    world.deploy("1.0.0")
    with pytest.raises(Conflict, match="no stable version"):
        world.roll_back()


def test_a_version_that_was_rolled_back_from_needs_a_decision_made_since(world):
    world.stable("1.0.0")
    world.decide("1.1.0")
    spare = world.decide("1.1.0")
    world.deploy("1.1.0", "canary")
    world.decide("1.1.0", "promote")
    world.deploy("1.1.0", "stable")
    world.roll_back()
    with pytest.raises(Conflict, match="rolled back from"):
        world.deploy("1.1.0", decision_id=min(spare.id, spare.id - 1))
    with pytest.raises(Conflict, match=r"rolled back from|was consumed"):
        world.deploy("1.1.0", "canary")
    anew = world.decide("1.1.0")
    assert world.deploy("1.1.0", "canary").decision_id == anew.id


# --- break-glass --------------------------------------------------------------------------------------


def test_break_glass_is_for_administrators_and_tells_everybody(world, database):
    with pytest.raises(Forbidden, match='"admin"'):
        world.deploy("1.0.0", "stable", break_glass=True)
    row = world.deploy("1.0.0", "stable", by="admin", break_glass=True)
    assert (row.kind, row.decision_id) == ("break_glass", None)
    assert row.review_due_at == row.started_at + service.REVIEW_WITHIN
    with database.read() as session:
        told = session.exec(select(Alert)).one()
        noted = session.exec(select(AuditLog).where(AuditLog.action == "deployment.break_glass")).one()
    assert (told.event, told.severity, told.environment) == ("deployment.break_glass", "critical", "production")
    assert told.body["reason"] == "a test"
    assert noted.subject == "credit-default@1.0.0"


def test_people_are_told_of_what_serves_and_warned_of_a_rollback_in_production(world, database):
    world.stable("1.0.0")
    world.stable("1.1.0")
    world.roll_back()
    with database.read() as session:
        told = [(a.event, a.severity) for a in session.exec(select(Alert).order_by(Alert.id))]
        newest = session.exec(select(Alert).order_by(Alert.id.desc())).first()
    assert told == [("deployment.changed", "info")] * 4 + [("deployment.changed", "warning")]
    assert newest.title == "credit-default 1.0.0 was put back as stable in production"


def test_break_glass_into_the_canary_gives_no_right_to_stable_traffic(world):
    world.deploy("1.0.0", "canary", by="admin", break_glass=True)
    with pytest.raises(Conflict, match="promote"):
        world.deploy("1.0.0", "stable")
