"""Features from their first commit in a real repository to the first stable deployment, over HTTP and an audit."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from app.evidence.collecting import git
from app.tables import Deployment, Version
from tests.catalog.releases import FEATURES, frames, predictions_only, register, upload
from tests.evidence.repositories import repository

NEW = ["debt", "tenure", "region_code"]
COMMITTED = {
    "debt": "2026-01-01T00:00:00Z",
    "tenure": "2026-01-11T00:00:00Z",
    "region_code": "2026-01-21T00:00:00Z",
}
SERVED = datetime(2026, 2, 10, tzinfo=UTC)


@pytest.fixture
def made(tmp_path):
    repo = repository(tmp_path / "made")
    repo.commit("first", features__shape="'mean radius', 'mean texture'\n", at="2025-12-01T00:00:00Z")
    for name, at in COMMITTED.items():
        repo.commit(name, at=at, **{f"features__{name}": f"def {name}(row): ...\n"})
    return repo


@pytest.fixture
def registered(client, tmp_path, made):
    """Version 1.0.0 without the new features, 1.1.0 with them, made from the repository's head."""
    http = client("ci")
    first = predictions_only(tmp_path)
    assert register(http, *first).is_success
    features = [{"name": name, "type": "number"} for name in (*FEATURES, *NEW)]
    code = {"feature_paths": ["features"]}
    changes = {"version__name": "1.1.0", "version__commit": made.git("rev-parse", "HEAD"), "code": code}
    manifest, files = predictions_only(tmp_path, features=features, **changes)
    for frame, path in zip(frames(), files.values(), strict=True):
        frame.assign(**dict.fromkeys(NEW, 1.0)).to_parquet(path)
    assert register(http, manifest, files).is_success
    return http


@pytest.fixture
def deployed(database, registered):
    """``deployed(version, day, ...)``: it entered an environment on that day of 2026."""

    def put(name, at, environment="production", role="stable", kind="decision"):
        with database.write() as session:
            version = session.exec(select(Version).where(Version.name == name)).one()
            where = {"environment": environment, "role": role, "kind": kind, "stage": "promote"}
            row = {"model_id": version.model_id, "version_id": version.id, "reason": "a test", "actor": "tests"}
            session.add(Deployment(**where, **row, started_at=at, ended_at=at))

    return put


@pytest.fixture
def hand_in(registered, tmp_path):
    def push(kind, content):
        path = tmp_path / kind
        path.write_bytes(content)
        body = {"kind": kind, "commit": None, **upload(registered, path)}
        answer = registered.post("/api/v1/models/tumour-malignancy/versions/1.1.0/evidence", json=body)
        assert answer.status_code == 201, answer.text

    return push


@pytest.fixture
def found(registered, work):
    def audit(environment="production"):
        asked = {"model": "tumour-malignancy", "version": "1.1.0", "checks": ["DATA-6"], "environment": environment}
        audit_id = registered.post("/api/v1/audits", json=asked).json()["id"]
        work()
        (one,) = registered.get(f"/api/v1/audits/{audit_id}/findings", params={"full": True}).json()["items"]
        return one

    return audit


def first_serving(deployed):
    """1.0.0 serves from January on; 1.1.0 is seen everywhere but in production's stable traffic first."""
    deployed("1.0.0", datetime(2026, 1, 1, tzinfo=UTC))
    early = datetime(2026, 1, 22, tzinfo=UTC)
    deployed("1.1.0", early, environment="staging")
    deployed("1.1.0", early, role="canary")
    deployed("1.1.0", early, kind="drill")


def test_from_the_first_commit_to_the_first_stable_deployment(deployed, hand_in, found, made):
    first_serving(deployed)
    deployed("1.1.0", SERVED)
    deployed("1.1.0", datetime(2026, 5, 1, tzinfo=UTC))
    hand_in("git", git.collect(made.folder, "main", ["features"], [*FEATURES, *NEW]).written())
    finding = found()
    assert (finding["verdict"], finding["cap"]) == ("pass", None)
    assert "Of the features added after 1.0.0 in production the median took 30 days (n = 3" in finding["reason"]
    assert {one["feature"]: one["days"] for one in finding["measured"]["features"]} == {
        "debt": 40,
        "tenure": 30,
        "region_code": 20,
    }
    assert finding["environment"] == "production"


def test_a_proposal_before_the_code_makes_it_longer(deployed, hand_in, found, made):
    first_serving(deployed)
    deployed("1.1.0", SERVED)
    hand_in("git", git.collect(made.folder, "main", ["features"], NEW).written())
    proposals = [{"feature": name, "proposed_at": "2025-10-01T00:00:00Z", "link": "issue 7"} for name in NEW[:2]]
    hand_in("feature-history", json.dumps({"proposals": proposals}).encode())
    finding = found()
    assert (finding["verdict"], finding["cap"]) == ("fail", "its commit cannot be tied to the version")
    assert "took 132 days" in finding["reason"]
    assert finding["measured"]["features"][0]["began"] == "proposal issue 7"


def test_proposals_alone_earn_half_at_most(deployed, hand_in, found):
    first_serving(deployed)
    deployed("1.1.0", SERVED)
    proposals = [{"feature": name, "proposed_at": "2026-01-31T00:00:00Z"} for name in NEW]
    hand_in("feature-history", json.dumps({"proposals": proposals}).encode())
    finding = found()
    assert finding["verdict"] == "pass"
    assert "known by its proposal alone" in finding["cap"]


def test_what_has_not_served_for_long_counts_against_it(deployed, hand_in, found, made):
    first_serving(deployed)
    hand_in("git", git.collect(made.folder, "main", ["features"], NEW).written())
    finding = found()
    assert finding["verdict"] == "fail"
    assert {one["version"] for one in finding["measured"]["features"]} == {None}


def test_what_is_missing_is_named(deployed, hand_in, found, made):
    assert "Missing: a version that served stable traffic in production" in found()["reason"]
    assert "Missing: an environment in which features serve" in found(None)["reason"]
    first_serving(deployed)
    assert "Missing: when work on each feature began" in found()["reason"]
