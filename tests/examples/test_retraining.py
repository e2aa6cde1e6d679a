"""The example's pipeline takes what Assay signed, once, and its runs leave what they say."""

from __future__ import annotations

import importlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from standardwebhooks import Webhook

from app.catalog import pipelines
from app.catalog.manifest import parse
from app.ledger.events import EVENT
from app.training.senders import Call, webhook
from tests.examples.test_recipes import run

EXAMPLE = Path(__file__).parents[2] / "examples" / "credit-default"
SECRET = "whsec_" + "c2VjcmV0" * 5


@pytest.fixture(scope="module")
def pipeline():
    sys.path.insert(0, str(EXAMPLE))
    yield importlib.import_module("pipeline")
    sys.path.remove(str(EXAMPLE))


@pytest.fixture
def requests(pipeline):
    return pipeline.Requests(SECRET)


def a_call(**document) -> bytes:
    return webhook.body(Call("tr_1", 1, datetime.now(UTC), {}, SECRET, {"request": "tr_1"} | document))


def signed(content, seconds_ago=0):
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return str(int(at.timestamp())), Webhook(SECRET).sign("tr_1", at, content.decode())


def test_what_assay_signed_is_taken_once(requests):
    content = a_call(cause="degradation")
    for _ in range(2):
        requests.take("tr_1", *signed(content), content)
    assert requests.waiting.get_nowait() == {"request": "tr_1", "cause": "degradation"}
    assert requests.waiting.empty()


@pytest.mark.parametrize("what", ["content", "id", "time", "signature", "old"])
def test_anything_else_is_refused(requests, pipeline, what):
    content = a_call()
    at, signature = signed(content, 302 if what == "old" else 0)
    given = {"id": "tr_1", "time": at, "signature": signature, "content": content}
    changed = {"id": "tr_2", "time": str(int(at) - 1), "signature": "v1,AAAA", "content": a_call(cause="x")}
    given |= {key: value for key, value in changed.items() if key == what}
    with pytest.raises(pipeline.Refused):
        requests.take(given["id"], given["time"], given["signature"], given["content"])
    assert requests.waiting.empty()


@pytest.mark.slow
def test_a_run_leaves_what_it_tells(tmp_path):
    """The labels that came are trained on, and the record is an event as the ledger takes it."""
    served, out = tmp_path / "1.2.0" / "served-2024-10-07", tmp_path / "1.3.0"
    served.mkdir(parents=True)
    sys.path.insert(0, str(EXAMPLE))
    applications = importlib.import_module("generate").generate(known_by=pd.Timestamp("2027-01-01", tz="UTC"))
    sys.path.remove(str(EXAMPLE))
    week = applications[applications["applied_at"].between("2024-10-07", "2024-10-13")]
    came = week[["application_id", "defaulted", "label_at"]].assign(defaulted=1)
    came.to_csv(served / "labels.csv", index=False)
    asked = ("--version", "1.3.0", "--run", "r-7", "--reason", "degraded_accuracy")
    run("credit-default", "retrain.py", *asked, "--served", tmp_path, "--out", out)

    train, test = (pd.read_parquet(out / f"{role}.parquet") for role in ("train", "test"))
    assert train.set_index("application_id").loc[came["application_id"], "defaulted"].eq(1).all()
    assert train["applied_at"].max() < test["applied_at"].min()
    manifest = parse((out / "assay.yaml").read_text())
    assert (manifest.version.change_reason, manifest.version.pipeline.run) == ("degraded_accuracy", "r-7")
    record = json.loads((out / "run.json").read_text())
    head = {"kind": "pipeline_run", "id": "1", "at": "2026-03-01T00:00:00Z", "run": "r-7", "state": "succeeded"}
    event = EVENT.validate_python({**head, "pipeline": "credit-default-training", **record})
    declared = pipelines.parse((EXAMPLE / "pipeline.yaml").read_text())
    assert [(one.name, one.role) for one in event.stages] == [(one.name, one.role) for one in declared.stages]
    assert event.metrics["roc_auc"] > 0.75
    assert declared.name == manifest.version.pipeline.name
