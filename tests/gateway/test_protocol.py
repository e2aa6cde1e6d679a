"""The Open Inference Protocol over the whole application, with a real model in a real process."""

from __future__ import annotations

import os
import signal
import threading
import time
from io import BytesIO

import pytest
from sqlmodel import select

from app.tables import Prediction, PredictionBatch
from tests.catalog import releases

URL = "/v2/models/credit-default"
STRICT = "/v2/models/strict"
RADIUS, TEXTURE = releases.FEATURES


def tensor(name, data, datatype="FP64", shape=None):
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}


def body(radius=(14.0,), texture=(20.0,), **more):
    return {"inputs": [tensor(RADIUS, list(radius)), tensor(TEXTURE, list(texture))], **more}


@pytest.fixture(scope="module")
def served(house):
    """credit-default 1.0.0 stable; of the model "strict" one version whose signature allows no nulls."""
    lenient = [{"name": name, "type": "number", "nullable": True} for name in releases.FEATURES]
    house.plant("credit-default", "1.0.0", features=lenient)
    house.put("credit-default", "1.0.0")
    limits = {"type": "number", "nullable": False, "min": 0, "max": 50}
    house.plant("strict", "1", features=[{"name": name, **limits} for name in releases.FEATURES])
    house.put("strict", "1")
    return house


@pytest.fixture
def caller(served):
    return served.caller


def stored(house, *ids):
    """What was logged under these ids (none: all), as rows of the stored batches."""
    import pyarrow.parquet as pq

    assert house.gateway.keeper.flush()
    with house.database.read() as session:
        batches = session.exec(select(PredictionBatch).order_by(PredictionBatch.id)).all()
        known = session.exec(select(Prediction)).all()
    rows = [row for b in batches for row in pq.read_table(BytesIO(house.blobs.read(b.digest))).to_pylist()]
    assert len(rows) == len(known)
    return [row for row in rows if not ids or row["assay.id"] in ids]


def runner_of(house):
    return next(iter(house.gateway._runners.values()))


def test_a_prediction_is_what_the_model_says_and_is_logged(served, caller):
    test = releases.frames()[1]
    answer = caller.post(f"{URL}/infer", json=body([test[RADIUS][0]], [test[TEXTURE][0]], id="loan-1"))
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["id"], made["model_version"]) == ("loan-1", "1.0.0")
    assert made["parameters"] == {"environment": "production", "role": "stable", "ids": ["loan-1"]}
    label, proba = made["outputs"]
    assert (label["name"], label["datatype"], label["data"]) == ("predict", "INT64", [int(test["y_pred"][0])])
    assert (proba["name"], proba["shape"], proba["parameters"]) == ("predict_proba", [1, 2], {"classes": [0, 1]})
    assert proba["data"][1] == pytest.approx(test["y_proba"][0], abs=1e-12)
    (row,) = stored(served, "loan-1")
    assert (row["assay.id"], row["assay.prediction"], row["assay.role"]) == ("loan-1", label["data"][0], "stable")
    assert row["assay.score"] == proba["data"][1]
    assert (row[RADIUS], row[TEXTURE]) == (test[RADIUS][0], test[TEXTURE][0])
    assert row["assay.latency_ms"] > 0


def test_many_rows_get_ids_of_their_own(served, caller):
    test = releases.frames()[1].head(50)
    many = body(test[RADIUS].tolist(), test[TEXTURE].tolist(), id="batch")
    made = caller.post(f"{URL}/infer", json=many).json()
    assert made["parameters"]["ids"][:2] == ["batch-0", "batch-1"]
    assert made["outputs"][0]["data"] == test["y_pred"].tolist()
    named = caller.post(f"{URL}/infer", json=body([1.0, 2.0], [3.0, 4.0], parameters={"ids": ["a", "b"]})).json()
    assert named["parameters"]["ids"] == ["a", "b"]
    assert [row["assay.id"] for row in stored(served, "a", "b")] == ["a", "b"]


def test_one_tensor_of_all_features_in_their_order(served, caller):
    rows = [[14.0, 20.0], [9.0, 30.0]]
    both = caller.post(f"{URL}/infer", json={"inputs": [tensor("x", rows, "FP32", [2, 2])]})
    apart = caller.post(f"{URL}/infer", json=body([14.0, 9.0], [20.0, 30.0]))
    assert both.json()["outputs"] == apart.json()["outputs"]
    short = caller.post(f"{URL}/infer", json={"inputs": [tensor("x", [1.0, 2.0, 3.0], "FP32", [2, 2])]})
    assert short.status_code == 422


