"""What both kinds of predictor do with a frame: choose the model's columns, and go through it in parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from checks.contract import Missing
from checks.evidence import Predictions

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

BATCH_ROWS = 50_000
"""Rows predicted at once, which bounds memory."""


def features_of(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The columns ``names`` of the frame, in this order.

    Raises:
        Missing: a column is not there.
    """
    absent = [name for name in names if name not in frame.columns]
    if absent:
        listed = ", ".join(repr(name) for name in absent[:5]) + (" and more" if len(absent) > 5 else "")
        raise Missing(
            f"the column{'s' if len(absent) > 1 else ''} {listed} that the model takes",
            "register data that holds every feature of the manifest",
        )
    return frame.loc[:, list(names)]


def in_batches(frame: pd.DataFrame, predict: Callable[[pd.DataFrame], Predictions]) -> Predictions:
    """``predict`` for all rows, ``BATCH_ROWS`` at a time."""
    import numpy as np

    parts = [predict(frame.iloc[start : start + BATCH_ROWS]) for start in range(0, max(1, len(frame)), BATCH_ROWS)]
    probabilities: list[np.ndarray] = [part.proba for part in parts if part.proba is not None]
    return Predictions(
        np.concatenate([part.label for part in parts]),
        np.concatenate(probabilities) if probabilities else None,
        parts[0].classes,
    )
