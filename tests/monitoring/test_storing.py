"""Logged predictions are stored once, whoever pushes them how often."""

from __future__ import annotations

import threading
import time
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pytest
from sqlmodel import func, select

from app.engines.prediction_log import Row, array_of, table_of, typed
from app.monitoring import predictions
from app.monitoring.predictions import Stored, store_rows
from app.tables import AuditLog, Blob, Prediction, PredictionBatch
from checks.serving import AT, ID, LATENCY, PREDICTION, ROLE, SCORE
from tests.audits.conftest import plant
from tests.monitoring.conftest import START, rows

pytestmark = pytest.mark.both_databases


def stored_ids(database) -> list[str]:
    with database.read() as session:
        return sorted(session.exec(select(Prediction.prediction_id)))


def batches(database) -> list[PredictionBatch]:
    with database.read() as session:
        return list(session.exec(select(PredictionBatch).order_by(PredictionBatch.id)))


def frame_of(blobs, batch) -> pd.DataFrame:
    return pd.read_parquet(BytesIO(blobs.read(batch.digest)))


def test_a_batch_is_one_file_with_the_columns_that_checks_know(database, blobs, destination):
    assert store_rows(database, blobs, destination(role="canary"), rows(3)) == Stored(3, 0)
    (batch,) = batches(database)
    frame = frame_of(blobs, batch)
    assert list(frame) == [ID, AT, PREDICTION, SCORE, LATENCY, ROLE, "mean radius", "mean texture"]
    assert frame[ID].tolist() == stored_ids(database) == ["p000000", "p000001", "p000002"]
    assert frame[ROLE].unique().tolist() == ["canary"]
    assert frame["mean radius"].tolist() == [10.0, 11.0, 12.0]
    assert frame[AT].iloc[0].to_pydatetime() == batch.first_at == START
    assert frame[AT].iloc[2].to_pydatetime() == batch.last_at
    assert (batch.rows, batch.environment, batch.role, batch.source) == (3, "production", "canary", "push")
    with database.read() as session:
        assert session.get(Blob, batch.digest).size == len(blobs.read(batch.digest))
        logged = session.exec(select(AuditLog).where(AuditLog.action == "predictions.stored")).one()
    assert (logged.subject, logged.details["rows"]) == ("tumour-malignancy@1.0.0", 3)


def test_the_same_again_stores_nothing(database, blobs, destination):
    store_rows(database, blobs, destination(), rows(5))
    assert store_rows(database, blobs, destination(), rows(5)) == Stored(0, 5)
    assert len(batches(database)) == 1
    assert store_rows(database, blobs, destination(), []) == Stored(0, 0)


def test_only_rows_that_are_not_known_make_the_new_file(database, blobs, destination):
    store_rows(database, blobs, destination(), rows(5))
    assert store_rows(database, blobs, destination(), rows(6, start=2)) == Stored(3, 3)
    assert frame_of(blobs, batches(database)[1])[ID].tolist() == ["p000005", "p000006", "p000007"]
    assert len(stored_ids(database)) == 8


def test_of_rows_with_one_id_the_first_counts(database, blobs, destination):
    twice = [*rows(2), *rows(1, prediction=9)]
    assert store_rows(database, blobs, destination(), twice) == Stored(2, 1)
    assert frame_of(blobs, batches(database)[0])[PREDICTION].tolist() == [0, 1]


def test_two_versions_may_answer_one_request(database, blobs, destination):
    with database.write() as session:
        shadow = destination(version=plant(session, version="2.0.0")[1], role="shadow")
    store_rows(database, blobs, destination(), rows(3))
    assert store_rows(database, blobs, shadow, rows(4)) == Stored(4, 0)
    assert store_rows(database, blobs, shadow, rows(4)) == Stored(0, 4)
    assert stored_ids(database) == sorted(["p000000", "p000001", "p000002"] * 2 + ["p000003"])


def test_racing_pushes_of_one_file_store_each_row_once(database, blobs, destination):
    """Four at once, overlapping: every row is in exactly one batch's file."""
    parts = [rows(400), rows(400), rows(400, start=200), rows(400)]
    barrier, done = threading.Barrier(len(parts)), []

    def push(part):
        barrier.wait()
        done.append(store_rows(database, blobs, destination(), part))

    threads = [threading.Thread(target=push, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.new for one in done) == 600
    assert sum(one.known for one in done) == 1000
    kept = [one for batch in batches(database) for one in frame_of(blobs, batch)[ID]]
    assert sorted(kept) == stored_ids(database) == [f"p{i:06d}" for i in range(600)]
    assert all(batch.rows == len(frame_of(blobs, batch)) for batch in batches(database))


def test_what_was_stored_since_it_was_looked_up_is_left_out(database, blobs, destination, monkeypatch):
    """The race, made certain: the first look finds nothing although three rows are there."""
    store_rows(database, blobs, destination(), rows(3))
    real, looks = predictions.queries.known_predictions, []

    def late(*given):
        looks.append(1)
        return set() if len(looks) == 1 else real(*given)

    monkeypatch.setattr(predictions.queries, "known_predictions", late)
    assert store_rows(database, blobs, destination(), rows(5)) == Stored(2, 3)
    assert [batch.rows for batch in batches(database)] == [3, 2]
    assert frame_of(blobs, batches(database)[1])[ID].tolist() == ["p000003", "p000004"]


def test_nothing_is_stored_when_the_file_cannot_be(database, blobs, destination, monkeypatch):
    monkeypatch.setattr(type(blobs), "put", lambda *_, **__: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        store_rows(database, blobs, destination(), rows(3))
    assert (stored_ids(database), batches(database)) == ([], [])


def test_a_hundred_thousand_rows_in_seconds(database, blobs, destination):
    many = rows(100_000)
    began = time.monotonic()
    assert store_rows(database, blobs, destination(), many).new == 100_000
    assert time.monotonic() - began < 20
    with database.read() as session:
        assert session.exec(select(func.count()).select_from(Prediction)).one() == 100_000


# --- types ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "values", "expected"),
    [
        ("number", [1, 2, None], pa.float64()),
        ("integer", [1.0, 2.0, None], pa.int64()),
        ("integer", [1.5, 2.0], pa.float64()),
        ("number", ["1", "x"], pa.string()),
        ("number", [None, None], pa.float64()),
        ("category", [None, None], pa.string()),
        ("category", [1, 2], pa.int64()),
        ("boolean", [True, None], pa.bool_()),
        ("datetime", ["2026-01-01T00:00:00Z"], pa.timestamp("us", "UTC")),
        ("datetime", ["soon"], pa.string()),
        (None, [1], pa.int64()),
    ],
)
def test_columns_take_their_declared_type_where_nothing_is_lost(declared, values, expected):
    column = typed(array_of(values), declared)
    assert column.type == expected
    assert column.null_count == sum(value is None for value in values)


def test_values_without_a_common_type_become_text():
    assert array_of([1, "a", None]).to_pylist() == ["1", "a", None]
    assert array_of([2**70, 1]).to_pylist() == [str(2**70), "1"]


def test_probabilities_of_several_classes_have_a_column_each():
    given = [Row("a", START, {}, "x", probabilities={"x": 0.7, "y": 0.3}), Row("b", START, {}, "y")]
    table = table_of(given, {"size": "number"}, "stable")
    assert table.column("assay.proba.y").to_pylist() == [0.3, None]
    assert table.column("size").type == pa.float64()
