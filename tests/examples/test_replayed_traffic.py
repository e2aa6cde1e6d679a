"""Replayed weeks hold what was served, and each defect shows where the README says and nowhere else."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

EXAMPLE = Path(__file__).parents[2] / "examples" / "credit-default"
MONDAY = pd.Timestamp("2024-10-07", tz="UTC")


@pytest.fixture(scope="module")
def example():
    sys.path.insert(0, str(EXAMPLE))
    yield importlib.import_module("traffic")
    sys.path.remove(str(EXAMPLE))


@pytest.fixture(scope="module")
def model(example):
    """Quick to fit, and it looks at the columns that the defects change."""
    looked_at = ["income", "debt_ratio", "utilisation"]
    prepare = FunctionTransformer(lambda frame: np.log1p(frame[looked_at].fillna(0).to_numpy(dtype=float)))
    data = importlib.import_module("generate").generate(rows=4_000).dropna(subset="label_at")
    return make_pipeline(prepare, LogisticRegression()).fit(data, data["defaulted"].astype(int))


@pytest.fixture(scope="module")
def week(example, model):
    return lambda *defects: example.replay(model, MONDAY, 7, defects)


def test_a_week_holds_its_days_and_every_label_that_came_later(week):
    predictions, recomputed, labels = week()
    assert 400 < len(predictions) < 800
    assert predictions["applied_at"].between(MONDAY, MONDAY + pd.Timedelta(days=7), inclusive="left").all()
    assert labels["defaulted"].notna().all()
    assert (labels["label_at"] - predictions["applied_at"] >= pd.Timedelta(days=90)).all()
    pd.testing.assert_frame_equal(recomputed, predictions[recomputed.columns])


@pytest.mark.parametrize(
    ("defect", "columns"), [("unit_change", ["income"]), ("rounding", ["debt_ratio", "utilisation"])]
)
def test_a_defect_of_serving_shows_in_what_was_served_and_not_in_what_is_recomputed(week, defect, columns):
    sound, spoiled = week(), week(defect)
    pd.testing.assert_frame_equal(spoiled.recomputed, sound.recomputed)
    pd.testing.assert_frame_equal(spoiled.labels, sound.labels)
    changed = [*columns, "prediction", "probability"]
    pd.testing.assert_frame_equal(
        spoiled.predictions.drop(columns=changed), sound.predictions.drop(columns=changed)
    )
    for column in columns:
        both = sound.predictions[column].notna()
        assert (spoiled.predictions[column] != sound.predictions[column])[both].mean() > 0.7
    assert not spoiled.predictions["probability"].equals(sound.predictions["probability"])


def test_decaying_quality_shows_in_the_labels_alone(week):
    sound, spoiled = week(), week("label_shift")
    pd.testing.assert_frame_equal(spoiled.predictions, sound.predictions)
    assert spoiled.labels["defaulted"].mean() > 1.4 * sound.labels["defaulted"].mean()


def test_applications_that_trained_or_tested_a_model_are_not_replayed(example, model):
    with pytest.raises(ValueError, match="2024-10-03"):
        example.replay(model, pd.Timestamp("2024-10-02", tz="UTC"), 7)


def test_days_without_applications_are_refused(example, model):
    with pytest.raises(ValueError, match="nobody applied"):
        example.replay(model, pd.Timestamp("2025-03-01", tz="UTC"), 7)
