"""Evidently's reports: drawn from a sample that they name, with the library's own tests, and told to nobody."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from app.engines.evidently import SAMPLE_ROWS, drift_report, quality_report
from app.engines.reports import Side, drawn, with_banner
from checks.evidence import Predictions, Task
from tests.checks.planted import declaration, features_of

pytestmark = pytest.mark.slow

HOSTILE = "<script>window.hit=1</script>"


def applicants(rows, seed=0, older=0.0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40 + older, 9, rows),
            HOSTILE: rng.normal(0, 1, rows),
            "region": rng.choice(["north", "south", None], rows),
            "employed": rng.integers(0, 2, rows).astype(bool),
            "y": rng.integers(0, 2, rows),
        }
    )


def declared_for(frame, **changes):
    return declaration(features=features_of(frame, "y"), **changes)


def drift(current, reference):
    declared = declared_for(reference)
    return drift_report(declared, Side("predictions logged", current), Side("rows of the training data", reference))


def answers(frame, right, seed=1):
    """Predictions of which this share is right, with probabilities that agree."""
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(len(frame)) < right, frame["y"], 1 - frame["y"])
    positive = np.where(label == 1, 0.8, 0.2)
    return Predictions(label, np.column_stack([1 - positive, positive]), (0, 1))


def quality(right_now, right_before, rows=800, **changes):
    now, before = applicants(rows, 2), applicants(rows, 3)
    return quality_report(
        declared_for(now, **changes),
        (Side("labelled predictions", now), answers(now, right_now)),
        (Side("rows of the test data", before), answers(before, right_before)),
    )


def passed(report, part):
    [found] = [passed for name, passed in report.tests.items() if part in name]
    return found


def test_drift_is_tested_column_by_column():
    report = drift(applicants(1000, 1, older=20), applicants(1000, 2))
    assert not passed(report, "Drift for column age")
    assert passed(report, "Drift for column region")
    assert passed(report, "Drift for column employed")
    assert report.library == "evidently 0.7.23"


def test_the_sample_is_named_on_the_report_and_in_its_name():
    report = drift(applicants(SAMPLE_ROWS + 1000, 1), applicants(SAMPLE_ROWS + 2000, 2))
    assert report.sample_rows == SAMPLE_ROWS
    assert (
        report.drawn_from == "5,000 of 6,000 predictions logged, against 5,000 of 7,000 rows of the training data"
    )
    assert report.drawn_from in report.exhibit.name
    assert report.exhibit.media_type == "text/html"
    assert b'id="assay-sample"' in report.exhibit.content
    assert f"over a sample: {report.drawn_from}.".encode() in report.exhibit.content


def test_sides_of_unlike_size_are_drawn_alike():
    report = drift(applicants(700, 1), applicants(300, 2))
    assert report.sample_rows == 300
    assert passed(report, "Row count in dataset")


def test_the_same_rows_are_drawn_every_time():
    first, again = drawn(10_000, 50), drawn(10_000, 50)
    assert (first == again).all()
    assert len(set(first)) == 50
    assert (np.diff(first) > 0).all()
    assert drawn(3, 50).tolist() == [0, 1, 2]


def test_columns_that_a_side_lacks_are_left_out():
    current = applicants(200, 1).drop(columns="region").assign(age=np.nan)
    report = drift(current, applicants(200, 2))
    assert not [name for name in report.tests if "region" in name or "age" in name]
    with pytest.raises(ValueError, match="no number or category"):
        drift(applicants(20)[["y"]], applicants(20))


def test_quality_that_was_lost_fails_evidentlys_tests():
    assert all(quality(0.9, 0.9).tests.values())
    lost = quality(0.6, 0.9)
    assert not passed(lost, "Accuracy")
    assert not passed(lost, "RocAuc")


def test_a_version_without_probabilities_has_a_quality_report():
    now = applicants(300, 2)
    labels = Predictions(answers(now, 0.9).label)
    sides = (Side("labelled predictions", now), labels), (Side("rows", now), answers(now, 0.9))
    report = quality_report(declared_for(now), *sides)
    assert passed(report, "Accuracy")
    assert not [name for name in report.tests if "RocAuc" in name]


def test_unlabelled_rows_are_not_counted():
    now = applicants(300, 2).astype({"y": object})
    now.loc[:99, "y"] = None
    sides = [(Side("labelled predictions", now), Predictions(np.ones(300, dtype=int)))] * 2
    assert "200 of 200 labelled predictions" in quality_report(declared_for(applicants(9)), *sides).drawn_from


@pytest.mark.parametrize("task", [Task.REGRESSION, Task.MULTICLASS])
def test_quality_of_other_tasks(task):
    rng = np.random.default_rng(5)
    frame = applicants(400).assign(y=rng.normal(size=400) if task is Task.REGRESSION else rng.choice([*"abc"], 400))
    right = Predictions(frame["y"].to_numpy())
    wrong = Predictions(np.roll(frame["y"].to_numpy(), 1))
    declared = declared_for(applicants(9), task=task, positive=None)
    side = Side("rows", frame)
    assert not all(quality_report(declared, (side, wrong), (side, right)).tests.values())
    assert all(quality_report(declared, (side, right), (side, right)).tests.values())


def test_the_banner_is_text_whatever_it_says():
    page = with_banner("<html><BODY class='x'><p>report</p></BODY></html>", "a <b> & c")
    assert page.startswith(b"<html><BODY class='x'><p id=\"assay-sample\"")
    assert b"a &lt;b&gt; &amp; c</p><p>report" in page
    assert with_banner("no body", "told").index(b"told") < with_banner("no body", "told").index(b"no body")


def test_nobody_is_told_that_evidently_runs(monkeypatch):
    asked = []
    monkeypatch.setattr("socket.socket.connect", lambda _, address: asked.append(address))
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    drift(applicants(50, 1), applicants(50, 2))
    assert asked == []
    assert os.environ["DO_NOT_TRACK"] == "1"
