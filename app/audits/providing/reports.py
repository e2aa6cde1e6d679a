"""Reports of Evidently and deepchecks, each over a bounded sample. What they cannot report on is never an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.audits.attempt import Attempt
from app.audits.providing.contract import Provided, Providers, Source
from checks.contract import Missing
from checks.evidence import (
    Declaration,
    Holdout,
    HoldoutPredictions,
    Predictions,
    ReferenceData,
    Task,
    TrainingData,
)
from checks.serving import (
    LABEL,
    PREDICTION,
    SCORE,
    DriftReport,
    LabelledServing,
    QualityReport,
    Report,
    ServingLog,
    Window,
)

if TYPE_CHECKING:
    import pandas as pd

LONGEST_MESSAGE = 300


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


def _reported(what: str, make: Callable[[], Report]) -> Report:
    """A library that trips over some data costs its report, never the check that would have shown it."""
    try:
        return make()
    except Exception as error:
        message = f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE]
        raise Missing(f"{what}, which failed with {message}", "the check needs no report to judge") from error


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


PROVIDERS: Providers = {DriftReport: _drift, QualityReport: _quality}
