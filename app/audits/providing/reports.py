"""Reports of Evidently and deepchecks, each over a bounded sample. What they cannot report on is never an error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from checks.contract import Missing
from checks.evidence import (
    Declaration,
    Holdout,
    HoldoutPredictions,
    Predictions,
    Predictor,
    ReferenceData,
    Task,
    TrainingData,
)
from checks.serving import (
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

if TYPE_CHECKING:
    import pandas as pd

    from checks.methods.cohorts import Labelled

LONGEST_MESSAGE = 300
NO_REPORT = "the check needs no report to judge"
SMALLEST_SEGMENT = 100
"""Rows of a segment in the half that judges it; MODEL-6 judges no fewer."""
SMALLEST_SHARE = 0.02
LEAST_SEARCHED = 1_000
"""With fewer labelled rows a segment would have to be a fifth of the data."""
Made = TypeVar("Made")


def _drift(source: Source, _attempt: Attempt) -> Provided:
    """The window's inputs against the reference data, or the training data of a version without any."""
    from app.engines.evidently import drift_report
    from app.engines.reports import Side

    declared, log = source.get(Declaration).value, source.get(ServingLog)
    name, reference = _reference(source)
    newest = f" (the newest of {log.value.rows:,})" if log.value.rows > len(log.value.frame) else ""
    current = Side(f"predictions{newest} {_told(log.value.window)}", log.value.frame)
    before = Side(f"rows of the {name} data", reference.value.frame)
    report = _reported("Evidently's drift report", lambda: drift_report(declared, current, before))
    return Provided(report, {**log.inputs, **reference.inputs})


def _quality(source: Source, _attempt: Attempt) -> Provided:
    """The window's labelled predictions against those of the test data."""
    from app.engines.evidently import quality_report
    from app.engines.reports import Side

    declared, serving = source.get(Declaration).value, source.get(LabelledServing)
    holdout, predicted = source.get(Holdout), source.get(HoldoutPredictions)
    logged = serving.value.frame.assign(**{declared.label: serving.value.frame[LABEL]})
    current = Side(f"labelled predictions {_told(serving.value.window)}", logged)
    before = Side("rows of the test data", holdout.value.frame)
    report = _reported(
        "Evidently's quality report",
        lambda: quality_report(declared, (current, _logged(declared, logged)), (before, predicted.value)),
    )
    return Provided(report, {**serving.inputs, **holdout.inputs, **predicted.inputs})


def _reference(source: Source) -> tuple[str, Provided]:
    try:
        return "reference", source.get(ReferenceData)
    except Missing:
        return "training", source.get(TrainingData)


def _reported(what: str, make: Callable[[], Made]) -> Made:
    """A library that trips over some data costs its report, never the check that would have shown it."""
    try:
        return make()
    except Missing:
        raise
    except Exception as error:
        message = f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE]
        print(getattr(error, "tail", ""), file=sys.stderr)  # noqa: T201 - an attempt's stderr is kept by its worker
        raise Missing(f"{what}, which failed with {message}", NO_REPORT) from error


def _told(window: Window) -> str:
    return f"in {window.environment} from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"


def _logged(declared: Declaration, frame: pd.DataFrame) -> Predictions:
    """The logged answers; of a binary task with the logged probability of the positive class."""
    import numpy as np

    label = frame[PREDICTION].to_numpy()
    if declared.task is not Task.BINARY or SCORE not in frame or frame[SCORE].isna().any():
        return Predictions(label)
    positive = frame[SCORE].to_numpy(dtype=float)
    return Predictions(label, np.column_stack([1 - positive, positive]), (None, declared.positive))


def _suite(source: Source, _attempt: Attempt) -> Provided:
    answered = source.get(DeepchecksAnswer)
    if answered.value.suite is None:
        problem = answered.value.problems.get(
            "tests", "it needs training and test data with labels and predictions"
        )
        raise Missing(f"deepchecks' full suite: {problem}", NO_REPORT)
    return Provided(answered.value.suite, answered.inputs)


def _weak(source: Source, _attempt: Attempt) -> Provided:
    answered = source.get(DeepchecksAnswer)
    if answered.value.segments is None:
        problem = answered.value.problems.get("segments", f"it needs {LEAST_SEARCHED:,} labelled rows of test data")
        raise Missing(f"deepchecks' search for weak segments: {problem}", NO_REPORT)
    found = answered.value
    return Provided(WeakSegments(found.segments, found.library, found.searched_rows), answered.inputs)


class DeepchecksAnswer:
    """What one run of deepchecks answered; the suite and the search share its import, which takes seconds."""


def _deepchecks(source: Source, attempt: Attempt) -> Provided:
    from app.engines import deepchecks
    from checks.methods.cohorts import labelled

    if attempt.engines is None:
        raise Missing("deepchecks' environment", deepchecks.INSTALL)
    declared, holdout, made = (source.get(kind) for kind in (Declaration, Holdout, HoldoutPredictions))
    test = labelled(declared.value, holdout.value, made.value)
    training, inputs = _training(source, declared.value)
    searched = _searched(test, len(holdout.value.frame))
    request = deepchecks.Request(
        declared.value,
        training,
        test,
        searched,
        smallest_share=max(SMALLEST_SHARE, SMALLEST_SEGMENT / max(1, len(test) - len(test) // 2)),
    )
    answer = _reported("deepchecks' report", lambda: deepchecks.run(Path(attempt.engines or ""), request))
    return Provided(answer, {**holdout.inputs, **made.inputs, **inputs})


def _searched(test: Labelled, rows: int) -> Labelled | None:
    """The half of the test data that may be searched, None when the other would be too small to judge."""
    from checks.methods.cohorts import subset
    from checks.methods.slices import search_half

    return subset(test, search_half(rows)[test.positions]) if len(test) >= LEAST_SEARCHED else None


def _training(source: Source, declared: Declaration) -> tuple[Labelled | None, dict[str, str]]:
    """Labelled rows of the training data with predictions: the model's, or those in the declared column."""
    from checks.methods.cohorts import labelled

    try:
        train = source.get(TrainingData)
        predicted, inputs = _training_predictions(source, declared, train.value.frame)
        return labelled(declared, train.value, predicted), {**train.inputs, **inputs}
    except Missing:
        return None, {}


def _training_predictions(
    source: Source, declared: Declaration, frame: pd.DataFrame
) -> tuple[Predictions, dict[str, str]]:
    column = declared.prediction_column
    if column is not None and column in frame:
        return Predictions(frame[column].to_numpy()), {}
    predictor = source.get(Predictor)
    return predictor.value.predict(frame), predictor.inputs


PROVIDERS: Providers = {
    DriftReport: _drift,
    QualityReport: _quality,
    FullSuite: _suite,
    WeakSegments: _weak,
    DeepchecksAnswer: _deepchecks,
}
AHEAD = {FullSuite: DeepchecksAnswer, WeakSegments: DeepchecksAnswer}
