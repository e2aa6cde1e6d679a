"""From logs and labels of a server elsewhere to MON-7's verdict, by the real worker."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from app.db import utcnow
from tests.catalog.releases import frames, predictions_only, register
from tests.monitoring.test_pushing import parquet

WHERE = {"model": "tumour-malignancy", "version": "1.0.0", "environment": "production"}


@pytest.fixture
def http(client, tmp_path):
    ci = client("ci")
    assert register(ci, *predictions_only(tmp_path)).status_code == 201
    return ci


def logged() -> pd.DataFrame:
    """The test data served again, twice, over the last six days; column names as the manifest has them."""
    frame = pd.concat([frames()[1]] * 2, ignore_index=True)
    at = [utcnow() - timedelta(days=6) + timedelta(days=5) * share for share in np.linspace(0, 1, len(frame))]
    return frame.assign(id=[f"t{i}" for i in range(len(frame))], at=at)


def found(http, work, push, labels=None):
    pushed = push.drop(columns="malignant")
    answer = http.post("/api/v1/predictions", params=WHERE | {"filename": "log.parquet"}, content=parquet(pushed))
    assert answer.json() == {"new": len(push), "known": 0, "forgotten": 0}
    if labels is not None:
        told = [{"id": one, "label": int(label)} for one, label in zip(push["id"], labels, strict=True)]
        assert http.post("/api/v1/labels", json={"model": WHERE["model"], "labels": told}).json()["joined"] == len(
            push
        )
    audit = http.post("/api/v1/audits", json=WHERE | {"checks": ["MON-7"]}).json()
    work()
    (finding,) = http.get(f"/api/v1/audits/{audit['id']}/findings", params={"full": True}).json()["items"]
    return finding


def test_labels_as_the_test_data_has_them_pass(http, work):
    push = logged()
    finding = found(http, work, push, push["malignant"])
    assert finding["verdict"] == "pass", finding
    assert "100% of 568 logged predictions have a label" in finding["reason"]
    assert finding["inputs"].keys() >= {"test", "traffic", "labels"}
    assert finding["exhibits"][0]["name"] == "prediction-quality.csv"
    assert finding["environment"] == "production"


def test_labels_that_say_otherwise_fail(http, work):
    push = logged()
    finding = found(http, work, push, 1 - push["malignant"])
    assert finding["verdict"] == "fail", finding


def test_without_labels_the_finding_is_marked_as_an_estimate(http, work):
    finding = found(http, work, logged())
    assert finding["measured"]["estimated"] is True, finding
    assert finding["reason"].startswith(("Estimated", "568 logged predictions"))
