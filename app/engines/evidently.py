"""Evidently's own reports and tests, over a bounded sample. Its HTML runs column names as code: never trust it.

Verdicts are never taken from here: the checks count all rows by themselves.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.engines.reports import CATEGORICAL, NUMERIC, Side, comparable_side, shown_features, with_banner
from checks.contract import Exhibit
from checks.evidence import Declaration, Feature, Predictions, Task
from checks.serving import DriftReport, QualityReport

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 5_000
"""Of each side at most: Evidently's time and memory grow with the rows (1M x 30 took 113 s and 2.6 GB)."""

TRUTH, ANSWER, CHANCE = "label", "prediction", "probability of the positive class"


@contextmanager
def _quietly() -> Iterator[None]:
    """Evidently warns of its own ways at import; and it reports its use to its makers unless it is told not to."""
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_quietly()
def drift_report(declared: Declaration, current: Side, reference: Side) -> DriftReport:
    """Drift and summary of the features that both sides have.

    Raises:
        ValueError: there is no such feature.
    """
    from evidently import DataDefinition
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    sides = _sampled(current, reference)
    features = shown_features(declared, *(side.frame for side in sides))
    if not features:
        raise ValueError("the two sides have no number or category of the signature in common that may be shown")
    frames = [comparable_side(side.frame, features).rename(columns=_harmless) for side in sides]
    presets = [DataDriftPreset(), DataSummaryPreset()]
    exhibit, tests = _run("drift report", presets, DataDefinition(**_columns(features)), frames, sides)
    return DriftReport(exhibit, _library(), len(frames[0]), _told(sides), tests)


@_quietly()
def quality_report(
    declared: Declaration, current: tuple[Side, Predictions], reference: tuple[Side, Predictions]
) -> QualityReport:
    """Quality of the predictions on labelled rows, which hold the declared label under its own name."""
    from evidently import DataDefinition
    from evidently.presets import ClassificationQuality, RegressionQuality

    answered = (Side(one.name, _answered(declared, one.frame, made)) for one, made in (current, reference))
    sides = _sampled(*answered)
    regression = declared.task is Task.REGRESSION
    preset = (
        RegressionQuality(pred_actual_plot=True, error_distr=True)
        if regression
        else ClassificationQuality(conf_matrix=True, pr_curve=declared.task is Task.BINARY)
    )
    shared = [name for name in sides[0].frame if name in sides[1].frame]
    frames = [side.frame[shared] for side in sides]
    definition = DataDefinition(**_task(declared, frames))
    exhibit, tests = _run("quality report", [preset], definition, frames, sides)
    return QualityReport(exhibit, _library(), len(frames[0]), _told(sides), tests)


def _sampled(current: Side, reference: Side) -> tuple[Side, Side]:
    """As many rows of each: Evidently tests that the numbers of rows are alike."""
    most = min(SAMPLE_ROWS, len(current.frame), len(reference.frame))
    return current.sampled(most), reference.sampled(most)


def _answered(declared: Declaration, frame: pd.DataFrame, predicted: Predictions) -> pd.DataFrame:
    """Truth and answer of each row, classes as text; of a binary task with the probability where there is one."""
    import pandas as pd

    from checks.methods.schema import as_category

    if declared.task is Task.REGRESSION:
        truth = pd.to_numeric(frame[declared.label], errors="coerce").to_numpy(dtype=float)
        return pd.DataFrame({TRUTH: truth, ANSWER: predicted.label.astype(float)}).dropna()
    classes = [as_category(one) if known else None for one, known in _known(frame[declared.label])]
    columns: dict[str, Any] = {TRUTH: classes, ANSWER: [as_category(one) for one in predicted.label.tolist()]}
    if declared.task is Task.BINARY and predicted.proba is not None:
        columns[CHANCE] = predicted.positive_score(declared.positive)
    return pd.DataFrame(columns).dropna()


def _known(column: pd.Series[Any]) -> zip[tuple[Any, bool]]:
    return zip(column.tolist(), column.notna().tolist(), strict=True)


def _task(declared: Declaration, frames: list[pd.DataFrame]) -> Mapping[str, Any]:
    from evidently import BinaryClassification, MulticlassClassification, Regression

    from checks.methods.schema import as_category

    if declared.task is Task.REGRESSION:
        regression = Regression(target=TRUTH, prediction=ANSWER)
        return {"regression": [regression], "numerical_columns": [TRUTH, ANSWER]}
    chance = CHANCE if CHANCE in frames[0] else None
    definition: dict[str, Any] = {
        "categorical_columns": [TRUTH, ANSWER],
        "numerical_columns": [chance] if chance else [],
    }
    if declared.task is Task.MULTICLASS:
        return definition | {"classification": [MulticlassClassification(target=TRUTH, prediction_labels=ANSWER)]}
    binary = BinaryClassification(
        target=TRUTH,
        prediction_labels=ANSWER,
        prediction_probas=chance,
        pos_label=as_category(declared.positive),
    )
    return definition | {"classification": [binary]}


def _columns(features: list[Feature]) -> Mapping[str, list[str]]:
    return {
        "numerical_columns": [_harmless(one.name) for one in features if one.type in NUMERIC],
        "categorical_columns": [_harmless(one.name) for one in features if one.type in CATEGORICAL],
    }


def _harmless(name: str) -> str:
    """The name without what would end Evidently's own scripts and begin another's; its values may hold the same."""
    return name.translate(
        {ord("<"): "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", ord("&"): "\N{FULLWIDTH AMPERSAND}"}
    )


def _run(
    kind: str, presets: list[Any], definition: Any, frames: list[pd.DataFrame], sides: tuple[Side, ...]
) -> tuple[Exhibit, dict[str, bool]]:
    from evidently import Dataset
    from evidently import Report as EvidentlyReport

    current, reference = (Dataset.from_pandas(frame, data_definition=definition) for frame in frames)
    snapshot = EvidentlyReport(presets, include_tests=True).run(current, reference)
    title = f"Evidently's {kind} over a sample: {_told(sides)}"
    html = with_banner(snapshot.get_html_str(as_iframe=False), f"{title}. Assay's verdict does not come from here.")
    tests = {one["name"]: one["status"].value == "SUCCESS" for one in snapshot.dict()["tests"]}
    return Exhibit(title, "text/html", html), tests


def _told(sides: tuple[Side, ...]) -> str:
    current, reference = sides
    return f"{current.name}, against {reference.name}"


def _library() -> str:
    from importlib.metadata import version

    return f"evidently {version('evidently')}"
