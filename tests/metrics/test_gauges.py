"""What /metrics reads from the database, of few models and of hundreds."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from app.db import database_now
from app.metrics import Metrics
from app.metrics.scores import Scores
from app.tables import Alert, Attestation, Audit, Deployment, Endpoint, Probe, Schedule, ScheduleSlot, VerdictState
from checks.contract import Scope
from checks.rubric import TESTS
from tests.audits.conftest import plant

PLACE = {"environment": "production", "stage": "promote", "kind": "decision", "reason": "r", "actor": "a"}


@pytest.fixture
def metrics(settings):
    """With time enough for a few scores on a machine that is busy."""
    made = Metrics(settings)
    made._scores = Scores(budget=60)
    return made


@pytest.fixture
def page(database, metrics):
    """``page()``: {(name, labels as a frozenset of pairs): value}; a name once, a sample once."""

    def read(of=metrics):
        with database.read() as session:
            text = of.render(session).decode()
        families = list(text_string_to_metric_families(text))
        names = [one.name for one in families]
        assert len(names) == len(set(names))
        samples = [(one.name, frozenset(one.labels.items()), one.value) for f in families for one in f.samples]
        assert len({one[:2] for one in samples}) == len(samples)
        return {(name, labels): value for name, labels, value in samples}

    return read


def of(found, name, **labels):
    """The values of the samples of that name that carry these labels."""
    return [value for (key, has), value in found.items() if key == name and set(labels.items()) <= has]


def audit(model, version, status="succeeded", **columns):
    row = {"checks": [], "trigger": "schedule", "actor": "s", "automatic": True, "progress": {}} | columns
    return Audit(model_id=model.id, version_id=version.id, status=status, **row)


@pytest.mark.both_databases
def test_what_is_told_of_a_model(database, page):
    with database.write() as session:
        now = database_now(session)
        model, old = plant(session, "credit-default", "1.0.0")
        _, new = plant(session, "credit-default", "1.1.0")
        plant(session, "idle")
        session.add(Deployment(model_id=model.id, version_id=old.id, role="stable", **PLACE))
        ended = {"ended_at": now, "outcome": "replaced"}
        session.add(Deployment(model_id=model.id, version_id=new.id, role="canary", **PLACE, **ended))
        session.add(audit(model, old, environment="production", finished_at=now - timedelta(hours=2)))
        session.add(audit(model, old, environment="production", finished_at=now - timedelta(hours=9)))
        session.add(audit(model, old, environment="production", finished_at=now, status="failed"))
        session.add(audit(model, new, finished_at=now - timedelta(hours=1)))
        session.add(audit(model, new, "queued", created_at=now - timedelta(minutes=5)))
        for severity in ("critical", "critical", "info"):
            session.add(Alert(model_id=model.id, event="audit.failed", severity=severity, title="t", body={}))
        session.add(Alert(event="audit.failed", severity="info", title="t", body={}))
        session.add(Alert(model_id=model.id, event="x", severity="info", title="t", body={}, acknowledged_by="p",
                          acknowledged_at=now))  # fmt: skip
    found = page()
    about = of(found, "assay_model_info", model="credit-default", owner="o", risk_tier="low", version="1.1.0")
    assert about == [1]
    assert of(found, "assay_model_info", model="idle", version="1.0.0") == [1]
    assert of(found, "assay_deployed_version_info") == [1]
    assert of(found, "assay_deployed_version_info", version="1.0.0", role="stable") == [1]
    newest = "assay_newest_audit_timestamp_seconds"
    assert of(found, newest, model="credit-default", environment="production") == [
        pytest.approx((now - timedelta(hours=2)).timestamp())
    ]
    assert of(found, newest, environment="") == [pytest.approx((now - timedelta(hours=1)).timestamp())]
    assert of(found, newest, model="idle") == []
    assert of(found, "assay_oldest_queued_audit_seconds") == [pytest.approx(300, abs=60)]
    assert of(found, "assay_open_alerts", model="credit-default", severity="critical") == [2]
    assert of(found, "assay_open_alerts", model="credit-default", severity="info") == [1]
    assert of(found, "assay_open_alerts", model="", severity="info") == [1]
    assert of(found, "assay_score", model="credit-default") == [0]
    assert len(of(found, "assay_section_score", model="credit-default")) == 4


@pytest.mark.both_databases
def test_verdicts_are_those_of_the_system_and_of_versions_that_matter(database, page):
    with database.write() as session:
        model, retired = plant(session, "credit-default", "1.0.0")
        serving, newest = (plant(session, "credit-default", name)[1] for name in ("1.1.0", "1.2.0"))
        session.add(Deployment(model_id=model.id, version_id=serving.id, role="stable", **PLACE))
        told = {"told": "pass", "streak": 1}
        for version, test, seen in (
            (0, "MON-2", "fail"), (retired.id, "DATA-1", "fail"), (serving.id, "DATA-1", "pass"),
            (newest.id, "DATA-1", "blind"),
        ):  # fmt: skip
            where = "" if version else "production"
            row = {"version_id": version, "environment": where, "check_id": test, "seen": seen}
            session.add(VerdictState(model_id=model.id, **row, **told))
    found = page()
    assert sorted(dict(has)["version"] for (name, has) in found if name == "assay_test_verdict") == [
        "",
        "1.1.0",
        "1.2.0",
    ]
    name = "assay_test_verdict"
    assert of(found, name, test="MON-2", verdict="fail", environment="production", version="") == [1]
    assert of(found, name, test="DATA-1", verdict="pass", version="1.1.0") == [1]
    assert of(found, name, test="DATA-1", verdict="blind", version="1.2.0") == [1]


@pytest.mark.both_databases
def test_schedules_and_endpoints(database, page):
    with database.write() as session:
        now = database_now(session)
        model, _ = plant(session, "credit-default")
        followed, left = (
            Schedule(model_id=model.id, environment=where, cron="0 * * * *", created_at=now - timedelta(days=40))
            for where in ("staging", "production")
        )
        session.add_all([followed, left])
        session.flush()
        session.add(ScheduleSlot(schedule_id=followed.id, slot=now))
        for days in (1, 2, 31):
            slot = {"schedule_id": left.id, "slot": now - timedelta(days=days), "status": "missed"}
            session.add(ScheduleSlot(**slot, reason="r"))
        fields = {"url": "https://x", "interval_seconds": 60, "timeout_seconds": 5, "expected_status": 200}
        fields |= {"tolerance": 3, "created_by": "t", "environment": "production", "model_id": model.id}
        for name, probes in (
            ("up", [(30, True, 0.25), (90, False, 9)]),
            ("down", [(30, False, 0.5), (90, True, 9)]),
            ("late", [(91, True, 9)]),
            ("refused", [(5, None, 0)]),
            ("new", []),
            ("removed", [(5, True, 0.1)]),
        ):
            endpoint = Endpoint(name=name, **fields, removed_at=now if name == "removed" else None)
            session.add(endpoint)
            session.flush()
            for age, ok, seconds in probes:
                session.add(Probe(endpoint_id=endpoint.id, at=now - timedelta(seconds=age), ok=ok, seconds=seconds))
    found = page()
    assert of(found, "assay_schedule_missed_slots", environment="staging") == [0]
    assert of(found, "assay_schedule_missed_slots", environment="production") == [2]
    assert of(found, "assay_schedule_overdue_seconds", environment="staging") == [0]
    assert of(found, "assay_schedule_overdue_seconds", environment="production")[0] > 3600
    up = {dict(has)["endpoint"]: value for (name, has), value in found.items() if name == "assay_endpoint_up"}
    assert up == {"up": 1, "down": 0}
    assert of(found, "assay_endpoint_probe_seconds", endpoint="up") == [0.25]


# --- hundreds of models ---------------------------------------------------------------------------


@contextmanager
def counting(engine):
    """The statements that are run meanwhile."""
    statements = []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plant_fleet(session, names):
    now = database_now(session)
    for name in names:
        model, version = plant(session, name)
        session.add(Deployment(model_id=model.id, version_id=version.id, role="stable", **PLACE))
        session.add(Schedule(model_id=model.id, environment="production", cron="0 6 * * *", created_at=now))
        session.add(audit(model, version, environment="production", finished_at=now))
        endpoint = Endpoint(
            model_id=model.id, name="api", environment="production", url="https://x", interval_seconds=60,
            timeout_seconds=5, expected_status=200, tolerance=3, created_by="t",
        )  # fmt: skip
        session.add(endpoint)
        session.flush()
        session.add(Probe(endpoint_id=endpoint.id, at=now, ok=True, seconds=0.1))
        for test in TESTS:
            of_version = 0 if test.scope is Scope.SYSTEM else version.id
            state = {"environment": "", "check_id": test.id, "told": "pass", "seen": "pass", "streak": 1}
            session.add(VerdictState(model_id=model.id, version_id=of_version, **state))


@pytest.mark.both_databases
def test_hundreds_of_models_take_as_many_statements_as_one(database, settings, page):
    metrics = Metrics(settings)
    metrics._scores = Scores(budget=0)  # one model a page
    with database.write() as session:
        plant_fleet(session, ["first"])
    page(metrics)
    with counting(database.engine) as few:
        page(metrics)
    with database.write() as session:
        plant_fleet(session, [f"model-{i}" for i in range(300)])
    with counting(database.engine) as many:
        found = page(metrics)
    assert len(many) == len(few)
    assert len(of(found, "assay_test_verdict")) == 301 * 28
    assert len(of(found, "assay_endpoint_up")) == 301


def test_scores_take_turns(database, settings, page):
    with database.write() as session:
        for name in "abcde":
            plant(session, name)
    metrics = Metrics(settings)
    metrics._scores = Scores(budget=0)
    seen = [len(of(page(metrics), "assay_score")) for _ in range(6)]
    assert seen == [1, 2, 3, 4, 5, 5]
    at = [known for known, _ in metrics._scores._known.values()]
    page(metrics)
    after = [known for known, _ in metrics._scores._known.values()]
    assert [one == other for one, other in zip(at, after, strict=True)] == [True, False, True, True, True]


def test_a_small_fleet_is_always_fresh(database, page):
    with database.write() as session:
        now = database_now(session)
        pairs = [plant(session, name) for name in "abc"]
    assert of(page(), "assay_section_score", model="b", section="data") == [0]
    with database.write() as session:
        model, version = pairs[1]
        session.add(
            Attestation(
                model_id=model.id, version_id=version.id, test_id="DATA-2", person="p", what="w", result="pass",
                recipients=[], created_by="t", link="https://x", expires_at=now + timedelta(days=1),
            )
        )  # fmt: skip
    assert of(page(), "assay_section_score", model="b", section="data") == [0.5]
