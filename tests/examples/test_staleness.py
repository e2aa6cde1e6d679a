"""train.py --staleness, as its README says, up to MODEL-4's verdict."""

from __future__ import annotations

import pytest

from app.catalog.manifest import parse
from tests.catalog.releases import register, upload
from tests.examples.test_recipes import run

pytestmark = pytest.mark.slow

MADE_BY_TESTS = "junit"


def test_what_ageing_costs_is_known_from_what_the_example_hands_in(client, work, tmp_path):
    run("credit-default", "train.py", "--recipe", "1.0.0", "--out", tmp_path, "--staleness")
    manifest = parse((tmp_path / "assay.yaml").read_text())
    ci = client("ci")
    evidence = [
        {"kind": one.kind, **upload(ci, tmp_path / one.path)}
        for one in manifest.evidence
        if one.kind != MADE_BY_TESTS
    ]
    files = {part: tmp_path / path for part, path in manifest.uploads.items()}
    answer = register(ci, manifest.model_dump(mode="json"), files, evidence=evidence)
    assert answer.status_code == 201, answer.text
    asked = {"model": "credit-default", "version": "1.0.0", "checks": ["MODEL-4"]}
    audit = ci.post("/api/v1/audits", json=asked).json()["id"]
    work()
    (finding,) = ci.get(f"/api/v1/audits/{audit}/findings", params={"full": True}).json()["items"]
    assert finding["verdict"] == "pass", finding["reason"]
    assert finding["reason"].startswith("Trained to 4 dates over 150 days; roc_auc 0.82")
    assert [round(one["days_older"]) for one in finding["measured"]["curve"]] == [45, 90, 150]
    assert {one["name"] for one in finding["exhibits"]} == {"staleness.csv", "staleness.svg"}
