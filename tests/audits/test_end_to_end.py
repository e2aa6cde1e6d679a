"""Registered over HTTP, audited by the worker with the rubric's own checks on a real model."""

from __future__ import annotations

import pytest

from checks import discover
from tests.catalog.releases import predictions_only, register, upload, with_skops

KINDS = ("random_input", "loss_decreases", "overfits_tiny", "save_load")
CASE = '<testcase name="{0}"><properties><property name="assay" value="{0}"/></properties></testcase>'
JUNIT = f"<testsuite>{''.join(CASE.format(kind) for kind in KINDS)}</testsuite>"
COMMIT = "3f2a91c"


@pytest.fixture
def registered(client, tmp_path):
    """``registered(release, evidence)``: model and version, registered with these handed-in files."""

    def make(release, **reports):
        http = client("ci")
        made, files = release(tmp_path)
        evidence = []
        for kind, (content, commit) in reports.items():
            path = tmp_path / f"{kind}.xml"
            path.write_text(content)
            evidence.append({"kind": kind, "commit": commit, **upload(http, path)})
        answer = register(http, made, files, evidence=evidence)
        assert answer.status_code == 201, answer.text
        return {"model": made["model"]["name"], "version": made["version"]["name"]}

    return make


@pytest.fixture
def audit(client, work):
    """``audit(asked)``: (the audit, its findings by check in full) once the worker is done."""

    def run(asked, role="ci"):
        http = client(role)
        audit_id = http.post("/api/v1/audits", json=asked).json()["id"]
        work()
        findings = http.get(f"/api/v1/audits/{audit_id}/findings", params={"full": True}).json()["items"]
        return http.get(f"/api/v1/audits/{audit_id}").json(), {one["check_id"]: one for one in findings}

    return run


def test_every_check_answers_about_a_real_model(registered, audit, client):
    asked = registered(with_skops, junit=(JUNIT, COMMIT))
    done, findings = audit(asked)
    assert done["status"] == "succeeded"
    assert list(findings) == list(discover())
    assert {test_id: step["verdict"] for test_id, step in done["progress"].items()} == {
        test_id: one["verdict"] for test_id, one in findings.items()
    }
    assert [one["reason"] for one in findings.values() if one["verdict"] == "error"] == []
    assert [findings[test_id]["verdict"] for test_id in ("DATA-1", "INFRA-2")] == ["pass", "pass"]
    assert findings["DATA-1"]["inputs"].keys() == {"train", "organisation policy"}
    assert findings["DATA-1"]["measured"]["rows"] == 285
    assert findings["INFRA-2"]["cap"] is None
    assert findings["MODEL-5"]["inputs"].keys() >= {"train", "test", "artifact"}
    assert all(one["automatic"] for one in findings.values())


def test_two_audits_find_the_same_and_a_persons_is_not_automatic(registered, audit):
    asked = registered(with_skops) | {"checks": ["DATA-1", "MODEL-6", "INFRA-4"]}
    _, first = audit(asked)
    _, second = audit(asked, role="owner")
    told = ("verdict", "reason", "measured", "inputs", "thresholds", "exhibits")
    assert [[one[key] for key in told] for one in first.values()] == [
        [one[key] for key in told] for one in second.values()
    ]
    assert {one["automatic"] for one in first.values()} == {True}
    assert {one["automatic"] for one in second.values()} == {False}


def test_what_a_model_is_needed_for_is_inconclusive_without_one(registered, audit):
    asked = registered(predictions_only, junit=(JUNIT, None))
    done, findings = audit(asked | {"checks": ["DATA-1", "DATA-2", "INFRA-2", "INFRA-4"]})
    assert done["status"] == "succeeded"
    assert findings["DATA-1"]["verdict"] == "pass"
    assert findings["DATA-2"]["verdict"] == "inconclusive"
    assert "predictions only" in findings["DATA-2"]["reason"]
    assert findings["INFRA-4"]["verdict"] not in {"error", "inconclusive"}
    assert findings["INFRA-4"]["inputs"].keys() >= {"test"}
    assert "artifact" not in findings["INFRA-4"]["inputs"]
    assert (findings["INFRA-2"]["verdict"], findings["INFRA-2"]["cap"]) == (
        "pass",
        "its commit cannot be tied to the version",
    )
