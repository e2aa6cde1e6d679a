"""What a cluster of features costs at inference: memory it takes, and time that depends on its values.

A fitted model cannot do without an input, so nothing is measured of a model retrained without it. Memory is
counted, from cells and from the preprocessed columns that a feature feeds. Time is that of predicting, beside that
of predicting with the feature held at one value (of text a word), which leaves out what its values cost: tokens,
encodings, look-ups.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from checks.evidence import Predictor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ROWS = 2000
BYTES_A_NUMBER = 8
PAIRS = 7
FAST, SLOW = 0.02, 0.05
"""Seconds: a prediction of all rows that is faster has no part worth measuring; fewer rows are predicted, halved
and halved again, until one is not slower."""
STEPS = 4
"""A share of time is kept in quarters, rounded down: what is left out is noise, which no two audits share."""


@dataclass(frozen=True)
class Computing:
    """``bytes`` of a prediction, cells and preprocessed columns, that are the cluster's alone. ``columns`` of the
    preprocessed inputs, None where the model does not tell them. ``time_share``: of predicting, in quarters.
    """

    bytes: int
    columns: float | None
    time_share: float


def computing(
    clusters: Sequence[Sequence[str]], frame: pd.DataFrame, predictor: Predictor, texts: Collection[str] = ()
) -> tuple[list[Computing], int]:
    """Each cluster's part in a prediction, and the bytes of a whole one. ``texts``: the features of text."""
    sample = frame.head(ROWS)
    columns = _columns(clusters, sample, predictor)
    cells = [_cell_bytes(sample, names) for names in clusters]
    shares = _time_shares(clusters, sample, predictor, texts)
    found = [
        Computing(cell + round(BYTES_A_NUMBER * (fed or 0)), fed, share)
        for cell, fed, share in zip(cells, columns, shares, strict=True)
    ]
    return found, sum(one.bytes for one in found)


def _cell_bytes(frame: pd.DataFrame, names: Sequence[str]) -> int:
    return round(float(frame[list(names)].memory_usage(index=False, deep=True).sum()) / len(frame))


def _columns(
    clusters: Sequence[Sequence[str]], frame: pd.DataFrame, predictor: Predictor
) -> list[float] | list[None]:
    """Preprocessed columns that move with the values of a cluster; of one that moves with k of them, 1/k each."""
    import numpy as np

    whole = predictor.transformed(frame)
    if whole is None:
        return [None] * len(clusters)
    moved = np.array([_moved(whole, predictor.transformed(_turned(frame, names))) for names in clusters])
    shared: np.ndarray = (moved / np.maximum(moved.sum(axis=0), 1)).sum(axis=1)
    return [round(float(one), 6) for one in shared]


def _turned(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The cells of these columns upside down."""
    return frame.assign(**{name: frame[name].array[::-1] for name in names})


def _moved(whole: np.ndarray, turned: np.ndarray | None) -> np.ndarray:
    import numpy as np

    if turned is None or turned.shape != whole.shape:
        return np.ones(whole.shape[1], dtype=bool)
    same: np.ndarray = np.isclose(whole, turned, rtol=1e-9, atol=0, equal_nan=True)
    moved: np.ndarray = ~np.all(same, axis=0)
    return moved


def _time_shares(
    clusters: Sequence[Sequence[str]], frame: pd.DataFrame, predictor: Predictor, texts: Collection[str]
) -> list[float]:
    while (seconds := _seconds(frame, predictor)) > SLOW and len(frame) > 1:
        frame = frame.head(len(frame) // 2)
    if seconds < FAST:
        return [0.0] * len(clusters)
    held = ({name: _held(frame[name], text=name in texts) for name in names} for names in clusters)
    return [_time_share(frame, frame.assign(**columns), predictor) for columns in held]


def _time_share(frame: pd.DataFrame, held: pd.DataFrame, predictor: Predictor) -> float:
    """What holding the cells saves, the median of pairs measured one after the other."""
    pairs = ((_seconds(frame, predictor), _seconds(held, predictor)) for _ in range(PAIRS))
    saved = median(1 - without / whole if whole else 0.0 for whole, without in pairs)
    return max(int(saved * STEPS), 0) / STEPS


def _held(column: pd.Series[Any], *, text: bool) -> pd.Series[Any]:
    """The column's shortest value in every cell; of text its first word."""
    import pandas as pd

    filled = column.dropna()
    if filled.empty:
        return column
    shortest = filled.iloc[int(filled.astype(str).str.len().to_numpy().argmin())]
    held = (shortest.split() or [shortest])[0] if text and isinstance(shortest, str) else shortest
    return pd.Series([held] * len(column), index=column.index, dtype=column.dtype)


def _seconds(frame: pd.DataFrame, predictor: Predictor) -> float:
    """Of computing in this thread, whatever runs beside it."""
    started = time.thread_time()
    predictor.predict(frame)
    return time.thread_time() - started
