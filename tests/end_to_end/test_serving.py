"""Serving as a user runs it: deployed, asked, drilled, audited and rolled back against a real server."""

from __future__ import annotations

import time
from datetime import timedelta

import httpx2
import numpy as np
import pytest
import yaml
from sqlmodel import func, select

from app.client import Assay
from app.db import Database, utcnow
from app.tables import Model, RequestCount, RollbackDrill, Version
from tests.catalog.releases import FEATURES, frames, with_skops
from tests.end_to_end.test_service import free_port, started

pytestmark = pytest.mark.slow

MODEL = "tumour-malignancy"
OLD, NEW = "1.0.0", "1.1.0"
ABOUT = ("INFRA-5", "INFRA-6", "INFRA-7", "MON-6")
COLUMNS = {"id": "id", "time": "at", "prediction": "y_pred", "probability": "y_proba", "latency": "latency_ms"}
POLICY = """
assay_policy: 1
name: {name}
decision_lifetime_hours: {hours}
stages:
  admit: {{{asked}}}
"""


class House:
    """The service, with a token of each role."""

    def __init__(self, service) -> None:
        self.service = service
        self.tokens = {
            role: service.assay("token", "create", "--name", role, "--role", role).stdout.strip()
            for role in ("ci", "admin", "reviewer", "client")
        }
        self.database = Database(service.settings.sqlalchemy_url)

    def assay(self, *arguments: str, by: str = "ci", url: str = ""):
        self.service.token = self.tokens[by]
        return self.service.assay(*arguments, url=url)

    def must(self, *arguments: str, by: str = "ci") -> str:
        done = self.assay(*arguments, by=by)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def client(self, by: str = "ci") -> Assay:
        return Assay(self.service.url, self.tokens[by])

    def put(self, version: str, environment: str, role: str = "stable") -> str:
        place = ("-e", environment, "--role", role, "--break-glass", "--reason", "a test")
        return self.must("deploy", f"{MODEL}@{version}", *place, by="admin")

    def policy(self, name: str, asked: str, hours: float = 24) -> None:
        with self.client("admin") as admin:
            admin.put_policy(name, POLICY.format(name=name, hours=hours, asked=asked))

    def findings(self, environment: str, *checks: str, version: str = NEW) -> dict[str, dict]:
        with self.client() as ci:
            audit = ci.run_audit(MODEL, version, environment=environment, checks=list(checks or ABOUT))
            *_, ended = ci.watch_audit(audit["id"], timeout=240)
            assert ended["status"] == "succeeded", ended
            return {finding["check_id"]: finding for finding in ci.findings(audit["id"])}


@pytest.fixture(scope="module")
def house(tmp_path_factory, elsewhere):
    folder = tmp_path_factory.mktemp("release")
    manifest, _ = with_skops(folder)
    (folder / "assay.yaml").write_text(yaml.safe_dump(manifest))
    with elsewhere(tmp_path_factory.mktemp("serving")) as settings, started(settings) as service:
        made = House(service)
        for version in (OLD, NEW):
            made.must("model", "register", "-f", str(folder / "assay.yaml"), "--version", version)
        yield made
        made.database.dispose()


# --- what the tests of serving find -------------------------------------------------------------------


def verdicts(found) -> dict[str, str]:
    return {test_id: finding["verdict"] for test_id, finding in found.items()}


@pytest.fixture(scope="module")
def before(house):
    """Audited where nothing was ever deployed."""
    house.policy("quiet", "must_not_fail: [DATA-1]")
    return house.findings("quiet")


@pytest.fixture(scope="module")
def served(house, before):
    """1.1.0 asked as canary beside 1.0.0, promoted, and a drill on top of that."""
    house.put(OLD, "production")
    house.put(NEW, "production", "canary")
    ask_both(house)
    house.put(NEW, "production")
    drill = house.must("rollback", MODEL, "-e", "production", "--drill")
    return house.findings("production"), drill


