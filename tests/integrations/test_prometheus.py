"""Debian's Prometheus scrapes Assay, evaluates the shipped rules."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.db import database_now
from app.tables import Deployment, Endpoint, Probe, VerdictState
from tests.audits.conftest import plant
from tests.audits.waiting import wait_until
from tests.integrations.prometheus_server import INTEGRATION, program

pytestmark = pytest.mark.slow


def rules():
    (group,) = yaml.safe_load((INTEGRATION / "assay.rules.yml").read_text())["groups"]
    return group["rules"]


# --- the files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "assay.rules.yml"),
        ("test", "rules", "assay.rules.test.yml", "assay.rules.days.test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_what_is_shipped(arguments):
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=INTEGRATION, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_has_a_case_in_which_it_fires_and_one_in_which_it_does_not():
    cases = [
        case
        for path in INTEGRATION.glob("*.test.yml")
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    for rule in rules():
        expected = [bool(case["exp_alerts"]) for case in cases if case["alertname"] == rule["alert"]]
        assert set(expected) == {True, False}, rule["alert"]


def test_rules_ask_for_what_is_exposed(client):
    """Each metric by name, and each label by which it is selected or grouped."""
    text = client("viewer").get("/metrics").text
    exposed = {one.name for one in text_string_to_metric_families(text)}
    asked = {name for rule in rules() for name in re.findall(r"\bassay_[a-z_]+", rule["expr"])}
    assert {name.removesuffix("_total") for name in asked} <= exposed
    assert len(asked) > 8


# --- a real server --------------------------------------------------------------------------------


@pytest.fixture
def fleet(database):
    """The model "bad" with what rules tell of, its healthy twin "good"."""
    with database.write() as session:
        now = database_now(session)
        for name, fine in (("bad", False), ("good", True)):
            model, version = plant(session, name)
            place = {
                "environment": "production",
                "stage": "promote",
                "kind": "decision",
                "actor": "a",
                "reason": "r",
            }
            session.add(Deployment(model_id=model.id, version_id=version.id, role="stable", **place))
            state = {"version_id": 0, "environment": "production", "check_id": "MON-2", "told": "pass", "streak": 1}
            session.add(VerdictState(model_id=model.id, seen="pass" if fine else "fail", **state))
            endpoint = Endpoint(
                model_id=model.id, name="api", environment="production", url="https://x", interval_seconds=3600,
                timeout_seconds=5, expected_status=200, tolerance=3, created_by="t",
            )  # fmt: skip
            session.add(endpoint)
            session.flush()
            session.add(Probe(endpoint_id=endpoint.id, at=now, ok=fine, seconds=0.125))


@pytest.mark.usefixtures("fleet")
def test_the_planted_condition_fires_and_its_healthy_twin_does_not(watching):
    prometheus = watching()
    wait_until(lambda: ("AssayTestFails", "bad", "firing") in prometheus.alerts())
    wait_until(lambda: ("AssayEndpointDown", "bad", "pending") in prometheus.alerts())
    assert prometheus.value('up{job="assay"}') == 1
    assert prometheus.value('assay_endpoint_probe_seconds{model="good"}') == 0.125
    assert prometheus.value('assay_deployed_version_info{model="good", version="1.0.0", role="stable"}') == 1
    wait_until(lambda: ("AssayDown", "", "pending") not in prometheus.alerts())  # before it had scraped at all
    told = {(name, model) for name, model, _ in prometheus.alerts()}
    assert told == {
        ("AssayTestFails", "bad"),
        ("AssayEndpointDown", "bad"),
        ("AssayServesUnaudited", "bad"),
        ("AssayServesUnaudited", "good"),
    }
    assert {state for name, _, state in prometheus.alerts() if name == "AssayServesUnaudited"} == {"pending"}


def test_without_a_valid_token_the_target_is_down(watching):
    prometheus = watching("asy_wrong")
    wait_until(lambda: prometheus.value("up") == 0)
    wait_until(lambda: ("AssayDown", "", "pending") in prometheus.alerts())
    (target,) = prometheus.get("targets")["activeTargets"]
    assert "401" in target["lastError"]
