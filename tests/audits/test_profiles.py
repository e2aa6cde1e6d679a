"""Profiles of a window and recomputed features, from an attempt's files to the finding."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from app.audits.attempt import Attempt, DataFile, File, HandedInFile, Subject, Traffic
from app.audits.providers import Evidence
from app.audits.runner import run_check
from checks.contract import Missing, Verdict
from checks.monitoring.data_invariants import DataInvariants
from checks.monitoring.training_serving_skew import TrainingServingSkew
from checks.serving import InputProfiles, Recomputed
from tests.catalog.manifests import manifest

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=7)


def inputs(rows, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"mean radius": rng.normal(14, 3, rows), "mean texture": rng.normal(19, 4, rows)})


def logged(frame, first=0, start=START):
    at = pd.to_datetime([start + timedelta(seconds=60 * i) for i in range(len(frame))], utc=True)
    return frame.assign(**{"assay.id": [f"p{first + i}" for i in range(len(frame))], "assay.at": at})


@pytest.fixture
def stored(tmp_path):
    def store(kind, frame, name, **more):
        path = tmp_path / name
        frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
        form = more.pop("format", "parquet")
        return kind(path=str(path), format=form, digest=hashlib.sha256(path.read_bytes()).hexdigest(), **more)

    return store


@pytest.fixture
def attempt(stored):
    later = logged(inputs(50, 9) * 100, 5000, END)
    frames = [logged(inputs(600, 1)), logged(inputs(400, 2).astype("float32"), 600), later]
    batches = [stored(File, frame, f"batch[{i}].parquet") for i, frame in enumerate(frames)]
    train = stored(DataFile, inputs(3000, 3).assign(malignant=0), "train.csv", format="csv")
    again = stored(HandedInFile, logged(inputs(600, 1)), "again", format="recomputed-features")
    return Attempt(
        checks=[],
        subject=Subject(manifest=manifest(), model_class=None),
        traffic=Traffic(environment="production", start=START, end=END, batches=batches),
        datasets={"train": train},
        handed_in={"recomputed-features": [again]},
    )


def test_rows_of_the_window_alone_are_profiled_and_its_files_add_up(attempt):
    provided = Evidence(attempt).get(InputProfiles)
    assert provided.value.serving_rows == 1000
    assert provided.value.reference_rows == 3000
    assert provided.value.reference_name == "training"
    assert sum(provided.value.serving["mean radius"].counts) == 1000
    assert provided.inputs.keys() == {"train", "traffic"}


def test_reference_data_goes_before_training_data(attempt, stored):
    reference = stored(DataFile, inputs(700, 4), "reference.parquet")
    attempt = attempt.model_copy(update={"datasets": {**attempt.datasets, "reference": reference}})
    assert Evidence(attempt).get(InputProfiles).value.reference_rows == 700


def test_window_without_rows_is_missing_evidence(attempt):
    window = {"start": START - timedelta(days=9), "end": START - timedelta(days=8)}
    empty = attempt.model_copy(update={"traffic": attempt.traffic.model_copy(update=window)})
    with pytest.raises(Missing, match="logged predictions"):
        Evidence(empty).get(InputProfiles)


def test_both_checks_reach_their_verdict_from_files(attempt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evidence = Evidence(attempt)
    assert run_check(DataInvariants(), evidence, {}).verdict is Verdict.PASS
    found = run_check(TrainingServingSkew(), evidence, {})
    assert found.verdict is Verdict.PASS
    assert found.measured["rows"] == 600
    assert "recomputed-features" in found.inputs


def test_ids_of_recomputed_features_may_have_another_name(attempt, stored):
    frame = logged(inputs(600, 1)).rename(columns={"assay.id": "id"})
    again = stored(HandedInFile, frame, "again.csv", format="recomputed-features", cap="by hand")
    attempt = attempt.model_copy(update={"handed_in": {"recomputed-features": [again]}})
    provided = Evidence(attempt).get(Recomputed)
    assert "assay.id" in provided.value.frame.columns
    assert provided.cap == "by hand"
