"""What an audit is given of the traffic in its window."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from app.audits.attempt import Attempt, File, Subject, Traffic
from app.audits.plan import plan
from app.audits.providers import Evidence
from app.audits.providing import traffic as providing
from app.monitoring.predictions import store_rows
from app.tables import Audit, Label
from checks.contract import Missing
from checks.serving import AT, ID, LABEL, PREDICTION, ROLE, LabelledServing, ServingLog
from tests.audits.conftest import plant
from tests.monitoring.conftest import START, rows

MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.both_databases


@pytest.fixture
def planned(database, blobs, settings, tmp_path, planted):
    """``planned(start=.., end=..)``: the attempt of an audit of production's traffic."""

    def make(start=None, end=None, environment="production", **columns) -> Attempt:
        _, version = planted
        row = {"trigger": "ci", "actor": "ci", "automatic": True, "progress": {}, "checks": ["MON-7"]} | columns
        window = {"window_start": start, "window_end": end, "environment": environment}
        with database.write() as session:
            audit = Audit(**{"model_id": version.model_id, "version_id": version.id} | row | window)
            session.add(audit)
            session.flush()
            return plan(session, audit, blobs, settings, tmp_path)

    return make


@pytest.fixture
def label(database, planted):
    """``label("p000001", 1)``: this label is current."""

    def make(prediction_id, value, revision=1, current=True):
        with database.write() as session:
            row = {"prediction_id": prediction_id, "value": value, "revision": revision, "current": current}
            session.add(Label(model_id=planted[0].id, observed_at=START, actor="ci", **row))

    return make


def test_rows_from_the_start_up_to_the_end(database, blobs, destination, planned):
    store_rows(database, blobs, destination(), rows(10))
    store_rows(database, blobs, destination(role="canary"), rows(10, start=10))
    attempt = planned(START + 5 * MINUTE, START + 12 * MINUTE)
    log = Evidence(attempt).get(ServingLog).value
    assert log.frame[ID].tolist() == [f"p{i:06d}" for i in range(5, 12)]
    assert log.frame[ROLE].tolist() == ["stable"] * 5 + ["canary"] * 2
    assert log.rows == 7
    assert (log.window.start, log.window.end) == (START + 5 * MINUTE, START + 12 * MINUTE)
    assert attempt.moment == START + 12 * MINUTE


@pytest.mark.parametrize(("start", "end", "batches"), [(0, 10, 1), (9, 12, 1), (10, 12, 0), (-5, 0, 0), (-5, 1, 1)])
def test_only_batches_that_overlap_the_window_are_read(database, blobs, destination, planned, start, end, batches):
    store_rows(database, blobs, destination(), rows(10))
    assert len(planned(START + start * MINUTE, START + end * MINUTE).traffic.batches) == batches


def test_other_versions_and_environments_are_not_the_candidates_own(database, blobs, destination, planned):
    with database.write() as session:
        _, other = plant(session, version="2.0.0")
    store_rows(database, blobs, destination(version=other), rows(3))
    store_rows(database, blobs, destination(environment="staging"), rows(3, start=3))
    attempt = planned(START, START + 60 * MINUTE)
    with pytest.raises(Missing, match="logged predictions of this version in production from 2026-03-02 00:00"):
        Evidence(attempt).get(ServingLog)


def test_by_default_the_last_days_before_the_audit_was_queued(planned, settings):
    traffic = planned(created_at=START).traffic
    assert (traffic.start, traffic.end) == (START - timedelta(days=settings.window_days), START)


def test_without_an_environment_there_is_no_traffic(planned):
    attempt = planned(environment=None)
    assert attempt.traffic is None
    with pytest.raises(Missing, match="an environment"):
        Evidence(attempt).get(ServingLog)


def test_labels_that_are_current_join_by_id(database, blobs, destination, planned, label):
    store_rows(database, blobs, destination(), rows(4))
    for one, value, revision, current in (
        ("p000001", 0, 1, False),
        ("p000001", 1, 2, True),
        ("p000003", 0, 1, True),
        ("unknown", 1, 1, True),
    ):
        label(one, value, revision, current)
    found = Evidence(planned(START, START + 60 * MINUTE)).get(LabelledServing)
    assert found.value.frame[[ID, LABEL]].to_numpy().tolist() == [["p000001", 1], ["p000003", 0]]
    assert found.value.frame[PREDICTION].tolist() == [1, 1]
    assert (found.value.rows, found.value.coverage) == (2, 0.5)
    assert found.inputs.keys() == {"traffic", "labels"}


