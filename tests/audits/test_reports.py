"""Reports from the evidence of an attempt: of the right data, and missing rather than an error."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from app.audits.attempt import Attempt, Subject
from app.audits.providing import PROVIDERS, Provided
from app.audits.providing.reports import DeepchecksAnswer
from app.engines import deepchecks
from app.sandbox import Stopped
from checks.contract import Exhibit, Missing
from checks.evidence import Declaration, HoldoutPredictions, Predictions, Predictor, ReferenceData, Slice
from checks.methods.slices import search_half
from checks.serving import (
    AT,
    ID,
    LABEL,
    PREDICTION,
    SCORE,
    DriftReport,
    FullSuite,
    LabelledServing,
    QualityReport,
    ServingLog,
    WeakSegments,
    Window,
)
from tests.checks.planted import declaration, features_of, holdout, training

WINDOW = Window("production", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
ATTEMPT = Attempt(checks=[], subject=Subject(manifest={}))


def people(rows, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"age": rng.normal(40, 9, rows), "y": rng.integers(0, 2, rows)})


def logged(rows, seed=9):
    frame = people(rows, seed)
    score = np.where(frame["y"] == 1, 0.8, 0.2)
    return frame.drop(columns="y").assign(
        **{
            ID: [str(n) for n in range(rows)],
            AT: WINDOW.start,
            PREDICTION: frame["y"],
            SCORE: score,
            LABEL: frame["y"],
        }
    )


class Given:
    """A source that has just this evidence."""

    def __init__(self, **evidence) -> None:
        given = {Declaration: declaration(features=features_of(people(50, 1), "y"))}
        self.evidence = {
            **{kind: Provided(value) for kind, value in given.items()},
            **{type(one.value): one for one in evidence.values()},
        }

    def get(self, kind):
        if kind not in self.evidence:
            raise Missing(kind.__name__, "")
        return self.evidence[kind]


def serving(rows=300, total=None):
    return Provided(ServingLog(WINDOW, logged(rows), total or rows, "aa"), {"traffic": "aa"})


def report_of(kind, **evidence):
    return PROVIDERS[kind](Given(**evidence), ATTEMPT)


def trained(rows=300):
    return Provided(training(people(rows, 2)), {"train": "bb"})


def held_out(rows=300):
    frame = people(rows, 4)
    positive = np.where(frame["y"] == 1, 0.8, 0.2)
    made = HoldoutPredictions(frame["y"].to_numpy(), np.column_stack([1 - positive, positive]), (0, 1))
    return {"holdout": Provided(holdout(frame), {"test": "dd"}), "made": Provided(made, {"artifact": "ee"})}


def test_drift_is_reported_against_the_training_data_unless_there_is_a_reference():
    provided = report_of(DriftReport, log=serving(), train=trained())
    assert provided.value.drawn_from == (
        "300 of 300 predictions in production from 2026-03-01 00:00 to 2026-03-02 00:00 UTC, "
        "against 300 of 300 rows of the training data"
    )
    assert provided.inputs == {"traffic": "aa", "train": "bb"}
    reference = Provided(ReferenceData(people(200, 3), "cc"), {"reference": "cc"})
    provided = report_of(DriftReport, log=serving(), train=trained(), reference=reference)
    assert provided.value.drawn_from.endswith("against 200 of 200 rows of the reference data")
    assert provided.inputs == {"traffic": "aa", "reference": "cc"}


def test_a_log_that_is_cut_says_so():
    told = report_of(DriftReport, log=serving(total=5_000_000), train=trained()).value.drawn_from
    assert told.startswith("300 of 300 predictions (the newest of 5,000,000) in production")


def test_without_traffic_there_is_no_report():
    with pytest.raises(Missing, match="ServingLog"):
        report_of(DriftReport, train=trained())
    with pytest.raises(Missing, match="TrainingData"):
        report_of(DriftReport, log=serving())


def test_data_that_the_library_cannot_report_on_costs_the_report_alone():
    log = Provided(ServingLog(WINDOW, logged(9).drop(columns="age"), 9, "aa"))
    with pytest.raises(Missing, match="Evidently's drift report, which failed with ValueError: the two sides"):
        report_of(DriftReport, log=log, train=trained())


def test_quality_is_reported_with_the_logged_answers():
    labelled = Provided(LabelledServing(WINDOW, logged(250), 250, 0.5), {"labels": "ff"})
    provided = report_of(QualityReport, log=labelled, **held_out())
    assert provided.value.drawn_from.startswith("250 of 250 labelled predictions in production from 2026-03-01")
    assert provided.inputs == {"labels": "ff", "test": "dd", "artifact": "ee"}
    assert all(provided.value.tests.values())
    assert [name for name in provided.value.tests if "RocAuc" in name]


def test_wrong_answers_in_operation_show():
    frame = logged(250)
    labelled = LabelledServing(WINDOW, frame.assign(**{PREDICTION: 1 - frame[PREDICTION], SCORE: None}), 250, 0.5)
    tests = report_of(QualityReport, log=Provided(labelled), **held_out()).value.tests
    assert not next(passed for name, passed in tests.items() if "Accuracy" in name)
    assert not [name for name in tests if "RocAuc" in name]


# --- deepchecks ---------------------------------------------------------------------------------


class Asked:
    """Stands for the child process: notes what it was asked and answers nothing found."""

    def __init__(self, monkeypatch, **answer) -> None:
        self.requests = []
        self.answer = deepchecks.Answer("deepchecks 0.19.1", **answer)
        monkeypatch.setattr(deepchecks, "run", self.run)

    def run(self, _engines, request):
        self.requests.append(request)
        return self.answer


class Positive:
    """A model that says yes to everybody."""

    def predict(self, frame):
        return Predictions(np.ones(len(frame), dtype=int))


def of_deepchecks(kind, rows=2000, engines="there", **evidence):
    given = Given(**held_out(rows), **evidence)
    attempt = ATTEMPT.model_copy(update={"engines": engines})
    answer = PROVIDERS[DeepchecksAnswer](given, attempt)
    given.evidence[DeepchecksAnswer] = answer
    return PROVIDERS[kind](given, attempt)


def test_without_its_environment_deepchecks_is_missing_with_the_way_out(tmp_path):
    for engines in (None, str(tmp_path)):
        with pytest.raises(Missing, match="deepchecks' environment") as missing:
            of_deepchecks(WeakSegments, engines=engines)
        assert missing.value.how == "assay engines install"


def test_the_search_sees_its_half_of_the_test_data_alone(monkeypatch):
    asked = Asked(monkeypatch, segments=(Slice("old", {}),), searched_rows=900)
    provided = of_deepchecks(WeakSegments)
    assert provided.value.segments == (Slice("old", {}),)
    assert (provided.value.library, provided.value.searched_rows) == ("deepchecks 0.19.1", 900)
    assert provided.inputs == {"test": "dd", "artifact": "ee"}
    [request] = asked.requests
    assert request.search.positions.tolist() == np.flatnonzero(search_half(2000)).tolist()
    assert request.smallest_share == 0.1  # 100 rows of the 1,000 that judge
    assert request.train is None


def test_too_few_rows_are_not_searched(monkeypatch):
    asked = Asked(monkeypatch)
    with pytest.raises(Missing, match="it needs 1,000 labelled rows"):
        of_deepchecks(WeakSegments, rows=999)
    assert asked.requests[0].search is None


def test_the_suite_gets_the_models_answers_for_the_training_data(monkeypatch):
    suite = FullSuite(Exhibit("suite", "text/html", b""), "deepchecks 0.19.1", 1, "rows", {})
    asked = Asked(monkeypatch, suite=suite)
    given = Given(**held_out(2000), train=trained())
    given.evidence[Predictor] = Provided(Positive(), {"artifact": "ee"})
    answer = PROVIDERS[DeepchecksAnswer](given, ATTEMPT.model_copy(update={"engines": "there"}))
    given.evidence[DeepchecksAnswer] = answer
    assert PROVIDERS[FullSuite](given, ATTEMPT).value is suite
    assert answer.inputs == {"test": "dd", "artifact": "ee", "train": "bb"}
    [request] = asked.requests
    assert request.train.predicted.label.tolist() == [1] * 300


def test_what_failed_in_deepchecks_is_said(monkeypatch):
    Asked(monkeypatch, problems={"tests": "ValueError: odd", "segments": "KeyError: age"})
    with pytest.raises(Missing, match="full suite: ValueError: odd"):
        of_deepchecks(FullSuite)
    with pytest.raises(Missing, match="weak segments: KeyError: age"):
        of_deepchecks(WeakSegments)


def test_a_child_that_is_stopped_costs_its_report_alone(monkeypatch, capsys):
    def stopped(*_):
        raise Stopped("stopped after 240 s", "the end of its stderr")

    monkeypatch.setattr(deepchecks, "run", stopped)
    with pytest.raises(Missing, match="failed with Stopped: stopped after 240 s"):
        of_deepchecks(WeakSegments)
    assert "the end of its stderr" in capsys.readouterr().err
