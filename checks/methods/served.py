"""Logged predictions beside the test data's: the same classes, however a log or a label file wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.contract import Missing
from checks.evidence import Declaration, Predictions, Task
from checks.methods.cohorts import Labelled
from checks.methods.schema import as_category
from checks.serving import LABEL, PREDICTION, SCORE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PROBABILITY_OF = "assay.proba."


@dataclass(frozen=True)
class Answers:
    """(n,) rows that were answered as the task asks, ``truth`` among them if known. ``left_out``: the others."""

    frame: pd.DataFrame
    predicted: Predictions
    truth: np.ndarray | None
    left_out: int

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, mask: np.ndarray) -> Answers:
        import numpy as np

        kept, rows = self.predicted, np.flatnonzero(mask)
        proba = None if kept.proba is None else kept.proba[rows]
        predicted = Predictions(kept.label[rows], proba, kept.classes)
        truth = None if self.truth is None else self.truth[rows]
        return Answers(self.frame.iloc[rows].reset_index(drop=True), predicted, truth, 0)


def of_holdout(rows: Labelled) -> Answers:
    """The labelled rows of the test data."""
    return Answers(rows.frame, rows.predicted, rows.truth, 0)


def classes_of(declared: Declaration, reference: Answers) -> tuple[Any, ...]:
    """The classes that the test data knows; () in regression."""
    if declared.task is Task.REGRESSION:
        return ()
    if reference.predicted.classes:
        return tuple(reference.predicted.classes)
    seen = {*(() if reference.truth is None else reference.truth.tolist()), *reference.predicted.label.tolist()}
    return tuple(sorted(seen, key=str))


def of_log(declared: Declaration, frame: pd.DataFrame, classes: Sequence[Any], *, labelled: bool) -> Answers:
    """The rows of a log, without those whose answer (or label) is none of the task's, or that lack a probability
    which others have.

    Raises:
        Missing: none is left.
    """
    import numpy as np

    label, usable = _values(declared, frame[PREDICTION], classes)
    truth = None
    if labelled:
        truth, known = _values(declared, frame[LABEL], classes)
        usable = usable & known
    proba = _probabilities(declared, frame, classes)
    if proba is not None:
        usable = usable & np.isfinite(proba).all(axis=1)
    if not usable.any():
        raise Missing("an answer of the log that is one of the task's", "check the column of predictions pushed")
    predicted = Predictions(label, proba, tuple(classes))
    rows = Answers(frame, predicted, truth, 0).take(usable)
    return Answers(rows.frame, rows.predicted, rows.truth, int((~usable).sum()))


def _values(declared: Declaration, column: pd.Series[Any], classes: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """(n,) the values as the task's, and which rows have one."""
    import numpy as np
    import pandas as pd

    if declared.task is Task.REGRESSION:
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        return numbers, np.isfinite(numbers)
    position = {as_category(one): place for place, one in enumerate(classes)}
    texts = column.astype(object).map(as_category, na_action="ignore")
    places = texts.map(position).to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(places)
    return np.array(classes)[np.where(known, places, 0).astype(int)], known


def _probabilities(declared: Declaration, frame: pd.DataFrame, classes: Sequence[Any]) -> np.ndarray | None:
    """(n, k) as logged; None when no row has any."""
    import numpy as np

    if declared.task is Task.BINARY and SCORE in frame and len(classes) == 2:
        score = frame[SCORE].to_numpy(dtype=float, na_value=np.nan)
        columns = [score if one == declared.positive else 1 - score for one in classes]
    elif declared.task is Task.MULTICLASS:
        names = [PROBABILITY_OF + as_category(one) for one in classes]
        if not set(names) <= set(frame.columns):
            return None
        columns = [frame[name].to_numpy(dtype=float, na_value=np.nan) for name in names]
    else:
        return None
    proba = np.column_stack(columns)
    return proba if np.isfinite(proba).all(axis=1).any() else None
