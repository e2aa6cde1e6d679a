"""MON-7 on traffic that stays as good, decays, shifts, leaks, fails in one slice, and has no label yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from checks.contract import Exhibit, Missing, Verdict
from checks.evidence import Feature, HoldoutPredictions, Slice, Task
from checks.monitoring.prediction_quality import PredictionQuality
from checks.serving import (
    AT,
    ID,
    LABEL,
    PREDICTION,
    SCORE,
    LabelledServing,
    QualityReport,
    ServingLog,
    Window,
)
from tests.checks.planted import declaration, holdout, judged, require_storable

CHECK = PredictionQuality()
START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window("production", START, START + timedelta(days=28))
FEATURES = (Feature("x", "number"), Feature("region", "category"))
EAST = Slice("east", {"region": "east"})
MODEL = declaration(features=FEATURES, slices=(EAST, Slice("gone", {"nowhere": 1})))


def rows(count=4000, seed=0, centre=0.0) -> pd.DataFrame:
    """A calibrated model: ``score`` is the very chance of ``y``. ``part``: 0 to 1 along the window."""
    rng = np.random.default_rng(seed)
    x = rng.normal(centre, 1.0, count)
    score = 1 / (1 + np.exp(-2 * x))
    frame = pd.DataFrame({"x": x, "region": rng.choice(["east", "west"], count), "score": score})
    return frame.assign(y=(rng.random(count) < score).astype(int), part=np.linspace(0, 0.999, count))


REFERENCE = rows(seed=1)


def scrambled(frame, where, seed=5):
    """Labels that have nothing to do with the score, as often 1 as before, ``where`` it says."""
    labels = frame["y"].to_numpy(copy=True)
    labels[where] = np.random.default_rng(seed).permutation(labels[where])
    return frame.assign(y=labels)


def served(frame, window=WINDOW) -> pd.DataFrame:
    seconds = frame["part"] * (window.end - window.start).total_seconds()
    columns = {
        ID: [f"p{i}" for i in range(len(frame))],
        AT: pd.Timestamp(window.start) + pd.to_timedelta(seconds, "s"),
    }
    columns |= {PREDICTION: (frame["score"] > 0.5).astype(int), SCORE: frame["score"], LABEL: frame["y"]}
    return frame[["x", "region"]].assign(**columns)


def measured(frame, *, coverage=1.0, labelled=True, declared=MODEL, reference=REFERENCE, report=None):
    proba = np.column_stack([1 - reference["score"], reference["score"]])
    predicted = HoldoutPredictions((reference["score"] > 0.5).astype(int).to_numpy(), proba, (0, 1))
    log = served(frame)
    labels = LabelledServing(WINDOW, log, len(log), coverage) if labelled else None
    total = ServingLog(WINDOW, log.drop(columns=LABEL), round(len(log) / coverage), "d")
    return CHECK.measure(declared, holdout(reference), predicted, total, labels, None, report)


def read(measurement):
    return measurement.values  # noqa: PD011 - no frame's


def test_what_stays_as_good_passes():
    found = measured(rows())
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason.startswith("roc_auc is 0.8683 on 4000 rows against 0.8495")
    assert "100% of 4000 logged predictions have a label. No regression is credible" in judgement.reason
    assert read(found)["estimated"] is False
    assert [one["name"] for one in read(found)["slices"]] == ["east"]
    assert read(found)["skipped"] == ["gone: the test data has no column 'nowhere'"]
    assert len(read(found)["trend"]["parts"]) == 6
    require_storable(found)


def test_decayed_quality_fails_by_the_metric():
    frame = rows()
    judgement = judged(CHECK, measured(scrambled(frame, frame.index[::3])))
    assert judgement.verdict is Verdict.FAIL
    assert "The loss is credibly above 5% of the reference's quality" in judgement.reason
    assert "bias is" not in judgement.reason.split("label.")[1]


def test_doubled_odds_fail_by_calibration_alone():
    """The ranking stays, so the ROC area does; as examples/credit-default has it, chance / (1 + chance) turn."""
    frame = rows()
    more = np.random.default_rng(3).random(len(frame)) < frame["score"] / (1 + frame["score"])
    judgement = judged(CHECK, measured(frame.assign(y=frame["y"].mask(more, 1))))
    assert judgement.verdict is Verdict.FAIL
    assert "The bias is -0.1" in judgement.reason
    assert "The loss is credibly" not in judgement.reason


def test_a_bias_that_the_test_data_shows_too_is_no_regression():
    tilted = [one.assign(score=one["score"] ** 0.5) for one in (REFERENCE, rows())]
    found = measured(tilted[1], reference=tilted[0])
    assert read(found)["overall"]["biases"][0]["bias"] > 0.1
    assert judged(CHECK, found).verdict is Verdict.PASS


def test_a_loss_in_one_slice_only_fails_for_that_slice():
    frame = rows()
    found = measured(scrambled(frame, np.flatnonzero(frame["region"] == "east")[::3]))
    judgement = judged(CHECK, found, max_loss=0.1)
    assert judgement.verdict is Verdict.FAIL
    assert "In the slice east the roc_auc is" in judgement.reason
    assert "The loss is credibly" not in judgement.reason


def test_a_slow_leak_fails_before_the_whole_has_lost_too_much():
    frame = rows(12_000)
    lost = np.random.default_rng(9).random(len(frame)) < 0.16 * frame["part"]
    found = measured(scrambled(frame, lost.to_numpy()))
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "Quality leaks: over 6 parts of the window roc_auc falls by 0.0" in judgement.reason
    assert "The loss is credibly" not in judgement.reason


def test_too_few_labels_are_inconclusive_and_say_how_many_are_needed():
    judgement = judged(CHECK, measured(rows(99)))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "99 labelled predictions" in judgement.reason
    assert "100 of each are needed" in judgement.reason
    assert judged(CHECK, measured(rows(100))).verdict is not Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("coverage", "warned"), [(0.49, True), (0.5, False)])
def test_low_coverage_brings_a_warning(coverage, warned):
    judgement = judged(CHECK, measured(rows(), coverage=coverage))
    assert judgement.verdict is Verdict.PASS
    assert ("labels that are known so far may differ" in judgement.reason) is warned


# --- no labels -----------------------------------------------------------------------------------


def test_without_labels_stable_traffic_passes_as_an_estimate():
    found = measured(rows(), labelled=False)
    judgement = judged(CHECK, found)
    assert read(found)["estimated"] is True
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason.startswith("Estimated, no label being known: estimated roc_auc is 0.8")
    require_storable(found)


def test_without_labels_inputs_where_the_model_is_unsure_fail_as_an_estimate():
    """All inputs move to where the chance is one half: what is right there is soon wrong."""
    frame = rows(8000, seed=4)
    shifted = frame[frame["x"].abs() < 0.4].reset_index(drop=True)
    found = measured(shifted, labelled=False)
    judgement = judged(CHECK, found)
    assert judgement.verdict is Verdict.FAIL
    assert "estimated roc_auc is 0.6" in judgement.reason
    realised = read(measured(shifted))["overall"]["quality"]
    assert read(found)["overall"]["quality"] == pytest.approx(realised, abs=0.04)


def test_without_labels_few_rows_are_inconclusive():
    judgement = judged(CHECK, measured(rows(199), labelled=False))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "200 of each are needed to estimate" in judgement.reason


def test_without_labels_and_probabilities_nothing_can_be_estimated():
    frame = rows()
    with pytest.raises(Missing, match="probabilities in the log"):
        CHECK.measure(
            MODEL,
            holdout(REFERENCE),
            HoldoutPredictions(REFERENCE["y"].to_numpy()),
            ServingLog(WINDOW, served(frame), len(frame), "d"),
            None,
            None,
            None,
        )


# --- other tasks, other spellings -------------------------------------------------------------------


def regression(frame, *, labelled=True, metric="mae"):
    """The error grows with x; ``score`` is what is predicted."""
    declared = declaration(features=FEATURES, task=Task.REGRESSION, metric=metric, positive=None)
    rng = np.random.default_rng(2)
    reference = REFERENCE.assign(y=10 * REFERENCE["x"] + rng.normal(0, 1 + REFERENCE["x"].abs(), len(REFERENCE)))
    predicted = HoldoutPredictions(10 * reference["x"].to_numpy())
    log = served(frame).assign(**{PREDICTION: 10 * frame["x"], SCORE: None, LABEL: frame["y"]})
    labels = LabelledServing(WINDOW, log, len(log), 1.0) if labelled else None
    total = ServingLog(WINDOW, log, len(log), "d")
    return CHECK.measure(declared, holdout(reference), predicted, total, labels, None, None)


def answers(seed=7, centre=0.0, bias=0.0, noise=1.0):
    frame, rng = rows(seed=seed, centre=centre), np.random.default_rng(seed + 100)
    return frame.assign(y=10 * frame["x"] + bias + rng.normal(0, noise * (1 + frame["x"].abs()), len(frame)))


@pytest.mark.parametrize("metric", ["mae", "r2"])
def test_a_regression_that_stays_passes(metric):
    assert judged(CHECK, regression(answers(), metric=metric)).verdict is Verdict.PASS
    assert judged(CHECK, regression(answers(), labelled=False, metric=metric)).verdict is Verdict.PASS


def test_a_regression_that_errs_to_one_side_fails_in_units_of_sd():
    judgement = judged(CHECK, regression(answers(bias=1.5), metric="r2"))
    assert judgement.verdict is Verdict.FAIL
    assert "The bias is -0.1" in judgement.reason
    assert "credibly beyond 0.1" in judgement.reason
    assert judged(CHECK, regression(answers(bias=0.5), metric="r2")).verdict is Verdict.PASS


def test_a_regression_whose_errors_grow_fails():
    judgement = judged(CHECK, regression(answers(noise=1.4)))
    assert judgement.verdict is Verdict.FAIL
    assert "The loss is credibly above" in judgement.reason


def test_a_regression_without_labels_moved_to_where_it_errs_fails_as_an_estimate():
    judgement = judged(CHECK, regression(answers(centre=1.5), labelled=False))
    assert judgement.verdict is Verdict.FAIL
    assert "estimated mae is 1.8" in judgement.reason


def test_classes_are_compared_however_a_file_wrote_them():
    log = served(rows())
    texts = log.assign(**{LABEL: log[LABEL].astype(str), PREDICTION: log[PREDICTION].astype(float)})
    texts.loc[0, LABEL] = "maybe"
    proba = np.column_stack([1 - REFERENCE["score"], REFERENCE["score"]])
    predicted = HoldoutPredictions((REFERENCE["score"] > 0.5).astype(int).to_numpy(), proba, (0, 1))
    total, labels = ServingLog(WINDOW, texts, len(texts), "d"), LabelledServing(WINDOW, texts, len(texts), 1.0)
    found = CHECK.measure(MODEL, holdout(REFERENCE), predicted, total, labels, None, None)
    assert (read(found)["rows"], read(found)["left_out"]) == (3999, 1)
    assert judged(CHECK, found).verdict is Verdict.PASS


def test_several_classes_are_biased_one_by_one():
    """Class c comes twice as often as it is predicted."""
    rng = np.random.default_rng(1)
    classes, chances = ("a", "b", "c"), np.array([0.5, 0.3, 0.2])

    def made(weights):
        count = 3000
        frame = pd.DataFrame({"x": rng.normal(size=count), "region": "west", "part": np.linspace(0, 0.999, count)})
        return frame.assign(y=rng.choice(classes, count, p=weights), score=0.0)

    declared = declaration(features=FEATURES, task=Task.MULTICLASS, metric="log_loss", positive=None)
    reference, proba = made(chances), np.tile(chances, (3000, 1))
    predicted = HoldoutPredictions(np.array(["a"] * 3000), proba, classes)
    frame = made([0.4, 0.2, 0.4])
    log = served(frame).assign(**{PREDICTION: "a", SCORE: None})
    log = log.assign(**{f"assay.proba.{one}": chance for one, chance in zip(classes, chances, strict=True)})
    total, labels = ServingLog(WINDOW, log, len(log), "d"), LabelledServing(WINDOW, log, len(log), 1.0)
    judgement = judged(CHECK, CHECK.measure(declared, holdout(reference), predicted, total, labels, None, None))
    assert judgement.verdict is Verdict.FAIL
    assert "The bias of c is -0.1" in judgement.reason


def test_the_report_is_attached():
    report = QualityReport(Exhibit("r.html", "text/html", b"r"), "evidently", 10, "all", {})
    assert [one.name for one in measured(rows(), report=report).exhibits] == ["prediction-quality.csv", "r.html"]


@pytest.mark.parametrize(
    ("bias", "reference", "expected"),
    [
        (0.024, 0.0, Verdict.PASS),
        (0.026, 0.0, Verdict.FAIL),
        (0.026, 0.005, Verdict.PASS),
        (-0.026, 0, Verdict.FAIL),
    ],
)
def test_the_bound_of_the_bias_decides(bias, reference, expected):
    values = dict(read(measured(rows(400))))
    one = {"of": "", "bias": bias, "reference": reference, "error": 0.005 / 1.96}
    values |= {"slices": [], "trend": None}
    values["overall"] = values["overall"] | {"biases": [one], "loss": {"estimate": 0, "low": 0, "high": 0}}
    assert CHECK.judge(values, CHECK.thresholds).verdict is expected
