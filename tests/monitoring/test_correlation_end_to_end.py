"""From versions, their traffic (most of it in the shadow) and labels to MODEL-2's verdict, by the real worker."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from app.db import utcnow
from tests.catalog.releases import FEATURES, predictions_only, register, upload
from tests.monitoring.test_pushing import parquet

MODEL = "tumour-malignancy"
QUALITY = (0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.6, 3.4)
MIXED = (1.6, 0.4, 3.4, 0.0, 2.0, 2.6, 0.8, 1.2)
NAMES = [f"1.{number}" for number in range(len(QUALITY))]


def examples(rows, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({**dict.fromkeys(FEATURES, 12.0), "malignant": rng.integers(0, 2, rows)})


def predicted(frame, strength, seed):
    """Scores of the two classes are so many standard deviations apart."""
    noise = np.random.default_rng(seed).normal(0, 1, len(frame))
    score = 1 / (1 + np.exp(-(noise + strength * (frame["malignant"] - 0.5))))
    return frame.assign(y_pred=(score > 0.5).astype(int), y_proba=score)


@pytest.fixture
def http(client, tmp_path):
    """Eight versions, the later the better in test data; requests in two environments, their labels told once."""
    ci = client("ci")
    for number, name in enumerate(NAMES):
        made, files = predictions_only(tmp_path, version__name=name)
        predicted(examples(400, 1), QUALITY[number], number).to_parquet(files["test"])
        assert register(ci, made, files).status_code == 201
    for environment in ("production", "staging"):
        told = [{"id": f"{environment}-{n}", "label": int(y)} for n, y in enumerate(examples(500, 2)["malignant"])]
        assert ci.post("/api/v1/labels", json={"model": MODEL, "labels": told}).json()["parked"] == 500
    return ci


@pytest.fixture
def serve(http):
    """``serve("production", QUALITY[:3])``: the first versions answer all requests, one of them as stable."""

    def push(environment, qualities):
        for number, strength in enumerate(qualities):
            frame = predicted(examples(500, 2), strength, 100 + number).drop(columns="malignant")
            at = [utcnow() - timedelta(days=20) + timedelta(minutes=n) for n in range(len(frame))]
            log = parquet(frame.assign(id=[f"{environment}-{n}" for n in range(len(frame))], at=at))
            place = {"model": MODEL, "version": NAMES[number], "environment": environment}
            role = {"role": "shadow" if number else "stable", "filename": "log.parquet"}
            answer = http.post("/api/v1/predictions", params=place | role, content=log)
            assert answer.json()["new"] + answer.json()["known"] == 500, answer.text

    return push


@pytest.fixture
def found(http, work):
    def audit(environment=None):
        asked = {"model": MODEL, "version": NAMES[-1], "environment": environment, "checks": ["MODEL-2"]}
        queued = http.post("/api/v1/audits", json=asked).json()["id"]
        work()
        return http.get(f"/api/v1/audits/{queued}/findings", params={"full": True}).json()["items"][0]

    return audit


def test_from_traffic_to_a_verdict(http, serve, found, tmp_path):
    nothing = found("production")
    assert (nothing["verdict"], "evidence of the kind metric-pairs" in nothing["remedy"]) == ("inconclusive", True)
    serve("production", QUALITY[:7])
    few = found("production")
    assert (few["verdict"], few["reason"]) == ("inconclusive", "7 pairs of served versions; 8 are needed.")
    serve("production", QUALITY)
    serve("staging", MIXED)
    good, bad = found("production"), found("staging")
    assert good["verdict"] == "pass", good["reason"]
    assert good["measured"]["spearman"] > 0.9
    assert [(one["name"], one["rows"]) for one in good["measured"]["pairs"]] == [
        (name, 500) for name in NAMES[::-1]
    ]
    assert good["inputs"].keys() >= {"test of 1.0", "labels of 1.7"}
    assert {one["name"] for one in good["exhibits"]} == {"offline-online.csv", "offline-online.svg"}
    assert good["cap"] is None
    assert bad["verdict"] == "fail", bad["reason"]
    assert (bad["environment"], bad["measured"]["source"]) == ("staging", "served versions")


@pytest.mark.parametrize(
    ("role", "cap"), [("owner", "does not have the ci role"), ("ci", "could have written the figures by hand")]
)
def test_an_experiment_stands_in_for_half_a_point(http, client, found, tmp_path, role, cap):
    path = tmp_path / "pairs.csv"
    path.write_text("name,offline,online,rows\n" + "".join(f"arm {n},{n},{n * 2},300\n" for n in range(8)))
    given = {"kind": "metric-pairs", "commit": "3f2a91c", **upload(http, path)}
    where = f"/api/v1/models/{MODEL}/versions/{NAMES[-1]}/evidence"
    assert client(role).post(where, json=given).status_code == 201
    finding = found()
    assert finding["verdict"] == "pass", finding["reason"]
    assert "Over 8 handed-in experiments" in finding["reason"]
    assert cap in finding["cap"]
    assert finding["inputs"]["metric-pairs"] == given["digest"]
