"""Columns of a window whose distribution is not the reference's: measured, judged, told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checks.contract import Thresholds
from checks.evidence import Feature
from checks.methods.drift import beyond_chance
from checks.methods.metrics import benjamini_hochberg
from checks.serving import ColumnProfile, InputProfiles

SMALLEST_UNIT = 0.001
"""The least that Evidently divides its distance by; a column on a smaller scale is judged by its own."""
NUMBERS = ("number", "integer")
BINNED = (*NUMBERS, "boolean", "category")
COLUMNS_TOLD = 5


def shift(feature: Feature, profiles: InputProfiles) -> dict[str, Any]:
    """How far a column of the window is from the reference, JSON-ready.

    ``wasserstein``: in standard deviations of the reference, numbers only; ``jensen_shannon``: over the bins,
    beyond chance, not for texts and times; ``missing_change``: of the share of missing cells; ``p_value``: of bins
    and missing cells (``checks.methods.drift``); ``means``: of the reference and of the window.
    """
    before, now = profiles.reference[feature.name], profiles.serving[feature.name]
    binned = feature.type in BINNED
    whole = [[*side.counts, side.missing] if binned else [_present(side), side.missing] for side in (before, now)]
    apart = beyond_chance(*whole)
    distance = profiles.wasserstein.get(feature.name) if feature.type in NUMBERS else None
    if distance is not None and before.std and before.std < SMALLEST_UNIT:
        distance *= SMALLEST_UNIT / before.std
    return {
        "missing_change": abs(now.missing / max(now.rows, 1) - before.missing / max(before.rows, 1)),
        "wasserstein": distance,
        "jensen_shannon": apart.beyond_chance if binned else None,
        "evidently_jensen_shannon": profiles.jensen_shannon.get(feature.name) if binned else None,
        "p_value": apart.p_value,
        "means": [before.mean, now.mean],
    }


def _present(side: ColumnProfile) -> int:
    return side.rows - side.missing - side.unreadable


def shifted(
    columns: Sequence[Mapping[str, Any]], thresholds: Thresholds
) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The columns with a distance over its limit that is beyond chance too, and what is told of the distances.

    Args:
        columns: with what ``shift`` measures; Benjamini-Hochberg corrects over all of them.
        thresholds: ``max_wasserstein``, ``max_jensen_shannon``, ``max_missing_change``.
    """
    beyond = benjamini_hochberg([column["p_value"] for column in columns])
    for column, credible in zip(columns, beyond, strict=True):
        if credible and (far := list(_far(column, thresholds))):
            yield column, " and ".join(far)


def _far(column: Mapping[str, Any], thresholds: Thresholds) -> Iterator[str]:
    for key, name in (("wasserstein", "Wasserstein"), ("jensen_shannon", "Jensen-Shannon")):
        if column[key] is not None and column[key] > thresholds[f"max_{key}"]:
            before, now = column["means"]
            means = f" (mean {before:.4g}, now {now:.4g})" if key == "wasserstein" else ""
            yield f"{name} distance {column[key]:.3g}{means}"
    if column["missing_change"] > thresholds["max_missing_change"]:
        yield f"missing cells changed by {column['missing_change'] * 100:.1f} points"


def listed(told: Sequence[str], mark: str = ", ") -> str:
    """The first few, and how many more there are."""
    more = f"{mark}and {len(told) - COLUMNS_TOLD} more" if len(told) > COLUMNS_TOLD else ""
    return mark.join(told[:COLUMNS_TOLD]) + more