def test_a_label_pushed_once_is_that_of_the_shadows_answer_too(database, blobs, destination, planned, client):
    with database.write() as session:
        _, other = plant(session, version="2.0.0")
    told = client("ci").post
    label = {"model": "tumour-malignancy", "labels": [{"id": "p000001", "label": 1}, {"id": "p000002", "label": 0}]}
    assert told("/api/v1/labels", json=label).json()["parked"] == 2
    store_rows(database, blobs, destination(), rows(2))
    store_rows(database, blobs, destination(version=other, role="shadow"), rows(4, prediction=0))
    window = (START, START + 60 * MINUTE)
    stable = Evidence(planned(*window)).get(LabelledServing).value
    assert stable.frame[[ID, LABEL, PREDICTION]].to_numpy().tolist() == [["p000001", 1, 1]]
    assert stable.coverage == 0.5
    shadow = Evidence(planned(*window, version_id=other.id)).get(LabelledServing).value
    assert shadow.frame[[ID, LABEL, PREDICTION]].to_numpy().tolist() == [["p000001", 1, 0], ["p000002", 0, 0]]
    assert shadow.coverage == 0.5
    later = {"model": "tumour-malignancy", "labels": [{"id": "p000000", "label": 1}]}
    assert told("/api/v1/labels", json=later).json()["joined"] == 1  # one label, two answers


def test_labels_of_predictions_outside_of_the_window_do_not_count(database, blobs, destination, planned, label):
    store_rows(database, blobs, destination(), rows(10))
    label("p000009", 1)
    with pytest.raises(Missing, match="labels of what was answered in production"):
        Evidence(planned(START, START + 9 * MINUTE)).get(LabelledServing)
    assert Evidence(planned(START, START + 10 * MINUTE)).get(LabelledServing).value.coverage == 0.1


def test_of_many_rows_the_newest_are_read(database, blobs, destination, planned, label, monkeypatch):
    monkeypatch.setattr(providing, "NEWEST", 5)
    store_rows(database, blobs, destination(), rows(8, start=8))
    store_rows(database, blobs, destination(), rows(8))
    for i in range(7):
        label(f"p{i:06d}", 1)
    evidence = Evidence(planned(START, START + 60 * MINUTE))
    log = evidence.get(ServingLog).value
    assert (log.frame[ID].tolist(), log.rows) == ([f"p{i:06d}" for i in range(11, 16)], 16)
    labelled = evidence.get(LabelledServing).value
    assert (labelled.frame[ID].tolist(), labelled.rows) == ([f"p{i:06d}" for i in range(2, 7)], 7)
    assert labelled.coverage == 7 / 16


def test_files_of_other_types_are_read_together(database, blobs, destination, planned):
    """A column that held text once is text; whole numbers and others are numbers."""
    broken = {"mean radius": "n/a", "mean texture": 3}
    store_rows(database, blobs, destination(), rows(2))
    store_rows(database, blobs, destination(), rows(1, start=2, features=broken, prediction=0.5))
    frame = Evidence(planned(START, START + 60 * MINUTE)).get(ServingLog).value.frame
    assert frame["mean radius"].tolist() == ["10", "11", "n/a"]
    assert frame["mean texture"].tolist() == [15.5, 15.5, 3]
    assert frame[PREDICTION].tolist() == [0, 1, 0.5]
    assert isinstance(frame[AT].dtype, pd.DatetimeTZDtype)


def test_the_digest_tells_one_window_from_another(database, blobs, destination, planned):
    store_rows(database, blobs, destination(), rows(4))
    first, again, other = (
        Evidence(planned(START, START + end * MINUTE)).get(ServingLog).value.digest for end in (9, 9, 10)
    )
    assert first == again != other


def test_a_lost_file_is_told():
    lost = File(path=None, format="parquet", digest="d", problem="there is no blob d")
    traffic = Traffic(environment="production", start=START, end=START + MINUTE, batches=[lost])
    attempt = Attempt(checks=[], subject=Subject(manifest={}), traffic=traffic)
    with pytest.raises(FileNotFoundError, match="no blob d"):
        Evidence(attempt).get(ServingLog)
