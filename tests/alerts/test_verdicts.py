"""When a verdict's turn is told, and when it is only followed."""

import pytest
from sqlmodel import select

from app.audits import ledger
from app.tables import Alert, Audit, Finding, VerdictState, Version
from tests.audits.conftest import plant, planted, queue

pytestmark = pytest.mark.both_databases

__all__ = ["planted", "queue"]

P, F, I, E, N = "pass", "fail", "inconclusive", "error", "not_applicable"  # noqa: E741


@pytest.fixture
def audit(database, settings):
    """``audit({"MON-2": "fail"}, version=..., environment=...)``: an audit that found this, through the ledger."""

    def run(found, version="1.0.0", environment="staging") -> int:
        with database.write() as session:
            row = session.exec(select(Version).where(Version.name == version)).first()
            row = row or plant(session, version=version)[1]
            columns = {"trigger": "schedule", "actor": "scheduler", "automatic": True, "progress": {}}
            audit = Audit(model_id=row.model_id, version_id=row.id, checks=list(found), **columns)
            audit.environment = environment
            session.add(audit)
        claim = ledger.claim(database, "w", settings)
        empty = {"remedy": "", "measured": {}, "thresholds": {}, "exhibits": [], "inputs": {}, "seconds": 0.0}
        rows = [{"check_id": k, "verdict": v, "reason": f"{k} says {v}.", **empty} for k, v in found.items()]
        ledger.finish(database, claim, rows)
        return claim.audit_id

    return run


@pytest.fixture
def alerts(database):
    def read() -> list[Alert]:
        with database.read() as session:
            return list(session.exec(select(Alert).order_by(Alert.id)).all())

    return read


def turns(alert):
    return [(one["test"], one["from"], one["to"]) for one in alert.body["tests"]]


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ([P], []),
        ([I], []),
        ([N], []),
        ([F], ["none fail"]),
        ([P, F], ["pass fail"]),
        ([P, F, F, F], ["pass fail"]),
        ([P, F, P, F, P, F], ["pass fail"]),
        ([F, P], ["none fail"]),
        ([F, P, P], ["none fail", "fail pass"]),
        ([F, P, I, P], ["none fail"]),
        ([F, P, N, P], ["none fail", "fail pass"]),
        ([F, P, P, F], ["none fail", "fail pass", "pass fail"]),
        ([P, I], []),
        ([P, I, P, E, P], []),
        ([P, I, E], ["pass blind"]),
        ([P, I, E, I, P], ["pass blind"]),
        ([P, I, E, I, P, P], ["pass blind", "blind pass"]),
        ([I, I, F], ["blind fail"]),
        ([I, P, P], ["blind pass"]),
        ([F, I], ["none fail"]),
        ([F, I, I], ["none fail", "fail blind"]),
        ([F, I, F, I, F], ["none fail"]),
    ],
    ids=lambda value: " ".join(value) if value and " " not in value[0] else "",
)
def test_hysteresis(audit, alerts, verdicts, told):
    for verdict in verdicts:
        audit({"MON-2": verdict})
    assert [f"{turn[1]} {turn[2]}" for one in alerts() for turn in turns(one)] == told


def test_all_turns_of_an_audit_are_one_alert(audit, alerts, subscribe, deliveries, database):
    subscribe()
    audit({"MON-2": P, "MON-3": P, "MON-4": F, "MON-6": P})
    audit({"MON-2": F, "MON-3": F, "MON-4": P, "MON-6": P})
    audit_id = audit({"MON-2": F, "MON-3": F, "MON-4": P, "MON-6": F})
    first, second, third = alerts()
    assert first.title == "tumour-malignancy in staging: 1 test turned to fail"
    assert second.title == "tumour-malignancy in staging: 2 tests turned to fail"
    assert turns(second) == [("MON-2", "pass", "fail"), ("MON-3", "pass", "fail")]
    assert third.title == "tumour-malignancy in staging: 1 test turned to fail, 1 test recovered"
    assert turns(third) == [("MON-4", "fail", "pass"), ("MON-6", "pass", "fail")]
    assert len(deliveries()) == 3
    assert third.body["path"] == f"/audits/{audit_id}"
    assert third.body["lines"] == [
        "MON-4 Models are not too stale: pass (fail before). MON-4 says pass.",
        "MON-6 Computing performance has not regressed: fail (pass before). MON-6 says fail.",
    ]
    with database.read() as session:
        finding = session.exec(
            select(Finding).where(Finding.audit_id == audit_id, Finding.check_id == "MON-6")
        ).one()
    assert third.body["tests"][1]["finding_path"] == f"/findings/{finding.id}"


@pytest.mark.parametrize(
    ("environment", "verdicts", "severity"),
    [
        ("production", [F], "critical"), ("eu-production", [F], "critical"), ("staging", [F], "warning"),
        (None, [F], "warning"), ("production", [F, P, P], "info"), ("production", [P, I, I], "warning"),
    ],
)  # fmt: skip
def test_severity(audit, alerts, environment, verdicts, severity):
    for verdict in verdicts:
        audit({"MON-2": verdict}, environment=environment)
    assert alerts()[-1].severity == severity
    assert alerts()[-1].environment == environment


def test_tests_of_the_system_go_on_from_version_to_version_in_each_environment(audit, alerts, database):
    audit({"MON-2": F}, version="1.0.0")
    audit({"MON-2": F}, version="1.1.0")
    assert len(alerts()) == 1
    audit({"MON-2": F}, version="1.1.0", environment="production")
    assert len(alerts()) == 2
    with database.read() as session:
        states = session.exec(select(VerdictState)).all()
    assert {(one.version_id, one.environment) for one in states} == {(0, "staging"), (0, "production")}


def test_tests_of_a_version_are_told_of_each_version_once(audit, alerts):
    audit({"DATA-1": F}, version="1.0.0", environment=None)
    audit({"DATA-1": F}, version="1.0.0", environment="staging")
    assert [one.title for one in alerts()] == ["tumour-malignancy 1.0.0: 1 test turned to fail"]
    audit({"DATA-1": F}, version="1.1.0")
    assert len(alerts()) == 2


def test_a_finding_that_is_not_stored_is_not_told(audit, alerts, database, settings, queue):
    audit_id = queue("MON-2")
    claim = ledger.claim(database, "w", settings)
    with database.write() as session:
        session.get(Audit, audit_id).cancel_requested = True
    ledger.finish(database, claim, [])
    assert alerts() == []


def test_an_audit_that_is_given_up_is_told(alerts, database, settings, queue):
    settings = settings.model_copy(update={"audit_attempts": 1})
    audit_id = queue("MON-2", environment="production")
    claim = ledger.claim(database, "w", settings)
    ledger.fail_attempt(database, claim, settings, "MemoryError: too much")
    (alert,) = alerts()
    assert (alert.event, alert.severity) == ("audit.failed", "critical")
    assert alert.title == f"tumour-malignancy 1.0.0 in production: audit {audit_id} failed"
    assert "MemoryError: too much" in alert.body["lines"][0]
