"""How well scores rank the rows of a slice: the ROC area, and what may be expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from checks.evidence import Declaration, Task
from checks.methods.cohorts import Labelled
from checks.methods.held_out import chances_by_others
from checks.methods.metrics import NEEDS_PROBABILITIES
from checks.methods.slices import slice_mask

if TYPE_CHECKING:
    import numpy as np

AREAS = ("area", "area_gap", "area_gap_se", "area_surprise", "area_surprise_se")

FEWEST = 20
"""Rows of either class below which an area says too little."""


@dataclass(frozen=True)
class Ranking:
    """``area``: how often a positive outranks a negative, ties counting half. ``foreseen``: how often it would if
    each row were positive with the probability that is its score; where inputs vary little, both are low.
    ``variance`` is the area's.
    """

    area: float
    foreseen: float
    variance: float


def slice_areas(declared: Declaration, rows: Labelled, where: Mapping[str, Any]) -> dict[str, float]:
    """A slice's ROC ``area``, how far it is below that of the other rows and below the foreseen one, with standard
    errors; nothing where the declared metric is none of probabilities, or there are too few rows.

    Foreseen is what a linear model of the other rows would reach in the slice, were it right there too (the
    case-mix corrected concordance of van Klaveren et al. 2016). The model's own probabilities, which may have
    learned in training that the slice cannot be ranked, are asked only where the features are not at hand.
    """
    score = rows.predicted.positive_score(declared.positive) if declared.task is Task.BINARY else None
    if score is None or declared.metric not in NEEDS_PROBABILITIES:
        return {}
    mask, positive = slice_mask(where, rows.frame), rows.truth == declared.positive
    inside, others = ranking(positive[mask], score[mask]), ranking(positive[~mask], score[~mask])
    if inside is None or others is None:
        return {}
    gap = others.area - inside.area, sqrt(others.variance + inside.variance)
    chances = chances_by_others(declared, rows, mask)
    expected = inside if chances is None else ranking(positive[mask], chances) or inside
    surprise = expected.foreseen - inside.area, sqrt(inside.variance)
    return dict(zip(AREAS, (inside.area, *gap, *surprise), strict=True))


def ranking(positive: np.ndarray, score: np.ndarray) -> Ranking | None:
    """Of n rows, with the variance of Hanley and McNeil (1982); None below ``FEWEST`` rows of either class.

    Args:
        positive: (n,) bool.
        score: (n,) probabilities of the positive class.
    """
    import numpy as np

    positives = int(positive.sum())
    negatives = len(positive) - positives
    if min(positives, negatives) < FEWEST:
        return None
    _, place = np.unique(score, return_inverse=True)
    area = _area(positive.astype(float), (~positive).astype(float), place)
    bounded = np.clip(score, 0, 1)
    foreseen = _area(bounded, 1 - bounded, place)
    both, twice = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (both - area**2) + (negatives - 1) * (twice - area**2)
    return Ranking(area, foreseen, spread / (positives * negatives))


def _area(above: np.ndarray, below: np.ndarray, place: np.ndarray) -> float:
    """The share of pairs in which what weighs ``above`` is placed over what weighs ``below``."""
    import numpy as np

    up, down = np.bincount(place, above), np.bincount(place, below)
    outranked = np.cumsum(down) - down / 2
    pairs = float(up.sum() * down.sum())
    return float((up * outranked).sum()) / pairs if pairs else 0.5
