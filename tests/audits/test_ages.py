"""How old a model is, from real files and a real database: nothing is invented, and the labels are our own."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from app.audits.attempt import Attempt, DataFile, File, HandedInFile, OlderSubject, Staleness, Subject, Traffic
from app.audits.planning.ages import same_recipe, staleness_of
from app.audits.providers import Evidence
from app.db import utcnow
from app.engines.prediction_log import Row, parquet, table_of, write_labels
from app.tables import Audit, Finding
from checks.contract import Missing
from checks.serving import AgedPredictions, RetrainingCadence, StalenessLimit, TrainingPeriod
from tests.audits.conftest import plant
from tests.catalog.manifests import manifest

FEATURES = ["mean radius", "mean texture"]
START = pd.Timestamp("2026-01-01", tz="UTC")


def examples(rows, seed, start=START):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    values = {"mean radius": rng.normal(12 + 5 * label, 2), "mean texture": rng.normal(18 + 3 * label, 3)}
    times = start + pd.to_timedelta(np.arange(rows), unit="h")
    return pd.DataFrame({**values, "malignant": label, "seen_at": times, "id": [f"p{n}" for n in range(rows)]})


def put(path, content: bytes):
    path.write_bytes(content)
    return {"path": str(path), "digest": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def evidence(tmp_path):
    """``evidence(...)``: of a version with a linear model whose training data ends on 2026-01-05."""
    import skops.io
    from sklearn.linear_model import LogisticRegression

    def make(train=None, time="seen_at", older=(), **fields):
        train = examples(97, 1) if train is None else train
        content = manifest(columns={"label": "malignant", "positive": 1, "id": "id", "time": time})
        fitted = skops.io.dumps(LogisticRegression().fit(train[FEATURES], train["malignant"]))
        model = File(**put(tmp_path / "model", fitted), format="skops")
        test = examples(60, 2, START + pd.Timedelta(days=30))
        datasets = {
            "train": DataFile(**put(tmp_path / "train", train.to_parquet()), format="parquet"),
            "test": DataFile(**put(tmp_path / "test", test.to_parquet()), format="parquet"),
        }
        earlier = [
            OlderSubject(
                manifest=content,
                artifact=model,
                name=name,
                train=DataFile(**put(tmp_path / name, frame.to_parquet()), format="parquet"),
            )
            for name, frame in older
        ]
        subject = Subject(manifest=content, artifact=model)
        given = {"checks": [], "subject": subject, "datasets": datasets, "same_recipe": earlier} | fields
        return Evidence(Attempt(**given)), test

    return make


def test_training_ends_with_the_last_time_of_its_data(evidence):
    found = evidence()[0].get(TrainingPeriod)
    assert found.value.end == datetime(2026, 1, 5, tzinfo=UTC)
    assert set(found.inputs) == {"train"}


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (None, "a time column"),
        (range(97), "which holds numbers"),
        (["soon"] * 97, "times in every row"),
        ([None] * 97, "times in any row"),
        (["2026-01-01"] * 96 + ["yesterday"], "times in every row"),
    ],
)
def test_times_are_never_invented(evidence, times, told):
    train = examples(97, 1)
    made, _ = evidence(time=None) if times is None else evidence(train.assign(seen_at=list(times)))
    with pytest.raises(Missing, match=told):
        made.get(TrainingPeriod)


def test_a_training_that_ends_between_microseconds_is_read_without_a_warning(evidence):
    times = pd.Series(START + pd.to_timedelta(np.arange(97), unit="h")).astype("M8[ns, UTC]") + pd.Timedelta(
        1, "ns"
    )
    made, _ = evidence(examples(97, 1).assign(seen_at=times))
    assert made.get(TrainingPeriod).value.end == datetime(2026, 1, 5, tzinfo=UTC)


def test_text_with_dates_is_read(evidence):
    train = examples(97, 1).assign(seen_at=["2026-01-01"] * 96 + ["2026-02-01T12:00:00+02:00"])
    assert evidence(train)[0].get(TrainingPeriod).value.end == datetime(2026, 2, 1, 10, tzinfo=UTC)


def test_limits_come_from_the_finding_and_the_manifest(evidence):
    made, _ = evidence(staleness=Staleness(days=80, lost=False, finding_id=3))
    assert made.get(StalenessLimit).value == StalenessLimit(80, 3, lost=False)
    with pytest.raises(Missing, match="MODEL-4"):
        evidence()[0].get(StalenessLimit)
    content = manifest(model__retraining_days=90)
    made, _ = evidence(subject=Subject(manifest=content))
    assert made.get(RetrainingCadence).value == RetrainingCadence(90)


def test_older_versions_predict_the_same_rows(evidence):
    older = [
        ("0.9", examples(97, 1, START - pd.Timedelta(days=60))),
        ("0.8", examples(97, 1).drop(columns="seen_at")),
    ]
    made, test = evidence(older=older)
    found = made.get(AgedPredictions)
    aged = found.value
    assert [(run.source, run.trained_until.date().isoformat()) for run in aged.runs] == [
        ("version 1.0.0", "2026-01-05"),
        ("version 0.9", "2025-11-06"),
    ]
    assert all(len(run.predictions.label) == len(test) for run in aged.runs)
    assert aged.labels.tolist() == test["malignant"].tolist()
    assert aged.labelled_at == test["seen_at"].median().to_pydatetime()
    assert len(aged.skipped) == 1
    assert aged.skipped[0].startswith("version 0.8: ")
    assert found.cap is None


APRIL = pd.Timestamp("2026-04-01", tz="UTC")


def served(tmp_path, known):
    """300 logged predictions, all of class 0, one an hour from the first of April; ``known`` labels by number."""
    frame = examples(300, 3, APRIL)
    features = frame[FEATURES].to_dict("records")
    rows = [Row(str(n), at, features[n], 0, 0.5) for n, at in enumerate(frame["seen_at"])]
    log = put(tmp_path / "log", parquet(table_of(rows, dict.fromkeys(FEATURES, "number"), "stable")))
    digest = write_labels({str(n): label for n, label in known(frame).items()}, tmp_path / "labels")
    labels = File(path=str(tmp_path / "labels"), format="parquet", digest=digest)
    batches = [File(**log, format="parquet")]
    end = APRIL + pd.Timedelta(days=30)
    return frame, Traffic(environment="production", start=APRIL, end=end, batches=batches, labels=labels)


OLDER = (("0.9", examples(97, 1, START - pd.Timedelta(days=60))),)


def test_labelled_traffic_is_more_current_than_test_data(evidence, tmp_path):
    frame, traffic = served(tmp_path, lambda frame: frame["malignant"].head(200).to_dict())
    found = evidence(traffic=traffic, older=OLDER)[0].get(AgedPredictions)
    aged = found.value
    assert aged.drawn_from == "labelled traffic of production"
    assert aged.labels.tolist() == frame["malignant"].head(200).tolist()
    assert aged.labelled_at == (APRIL + pd.Timedelta(hours=99.5)).to_pydatetime()
    own, older = aged.runs
    assert (
        own.predictions.label.tolist() == older.predictions.label.tolist()
    )  # of one training, whatever was logged
    assert np.mean(own.predictions.label == aged.labels) > 0.8
    assert found.inputs.keys() >= {"traffic", "labels", "artifact of 0.9"}


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (
            lambda frame: frame["malignant"].head(199).to_dict(),
            "production has 199 labelled predictions and needs 200",
        ),
        (
            lambda frame: dict.fromkeys(frame.index.tolist(), 0),
            "production has 300 labelled predictions and needs 200 with all",
        ),
    ],
)
def test_too_little_traffic_leaves_it_to_the_test_data(evidence, tmp_path, known, told):
    made, test = evidence(traffic=served(tmp_path, known)[1], older=OLDER)
    aged = made.get(AgedPredictions).value
    assert told in aged.drawn_from
    assert aged.labels.tolist() == test["malignant"].tolist()


def test_a_file_is_of_the_test_data_whatever_was_served(evidence, tmp_path):
    _, traffic = served(tmp_path, lambda frame: frame["malignant"].to_dict())
    _, test = evidence()
    file = pd.DataFrame({"id": test["id"], "prediction": test["malignant"], "cutoff": "2025-12-01"})
    made, _ = evidence(traffic=traffic, handed_in=handed_in(tmp_path, file))
    aged = made.get(AgedPredictions).value
    assert (aged.drawn_from, len(aged.runs)) == ("test data", 2)


def handed_in(tmp_path, frame, cap=None):
    text = io.StringIO()
    frame.to_csv(text, index=False)
    kind = "staleness-predictions"
    return {kind: [HandedInFile(**put(tmp_path / kind, text.getvalue().encode()), format=kind, cap=cap)]}


def test_handed_in_predictions_find_their_rows_and_labels_by_id(evidence, tmp_path):
    _, test = evidence()
    file = pd.DataFrame({"id": test["id"], "prediction": test["malignant"], "score": test["malignant"] * 0.8})
    shuffled = file.assign(cutoff="2025-12-01").sample(frac=1, random_state=1)
    short = file.assign(cutoff="2025-11-01").head(50)
    made, _ = evidence(handed_in=handed_in(tmp_path, pd.concat([shuffled, short]), cap="handed in by Ann"))
    found = made.get(AgedPredictions)
    own, run = found.value.runs
    assert (own.source, run.source) == ("version 1.0.0", "cut-off 2025-12-01")
    assert run.trained_until == datetime(2025, 12, 1, tzinfo=UTC)
    assert run.predictions.label.tolist() == test["malignant"].tolist() == found.value.labels.tolist()
    assert run.predictions.positive_score(1).tolist() == (test["malignant"] * 0.8).tolist()
    assert found.value.skipped == ("cut-off 2025-11-01: a prediction for 10 of 60 labelled rows is missing",)
    assert found.cap == "handed in by Ann"
    assert "staleness-predictions" in found.inputs


def test_one_training_makes_no_curve(evidence):
    with pytest.raises(Missing, match="trainings of this recipe to other dates"):
        evidence()[0].get(AgedPredictions)


# --- what is planned ------------------------------------------------------------------------------


def test_only_versions_of_one_recipe_are_compared(database, planted):
    with database.write() as session:
        same = {"artifact_digest": "a" * 64, "model_class": "Tree"}
        plant(session, version="2", **same)
        plant(session, version="3", **same | {"model_class": "Forest"})
        plant(session, version="4", **same | {"artifact_digest": None})
        _, tuned = plant(session, version="5", **same)
        tuned.manifest = {**tuned.manifest, "version": {**tuned.manifest["version"], "tunables": {"depth": 3}}}
        plant(session, version="6", **same)
        _, current = plant(session, version="7", **same)
        plant(session, version="8", **same)
    with database.read() as session:
        assert [one.name for one, _ in same_recipe(session, current)] == ["6", "2"]


def test_the_newest_conclusive_finding_up_to_the_audit_is_the_limit(database, planted):
    model, version = planted
    points = [{"days_older": 90, "loss": {"estimate": 0.04, "low": 0.03, "high": 0.05}, "standard_error": 0.001}]

    def add(session, verdict, gap, age):
        common = {"model_id": model.id, "version_id": version.id, "automatic": True}
        queued = utcnow() - timedelta(days=age)
        audit = Audit(**common, checks=[], trigger="ci", actor="ci", progress={}, created_at=queued)
        session.add(audit)
        session.flush()
        row = {"check_id": "MODEL-4", "verdict": verdict, "reason": "", "remedy": "", "seconds": 0.1}
        row |= {"measured": {"curve": points, "gap_days": gap}, "thresholds": {"max_loss": 0.02}}
        finding = Finding(**common, **row, audit_id=audit.id, exhibits=[], inputs={}, created_at=queued)
        session.add(finding)
        session.flush()
        return audit, finding.id

    with database.write() as session:
        first, _ = add(session, "inconclusive", 0, 9)
        add(session, "pass", 0, 8)
        _, counted = add(session, "fail", 10, 7)
        audit, _ = add(session, "error", 0, 6)
    with database.read() as session:
        found = staleness_of(session, audit)
        assert found == Staleness(days=55, lost=True, finding_id=counted)
        assert staleness_of(session, first) is None
