"""Telling the ledger: every event once, in any order, with a reason where it does not count."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from app.db import utcnow
from app.ledger import facts, folding
from app.ledger.events import EVENT, PipelineRunEvent
from app.tables import AuditLog, LedgerEvent, Pipeline

pytestmark = pytest.mark.both_databases

COMMIT = "c0ffee" + "0" * 34
AT = datetime(2026, 3, 1, 2, tzinfo=UTC)
PIPELINE = {"name": "credit-training", "owner": "risk", "repository": "bank/credit", "models": ["credit-default"]}


def commit(name="1", **more):
    told = {"kind": "commit", "id": name, "at": "2026-03-01T02:00:00Z", "repository": "bank/credit"}
    return told | {"commit": COMMIT, "branch": "main", "author": "Ada"} | more


def a_run(name="nightly", state="succeeded", **more):
    told = {"kind": "pipeline_run", "id": f"{name}:{state}", "at": "2026-03-01T02:10:00Z"}
    return told | {"pipeline": "credit-training", "run": name, "state": state} | more


@pytest.fixture
def ci(client):
    return client("ci")


@pytest.fixture
def declared(ci):
    answer = ci.put("/api/v1/pipelines/credit-training", json=PIPELINE)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def tell(ci):
    def send(*events, status=200):
        answer = ci.post("/api/v1/ledger/events", json={"events": events})
        assert answer.status_code == status, answer.text
        return (
            [(one["status"], one["reason"]) for one in answer.json()["events"]] if status == 200 else answer.json()
        )

    return send


def test_an_event_is_stored_once(declared, tell, database):
    assert tell(commit(), a_run()) == [("recorded", ""), ("recorded", "")]
    assert tell(commit(), commit("2")) == [("known", "it was told before"), ("recorded", "")]
    assert [status for status, _ in tell(commit("3"), commit("3"))] == ["recorded", "known"]
    with database.read() as session:
        assert len(session.exec(select(LedgerEvent)).all()) == 4
        logged = session.exec(select(AuditLog.action).where(AuditLog.action == "ledger.record")).all()
    assert len(logged) == 3


def test_what_contradicts_itself_is_refused(declared, tell, database):
    tell(commit())
    [(status, reason)] = tell(commit(author="Grace"))
    assert status == "refused"
    assert "with other content" in reason
    with database.read() as session:
        assert session.exec(select(LedgerEvent)).one().body["author"] == "Ada"


def test_what_has_not_come_yet_is_refused(declared, tell):
    ahead = (utcnow() + timedelta(minutes=6)).isoformat()
    skewed = (utcnow() + timedelta(minutes=4)).isoformat()
    (refused, reason), (recorded, _) = tell(commit("1", at=ahead), commit("2", at=skewed))
    assert (refused, recorded) == ("refused", "recorded")
    assert "has not come yet" in reason


@pytest.mark.parametrize("field", ["started_at", "finished_at"])
def test_nor_may_anything_in_it_lie_in_the_future(declared, tell, field):
    """A run that began next year would be the newest for a year."""
    ahead, past = ((utcnow() + timedelta(days=days)).isoformat() for days in (365, -1))
    [(early, reason), (late, _)] = tell(a_run("1", **{field: ahead}), a_run("2", **{field: past}))
    assert (early, late) == ("refused", "recorded")
    assert reason == f"it tells of {ahead[:10]} {ahead[11:16]} UTC, which has not come yet"


def test_a_probe_has_not_seen_what_is_to_come(declared, tell):
    told = {"kind": "component", "id": "1", "at": "2026-03-01T02:00:00Z", "pipeline": "credit-training"}
    told |= {
        "component": "orchestrator",
        "name": "KFP",
        "reachable": True,
        "last_activity_at": "2099-01-01T00:00:00Z",
    }
    assert [status for status, _ in tell(told)] == ["refused"]


def test_what_names_the_unknown_is_set_aside_and_counts_once_it_is_registered(ci, tell, database):
    assert tell(a_run()) == [("set_aside", "no pipeline is registered as 'credit-training'")]
    for _ in range(2):  # told again, it counts no more than before
        assert tell(commit()) == [("set_aside", "no repository is registered as 'bank/credit'")]
    aside = ci.get("/api/v1/ledger/events", params={"set_aside": True}).json()["items"]
    assert [one["kind"] for one in aside] == ["commit", "pipeline_run"]
    ci.put("/api/v1/pipelines/credit-training", json=PIPELINE | {"models": []})
    assert ci.get("/api/v1/ledger/events", params={"set_aside": True}).json()["items"] == []
    assert tell(commit()) == [("known", "it was told before")]
    with database.read() as session:
        pipeline = session.exec(select(Pipeline)).one()
        history = facts.of_pipeline(session, pipeline, utcnow())
    assert [one.run for one in history.runs] == ["nightly"]
    assert [one.commit for one in history.commits] == [COMMIT]


def test_an_experiment_of_nobody_is_set_aside(ci, declared, tell):
    [(status, reason)] = tell(a_run(pipeline=None, experiment="notebook"))
    assert (status, reason) == ("set_aside", "it names no model and no pipeline, so nothing would read it")
    aside = ci.get("/api/v1/ledger/events", params={"set_aside": True}).json()["items"]
    assert [one["set_aside"] for one in aside] == [reason]


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (commit(commit="HEAD"), "events.0.commit.commit"),
        (commit(at="yesterday"), "events.0.commit.at"),
        (commit(at="2026-03-01T02:00:00"), "events.0.commit.at"),
        (commit(at="0001-01-01T00:00:00+14:00"), "events.0.commit.at"),
        (a_run(started_at="1969-12-31T23:59:59Z"), "events.0.pipeline_run.started_at"),
        (commit(colour="red"), "events.0.commit.colour"),
        (a_run(metrics={"auc": "NaN"}), "events.0.pipeline_run.metrics.auc"),
        (a_run(state="done"), "events.0.pipeline_run.state"),
        (a_run(started_at="2026-03-02T00:00:00Z", finished_at="2026-03-01T00:00:00Z"), "events.0"),
        ({"kind": "rumour", "id": "1", "at": "2026-03-01T02:00:00Z"}, "events.0"),
    ],
)
def test_what_is_no_event_is_refused_with_its_path(declared, tell, event, path):
    answer = tell(event, status=422)
    assert any(error["path"].startswith(path) for error in answer["errors"]), answer


def test_a_run_is_all_that_was_ever_told_of_it():
    told = [
        a_run(state="queued", at="2026-03-01T02:00:00Z", trigger="schedule"),
        a_run(state="running", at="2026-03-01T02:01:00Z", started_at="2026-03-01T02:01:00Z"),
        a_run(state="succeeded", at="2026-03-01T02:09:00Z", metrics={"auc": 0.8}),
        a_run(state="running", at="2026-03-01T02:10:00Z"),  # a late heartbeat does not reopen it
        a_run("other", state="failed"),
    ]
    events = [EVENT.validate_python(one) for one in told]
    random.Random(1).shuffle(events)
    run, other = sorted(folding.runs(events), key=lambda one: one.at)
    assert (run.run, run.state, run.trigger, run.metrics) == ("nightly", "succeeded", "schedule", {"auc": 0.8})
    assert (run.started_at, run.at) == (AT + timedelta(minutes=1), AT + timedelta(minutes=9))
    assert (other.run, other.state) == ("other", "failed")


def test_a_start_that_is_told_to_be_after_the_end_is_not_believed():
    told = [
        a_run(state="succeeded", at="2026-03-01T02:09:00Z", finished_at="2026-03-01T02:09:00Z"),
        a_run(state="running", at="2026-03-01T02:01:00Z", started_at="2026-03-01T03:00:00Z"),
    ]
    (run,) = folding.runs(EVENT.validate_python(one) for one in told)
    assert (run.state, run.started_at, run.finished_at) == ("succeeded", None, AT + timedelta(minutes=9))


STATES = st.sampled_from(["queued", "running", "succeeded", "failed", "cancelled"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(
    st.lists(st.tuples(st.sampled_from("ab"), STATES, st.integers(0, 5), st.integers(0, 3)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_folding_does_not_depend_on_the_order(told, shuffle):
    events = [
        PipelineRunEvent(
            kind="pipeline_run",
            id=f"{i:02}",
            at=AT + timedelta(minutes=minute),
            pipeline="p",
            run=name,
            state=state,
            metrics={"m": float(metric)} if metric else {},
        )
        for i, (name, state, minute, metric) in enumerate(told)
    ]
    mixed = list(events)
    shuffle.shuffle(mixed)
    assert folding.runs(mixed) == folding.runs(events)
    assert {one.run for one in folding.runs(events)} == {name for name, *_ in told}


def test_a_declared_pipeline_is_shown_and_replaced(ci, declared, database):
    again = ci.put("/api/v1/pipelines/credit-training", json=PIPELINE).json()
    assert again == declared
    other = PIPELINE | {"stages": [{"name": "train", "role": "training"}], "schedule": "0 2 * * *"}
    ci.put("/api/v1/pipelines/credit-training", json=other)
    shown = ci.get("/api/v1/pipelines/credit-training").json()
    assert (shown["owner"], shown["declaration"]["schedule"]) == ("risk", "0 2 * * *")
    with database.read() as session:
        entries = session.exec(select(AuditLog).where(AuditLog.action == "pipeline.register")).all()
    assert [entry.details["before"] is None for entry in entries] == [True, False]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": "other"}, "name"),
        ({"schedule": "at night"}, "schedule"),
        ({"stages": [{"name": "a"}, {"name": "a"}]}, ""),
        ({"components": [{"kind": "fridge", "name": "x"}]}, "components.0.kind"),
        ({"color": "red"}, "color"),
    ],
)
def test_a_pipeline_that_makes_no_sense_is_refused(ci, change, path):
    answer = ci.put("/api/v1/pipelines/credit-training", json=PIPELINE | change)
    assert answer.status_code == 422
    assert any(path in error["path"] for error in answer.json()["errors"]), answer.text
    assert ci.get("/api/v1/pipelines/credit-training").status_code == 404