def test_an_id_is_made_up_where_none_is_given_and_a_known_one_is_logged_once(served, caller):
    made = {caller.post(f"{URL}/infer", json=body()).json()["id"] for _ in range(5)}
    assert len(made) == 5
    for radius in (10.0, 20.0):
        assert caller.post(f"{URL}/infer", json=body([radius], id="again")).status_code == 200
    rows = stored(served, "again")
    assert [row[RADIUS] for row in rows] == [10.0]


@pytest.mark.parametrize(
    ("change", "path", "told"),
    [
        ({"inputs": [tensor(RADIUS, [1.0])]}, "inputs", f"the column '{TEXTURE}' is missing"),
        ({"inputs": [tensor(RADIUS, [1.0]), tensor("mean textur", [1.0])]}, "inputs.1.name", "did you mean"),
        ({"inputs": [tensor(RADIUS, [1.0]), tensor(RADIUS, [1.0])]}, "inputs.1.name", "is there twice"),
        (
            body([1.0, "x"], [1.0, 1.0]),
            "inputs.0.data.1",
            f"column '{RADIUS}': a text is not a finite number",
        ),
        (body([1.0, None], [1.0, 1.0]), "inputs.0.data.1", f"row 1, column '{RADIUS}': null"),
        (body([1.0, True], [1.0, 1.0]), "inputs.0.data.1", "a truth value is not a finite number"),
        (body([1.0, 2.0], [1.0]), "inputs.1.shape", "do not agree"),
        ({"inputs": [tensor(RADIUS, ["a"], "BYTES"), tensor(TEXTURE, [1.0])]}, "inputs.0.datatype", "send FP16 or"),
        (body([], []), "inputs.0.shape", "0 rows"),
        (body([1.0], [1.0], parameters={"ids": ["a", "b"]}), "parameters.ids", "2 different ids for 1 rows"),
    ],
)
def test_inputs_that_are_not_of_the_signature_are_refused_by_row_and_column(served, caller, change, path, told):
    before = len(stored(served))
    refused = caller.post(f"{STRICT}/infer", json=change)
    assert refused.status_code == 422
    errors = {error["path"]: error["message"] for error in refused.json()["errors"]}
    assert told in errors[path]
    assert len(stored(served)) == before


def test_values_out_of_range_are_answered_for_the_monitoring_to_see(caller):
    assert caller.post(f"{STRICT}/infer", json=body([900.0])).status_code == 200


def test_inputs_that_the_model_itself_does_not_take_are_the_callers_mistake(served, caller):
    refused = caller.post(f"{URL}/infer", json=body([None]))
    assert refused.status_code == 422
    assert "does not take these inputs" in refused.json()["detail"]
    assert caller.post(f"{URL}/infer", json=body()).status_code == 200


def test_metadata_and_readiness(served, caller):
    told = caller.get(URL).json()
    assert told["versions"] == ["1.0.0"]
    assert told["inputs"] == [
        {"name": name, "datatype": "FP64", "shape": [-1], "parameters": {}} for name in releases.FEATURES
    ]
    assert [one["name"] for one in told["outputs"]] == ["predict", "predict_proba"]
    assert told["outputs"][0]["datatype"] == "INT64"
    assert caller.get(f"{URL}/versions/1.0.0").json() == told
    assert caller.get(f"{URL}/ready").json() == {"name": "credit-default", "version": "1.0.0", "ready": True}
    assert caller.get(f"{URL}/versions/1.0.0/ready").status_code == 200
    assert caller.get("/v2").json()["name"] == "assay"


def test_health_needs_no_token_and_predictions_do(served, caller):
    nobody, viewer = {"Authorization": ""}, served.headers["viewer"]
    for base in ("/v2", "/environments/staging/v2"):
        assert caller.get(f"{base}/health/live").json() == {"live": True}
        assert caller.get(f"{base}/health/ready").json() == {"ready": True}
    assert caller.post(f"{URL}/infer", json=body(), headers=nobody).status_code == 401
    assert caller.post(f"{URL}/infer", json=body(), headers=viewer).status_code == 403


def test_what_serves_elsewhere_is_said_with_its_address(served, caller):
    served.plant("elsewhere", "1.0.0")
    nowhere = caller.post("/v2/models/elsewhere/infer", json=body())
    assert nowhere.status_code == 404
    assert "serves anywhere" in nowhere.json()["detail"]
    served.put("elsewhere", "1.0.0", "canary", "staging")
    refused = caller.post("/v2/models/elsewhere/infer", json=body())
    assert refused.status_code == 404
    assert "/environments/staging/v2/models/elsewhere" in refused.json()["detail"]
    there = caller.post("/environments/staging/v2/models/elsewhere/infer", json=body())
    assert there.json()["parameters"]["environment"] == "staging"
    assert there.json()["parameters"]["role"] == "canary"  # which takes all traffic while nothing is stable


