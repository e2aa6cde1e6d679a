"""Reads an attempt's files: what a version declares, its model, its tables, what it predicted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.audits.attempt import DataFile, File, Subject
from app.audits.providing.files import unchanged
from app.catalog.declaration import declaration_of
from app.catalog.manifest import Manifest
from checks.contract import Missing
from checks.evidence import Declaration, Holdout, HoldoutPredictions, Predictor, Task

if TYPE_CHECKING:
    import pandas as pd


def declaration(subject: Subject) -> Declaration:
    """What a version's manifest declares."""
    return declaration_of(Manifest.model_validate(subject.manifest), subject.model_class)


def load(artifact: File, declared: Declaration) -> Predictor:
    """The model in a file, ready to predict."""
    from app.engines import models

    return models.load(_path(artifact), artifact.format, declared)


def data_frame(file: DataFile, role: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A data set, or some of its columns; Missing when it is not what was registered."""
    from app.engines.tabular import read_frame

    return read_frame(unchanged(file, role), file.format, columns)


def _path(file: File) -> Path:
    if file.path is None:
        raise FileNotFoundError(file.problem)
    return Path(file.path)


def predictions_in(holdout: Holdout, declared: Declaration) -> HoldoutPredictions:
    """What the prediction columns of the holdout say."""
    import numpy as np

    frame, column = holdout.frame, declared.prediction_column
    if column is None or column not in frame:
        raise Missing(
            "predictions for the test data",
            "register the model itself, or name the column of predictions under columns.prediction",
        )
    label = frame[column].to_numpy()
    if declared.probability_column is None or declared.task is not Task.BINARY:
        return HoldoutPredictions(label)
    positive = frame[declared.probability_column].to_numpy(dtype=float)
    return HoldoutPredictions(
        label, np.column_stack([1 - positive, positive]), (_negative(holdout, declared), declared.positive)
    )


def _negative(holdout: Holdout, declared: Declaration) -> Any:
    """The other class of a binary task."""
    import pandas as pd

    seen = pd.concat([holdout.frame[declared.label], holdout.frame[declared.prediction_column]]).dropna().unique()
    others = [value for value in seen.tolist() if value != declared.positive]
    if len(others) != 1:
        raise Missing(
            f"two classes in the test data: beside {declared.positive!r} the columns {declared.label} and "
            f"{declared.prediction_column} hold {len(others)} other values",
            "register test data with both classes and no third value",
        )
    return others[0]