def ask_both(house) -> None:
    """Every row of the test data to the stable version and to the canary, in turns; waits until it is stored."""
    headers = {"Authorization": f"Bearer {house.tokens['client']}"}
    rows = frames()[1][FEATURES].to_dict("records")
    with httpx2.Client(base_url=f"{house.service.url}/v2/models/{MODEL}", headers=headers, timeout=90) as client:
        for row in rows:
            tensors = [
                {"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in row.items()
            ]
            for path in ("/infer", f"/versions/{NEW}/infer"):
                assert client.post(path, json={"inputs": tensors}).status_code == 200
    deadline = time.monotonic() + 60
    while True:
        with house.database.read() as session:
            if session.exec(select(func.sum(RequestCount.requests))).one() == 2 * len(rows):
                return
        assert time.monotonic() < deadline, "the requests were not stored"
        time.sleep(0.2)


def test_without_traffic_canary_or_drill_nothing_can_be_said(before):
    assert verdicts(before) == dict.fromkeys(ABOUT, "inconclusive")
    assert "logged predictions of this version in quiet" in before["INFRA-5"]["reason"]
    assert "was no canary in the audit's environment" in before["INFRA-6"]["reason"]
    assert "a rollback drill" in before["INFRA-7"]["reason"]
    assert "logged latencies or training runs" in before["MON-6"]["reason"]


def test_what_is_deployed_asked_and_drilled_passes(served):
    found, drill = served
    assert verdicts(found) == dict.fromkeys(ABOUT, "pass"), {k: f["reason"] for k, f in found.items()}
    assert "All of 284 logged predictions were computed again alike" in found["INFRA-5"]["reason"]
    assert "284 of 284 rows are served as predicted offline" in found["INFRA-6"]["reason"]
    assert "got 50.0% of the requests of its time, 0 of 284 without an answer" in found["INFRA-6"]["reason"]
    assert "(production, 1.1.0 to 1.0.0, 0.0 days ago)" in found["INFRA-7"]["reason"]
    assert "of 1.0.0" in found["MON-6"]["reason"]
    assert drill.startswith("drill in production, 1.1.0 to 1.0.0: there in ")
    assert ", 0 failed" in drill


def push(house, folder, version: str, slower: float = 1.0, altered: int = 0) -> None:
    """The test data as another server would have answered it in staging, ``altered`` probabilities among it."""
    rows = frames()[1].drop(columns="malignant")
    rows = rows.assign(id=[f"{version}-{i}" for i in range(len(rows))], latency_ms=10 * slower)
    rows["latency_ms"] *= np.random.default_rng(1).gamma(20, 0.05, len(rows))
    rows["at"] = [utcnow() - timedelta(minutes=90) + timedelta(seconds=i) for i in range(len(rows))]
    rows.loc[: altered - 1, "y_proba"] = 1 - rows.loc[: altered - 1, "y_proba"]
    rows.to_parquet(folder / f"{version}.parquet")
    with house.client() as ci:
        stored = ci.push_predictions(
            MODEL, version, folder / f"{version}.parquet", environment="staging", columns=COLUMNS
        )
    assert stored["new"] == len(rows)


def plant_drill(house, **columns) -> None:
    with house.database.write() as session:
        model = session.exec(select(Model)).one()
        old, new = session.exec(select(Version.id).order_by(Version.id)).all()
        row = {"there_seconds": 2.0, "back_seconds": 2.0, "requests": 80, "ended_at": utcnow()} | columns
        about = {"model_id": model.id, "environment": "staging", "actor": "tests", "automatic": True}
        session.add(RollbackDrill(from_version_id=new, to_version_id=old, **about, **row))


def test_each_fails_for_its_own_reason(house, served, tmp_path):
    house.put(OLD, "staging")
    house.put(NEW, "staging")
    push(house, tmp_path, OLD)
    push(house, tmp_path, NEW, slower=1.5, altered=3)
    plant_drill(house, there_seconds=61.0)
    found = house.findings("staging", "INFRA-5", "INFRA-7", "MON-6")
    assert verdicts(found) == dict.fromkeys(("INFRA-5", "INFRA-7", "MON-6"), "fail"), found
    assert "Of 284 logged predictions 3 are computed otherwise now" in found["INFRA-5"]["reason"]
    assert "the way there took 61.0 s, where 60 s are allowed" in found["INFRA-7"]["reason"]
    assert "(1.50 x, 95 % interval" in found["MON-6"]["reason"]
    plant_drill(house, failed_requests=2, error="no answer")
    lost = house.findings("staging", "INFRA-7")["INFRA-7"]
    assert (lost["verdict"], "2 of 80 requests failed. It said: no answer" in lost["reason"]) == ("fail", True)


# --- the command line ---------------------------------------------------------------------------------


def number(told: str, before: str) -> str:
    """The number after a word."""
    return told.split(before, maxsplit=1)[1].split(maxsplit=1)[0].strip("(),.:")


def refused(done, *told: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    for part in told:
        assert part in done.stderr


def test_a_deployment_without_decision_with_one_and_with_one_used_up(house):
    house.policy("guarded", "must_not_fail: [DATA-1]")
    deploy = ("deploy", f"{MODEL}@{OLD}", "-e", "guarded")
    refused(
        house.assay(*deploy),
        f"There is no decision to admit {MODEL} {OLD} to guarded (stable).",
        f"assay gate check {MODEL}@{OLD} --environment guarded --stage admit --wait",
    )
    house.must("gate", "check", f"{MODEL}@{OLD}", "-e", "guarded", "--wait")
    told = house.must(*deploy)
    decision, deployment = number(told, "by decision "), number(told, "(deployment ")
    assert told == f"{MODEL} {OLD} is stable in guarded (deployment {deployment}, by decision {decision})\n"
    refused(house.assay(*deploy), f"{OLD} is stable in guarded already (deployment {deployment})")
    house.must("deployments", "stop", deployment)
    refused(
        house.assay(*deploy, "--decision", decision),
        f"Decision {decision} was consumed by deployment {deployment}",
        "assay gate check",
    )
    assert "by decision" in house.must(*deploy, "--wait")


def test_a_decision_that_has_expired_lets_nobody_in(house):
    house.policy("hasty", "must_not_fail: [DATA-1]", hours=0.0001)
    house.must("gate", "check", f"{MODEL}@{OLD}", "-e", "hasty", "--wait")
    time.sleep(0.5)
    refused(
        house.assay("deploy", f"{MODEL}@{OLD}", "-e", "hasty"), "expired at", "Get a decision: assay gate check"
    )


def test_a_gate_that_does_not_know_and_a_service_that_is_down_are_told_apart(house):
    house.policy("strict", "must_pass: [INFRA-2]")  # nobody handed in unit tests
    deploy = ("deploy", f"{MODEL}@{OLD}", "-e", "strict", "--wait")
    unknown = house.assay(*deploy)
    assert (unknown.returncode, "INFRA-2" in unknown.stdout) == (2, True), unknown
    assert house.assay(*deploy, url=f"http://127.0.0.1:{free_port()}").returncode == 3
    assert house.assay("deploy", f"{MODEL}@{OLD}").returncode == 64


def test_going_back_and_trying_it(house):
    house.policy("back", "must_not_fail: [DATA-1]")
    there = ("rollback", MODEL, "-e", "back")
    refused(house.assay(*there), "has no stable version in back")
    house.put(OLD, "back")
    refused(house.assay(*there, "--drill"), "There is no earlier stable version")
    house.put(NEW, "back")
    assert house.must(*there, "--drill").startswith(f"drill in back, {NEW} to {OLD}: there in ")
    assert f"{MODEL} {OLD} is stable in back (deployment " in house.must(*there)
    refused(house.assay(*there), "known to be good")


def test_broken_glass_is_reviewed_by_somebody_else(house):
    house.policy("broken", "must_not_fail: [DATA-1]")
    told = house.put(OLD, "broken")
    assert "by break-glass" in told
    review = ("deployments", "review", number(told, "(deployment "), "--outcome", "justified", "--note", "it burnt")
    refused(house.assay(*review, by="admin"), "admin broke the glass: another person has to review it")
    assert "by admin is reviewed: justified" in house.must(*review, by="reviewer")
    refused(house.assay(*review, by="reviewer"), "reviewer has reviewed deployment")