def test_stable_answers_canary_by_name_and_shadow_in_silence(served, caller):
    served.plant("roles", "1.0.0", "1.1.0", "1.2.0")
    for version, role in (("1.0.0", "stable"), ("1.1.0", "canary"), ("1.2.0", "shadow")):
        served.put("roles", version, role)
    made = caller.post("/v2/models/roles/infer", json=body(id="x")).json()
    assert made["model_version"] == "1.0.0"
    canary = caller.post("/v2/models/roles/versions/1.1.0/infer", json=body(id="y")).json()
    assert (canary["model_version"], canary["parameters"]["role"]) == ("1.1.0", "canary")
    unknown = caller.post("/v2/models/roles/versions/1.1/infer", json=body())
    assert unknown.status_code == 404
    deadline = time.monotonic() + 60
    while len(rows := stored(served, "x", "y")) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert {(row["assay.id"], row["assay.role"]) for row in rows} == {
        ("x", "stable"),
        ("y", "canary"),
        ("x", "shadow"),
    }


def test_a_model_whose_process_dies_costs_one_answer(served, caller):
    assert caller.post(f"{URL}/infer", json=body()).status_code == 200
    runner = runner_of(served)
    first = runner.process_id
    os.kill(first, signal.SIGSTOP)  # so that it dies while it is asked
    threading.Timer(0.5, os.kill, (first, signal.SIGKILL)).start()
    lost = caller.post(f"{URL}/infer", json=body())
    assert lost.status_code == 503
    assert lost.headers["Retry-After"]
    assert caller.post(f"{URL}/infer", json=body()).status_code == 200
    assert runner.process_id != first


def test_a_model_that_takes_too_long_is_ended(served, caller, monkeypatch):
    assert caller.post(f"{URL}/infer", json=body()).status_code == 200
    runner = runner_of(served)
    monkeypatch.setattr(runner, "_settings", served.settings.model_copy(update={"prediction_seconds": 0.5}))
    os.kill(runner.process_id, signal.SIGSTOP)
    late = caller.post(f"{URL}/infer", json=body())
    assert late.status_code == 503
    assert "took longer than 0.5 s" in late.json()["detail"]
    assert runner.process_id is None


def test_only_so_many_wait_for_one_model(served, caller):
    assert caller.post(f"{URL}/infer", json=body()).status_code == 200
    runner = runner_of(served)
    taken = [runner._waiting.acquire(blocking=False) for _ in range(served.settings.prediction_queue)]
    assert all(taken)
    full = caller.post(f"{URL}/infer", json=body())
    assert (full.status_code, full.json()["title"]) == (503, "busy")
    assert full.headers["Retry-After"]
    for _ in taken:
        runner._waiting.release()


def test_an_answer_that_cannot_be_logged_is_not_given(served, caller):
    assert caller.post(f"{URL}/infer", json=body()).status_code == 200
    served.gateway.keeper.flush()
    spool, away = served.settings.spool_dir, served.settings.spool_dir.with_suffix(".away")
    spool.rename(away)
    spool.write_text("in the way")
    refused = caller.post(f"{URL}/infer", json=body())
    spool.unlink()
    away.rename(spool)
    assert refused.status_code == 503
    assert "cannot be logged" in refused.json()["detail"]
    assert "outputs" not in refused.text
    assert caller.post(f"{URL}/infer", json=body()).status_code == 200


def test_a_process_ends_when_its_model_serves_no_more_and_with_the_application(served, caller):
    served.plant("ending", "1", "2")
    served.put("ending", "1")
    known = set(served.gateway._runners)
    assert caller.post("/v2/models/ending/infer", json=body()).status_code == 200
    (key,) = set(served.gateway._runners) - known
    runner = served.gateway._runners[key]
    process = runner.process_id
    runner.last_used -= 100
    served.gateway.retire()
    assert key in served.gateway._runners  # it is deployed
    served.put("ending", "2")
    served.gateway.retire()
    assert key not in served.gateway._runners
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert caller.post(f"{URL}/infer", json=body()).status_code == 200
    others = [one.process_id for one in served.gateway._runners.values() if one.process_id]
    served.gateway.stop()
    assert others
    for other in others:
        with pytest.raises(ProcessLookupError):
            os.kill(other, 0)
