"""Logs of servers elsewhere, pushed over HTTP: every format, once each, and what is wrong named by its row."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from sqlmodel import func, select

from app.tables import Prediction, PredictionBatch
from checks.serving import AT, ID, LATENCY, PREDICTION, ROLE, SCORE
from tests.monitoring.conftest import START

PUSH = "/api/v1/predictions"
WHERE = {"model": "tumour-malignancy", "version": "1.0.0", "environment": "production"}


def log(count=4, start=0, **columns) -> pd.DataFrame:
    numbers = range(start, start + count)
    frame = pd.DataFrame(
        {
            "prediction_id": [f"p{i:05d}" for i in numbers],
            "at": [START + timedelta(minutes=i) for i in numbers],
            "prediction": [i % 2 for i in numbers],
            "probability": [(i % 10) / 10 for i in numbers],
            "latency_ms": 2.5,
            "mean radius": [10.0 + i for i in numbers],
            "mean texture": 15,
        }
    )
    return frame.assign(**columns)


def parquet(frame) -> bytes:
    buffer = BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def lines(frame) -> bytes:
    return frame.to_json(orient="records", lines=True, date_format="iso").encode()


def csv(frame) -> bytes:
    return frame.to_csv(index=False).encode()


FORMATS = {"log.parquet": parquet, "log.jsonl": lines, "log.csv": csv}


@pytest.fixture
def push(client, planted):
    """``push(content, filename, **parameters)``: the response."""
    http = client("ci")
    return lambda content, filename="log.parquet", **changes: http.post(
        PUSH, params=WHERE | {"filename": filename} | changes, content=content
    )


@pytest.fixture
def stored(database, blobs):
    """All that is stored, as one frame."""

    def read() -> pd.DataFrame:
        with database.read() as session:
            found = list(session.exec(select(PredictionBatch).order_by(PredictionBatch.id)))
        return pd.concat([pd.read_parquet(BytesIO(blobs.read(batch.digest))) for batch in found])

    return read


@pytest.mark.both_databases
@pytest.mark.parametrize("filename", FORMATS)
def test_every_format_gives_the_same_rows(push, stored, filename):
    content = FORMATS[filename](log())
    answer = push(content, filename, role="canary")
    assert (answer.status_code, answer.json()) == (200, {"new": 4, "known": 0, "forgotten": 0})
    frame = stored()
    assert list(frame) == [ID, AT, PREDICTION, SCORE, LATENCY, ROLE, "mean radius", "mean texture"]
    assert frame[ID].tolist() == [f"p{i:05d}" for i in range(4)]
    assert frame[AT].tolist() == [START + timedelta(minutes=i) for i in range(4)]
    assert frame[SCORE].tolist() == [0, 0.1, 0.2, 0.3]
    assert frame["mean texture"].dtype == "float64"
    assert frame[ROLE].tolist() == ["canary"] * 4


@pytest.mark.both_databases
def test_ten_files_twice_store_each_row_once(push, stored):
    contents = [parquet(log(20, start=20 * i)) for i in range(10)]
    first = [push(content).json() for content in contents]
    second = [push(content).json() for content in contents]
    assert first == [{"new": 20, "known": 0, "forgotten": 0}] * 10
    assert second == [{"new": 0, "known": 20, "forgotten": 0}] * 10
    assert sorted(stored()[ID]) == [f"p{i:05d}" for i in range(200)]


def test_of_a_file_that_overlaps_only_new_rows_are_stored(push, stored):
    push(parquet(log(4)))
    assert push(parquet(log(6))).json() == {"new": 2, "known": 4, "forgotten": 0}
    assert stored()[ID].tolist() == [f"p{i:05d}" for i in range(6)]
    assert stored()["mean radius"].tolist() == [10.0 + i for i in range(6)]


def test_columns_are_found_by_the_request_the_manifest_or_their_own_names(push, stored):
    named = {"prediction_id": "request", "at": "when", "probability": "p"}
    renamed = {"id_column": "request", "time_column": "when", "probability_column": "p"}
    assert push(parquet(log().rename(columns=named)), **renamed).json()["new"] == 4
    ours = {"prediction_id": ID, "at": AT, "prediction": PREDICTION}
    assert push(parquet(log(4, start=4).rename(columns=ours))).json()["new"] == 4
    assert stored()[ID].tolist() == [f"p{i:05d}" for i in range(8)]


def test_columns_that_nobody_declared_are_not_kept(push, stored):
    push(parquet(log(name="Ada Brandt")))
    assert "name" not in stored()


def wrong_row(**columns):
    """The log with these values in its third row."""
    frame = log().astype(object)
    for name, value in columns.items():
        frame.loc[2, name] = value
    return frame


FUTURE = (datetime.now(UTC) + timedelta(days=3)).isoformat()


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (log().drop(columns="prediction_id"), "no column with the id"),
        (log().drop(columns="at"), "no column with the time"),
        (log().drop(columns="prediction"), "no column with the prediction"),
        (
            log().rename(columns={"mean radius": "mean_radius"}),
            "no column 'mean radius' (did you mean \"mean_radius\"?)",
        ),
        (wrong_row(prediction_id=None), "row 3: the id (prediction_id) is missing"),
        (wrong_row(prediction_id="p00000"), "row 3: the id (prediction_id) stands in row 1 already"),
        (wrong_row(prediction_id="x" * 201), "row 3: the id (prediction_id) is longer"),
        (wrong_row(at=None), "row 3: the time (at) is missing"),
        (wrong_row(at="yesterday"), "row 3: the time (at) is no time"),
        (wrong_row(at="1999-12-31T23:59:59Z"), "row 3: the time (at) is absurd"),
        (wrong_row(at=FUTURE), "row 3: the time (at)"),
        (wrong_row(prediction=None), "row 3: the prediction (prediction) is missing"),
        (wrong_row(probability=1.01), "row 3: probability is not between 0 and 1"),
        (wrong_row(latency_ms=-1), "row 3: latency_ms is not between 0 and"),
        (log(probability="high"), "'probability' holds string, where numbers are due"),
        (log(at=1.5), "row 1: the time (at) is no time"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named_by_its_column_and_row(push, database, frame, told):
    content = "\n".join(json.dumps(row, default=str) for row in frame.where(frame.notna(), None).to_dict("records"))
    answer = push(content.encode(), "log.jsonl")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("log.jsonl: ")
    assert told in answer.json()["detail"]
    with database.read() as session:
        assert session.exec(select(func.count()).select_from(Prediction)).one() == 0


@pytest.mark.parametrize(
    ("content", "filename", "told"),
    [
        (b"", "log.csv", "the file is empty"),
        (b"PK\x03\x04", "log.parquet", "ZIP"),
        (b"PAR1 and nothing else", "log.parquet", "cannot be read"),
        (b'{"a": 1}\n[1]\n', "log.jsonl", "line 2: is not a JSON object"),
        (b'{"a": 1}\n{"a": NaN}\n', "log.jsonl", "line 2: is not JSON: NaN"),
        (b'{"a": 1e999}\n', "log.jsonl", "line 1: is not JSON: a number is not finite"),
        (b'{"a": {"b": 1}}\n', "log.jsonl", "line 1: 'a' holds dict"),
        (b"[" * 100_000, "log.jsonl", "line 1: is nested too deeply"),
        (b'{"a": "' + b"x" * 1024 * 1024 + b'"}', "log.jsonl", "line 1: is longer than"),
        (b'{"a": "\xff"}', "log.jsonl", "line 1: is not UTF-8"),
        (b"\n\n", "log.jsonl", "has no rows"),
        (b"a,b\n1,2\n", "log.txt", "accepted are"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(push, content, filename, told):
    answer = push(content, filename)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_a_file_may_be_larger_than_other_bodies_and_not_larger_than_an_upload(client, planted, app):
    http = client("ci")
    limits = {"max_body_mb": 1, "max_upload_mb": 2}
    app.state.settings = app.state.settings.model_copy(update=limits)
    answer = http.post(PUSH, params=WHERE | {"filename": "log.csv"}, content=b"x" * (2 * 1024 * 1024 + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"model": "tumour"}, 404, "no model"),
        ({"version": "1.0"}, 404, 'did you mean \\"1.0.0\\"'),
        ({"role": "blue"}, 422, "role"),
        ({"environment": "../x"}, 422, "environment"),
        ({"id_column": "predction_id"}, 422, 'did you mean \\"prediction_id\\"'),
    ],
)
def test_a_push_to_nowhere_is_refused(push, changes, status, told):
    answer = push(parquet(log()), **changes)
    assert answer.status_code == status
    assert told in answer.text


def test_a_viewer_may_not_push(client, planted):
    assert client("viewer").post(PUSH, params=WHERE | {"filename": "l.csv"}, content=b"").status_code == 403


def test_nothing_is_left_in_the_folder_of_work(push, settings):
    push(parquet(log()))
    push(b"nonsense", "log.parquet")
    assert list(Path(settings.work_dir).iterdir()) == []
