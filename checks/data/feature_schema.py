"""DATA-1: the feature schema against the newest training batch."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from re import sub
from typing import TYPE_CHECKING, Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration, Feature, TrainingData
from checks.methods.schema import expectations, faults
from checks.personal import MASK

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

CASES_SHOWN = 20
COLUMNS_TOLD = 5
FEWEST_NAMED = 20
"""Rows from which a text is shown as it is: what so many share tells of nobody."""
LONG_NUMBER = 10**8
"""A whole number of nine digits or more may be that of a person."""


class FeatureSchema(Check):
    """Feature expectations are captured in a schema.

    Asked: what is known about a feature is written down in a schema and checked automatically: its type, its
    range, the values it may take, whether it may be missing.

    Measured: every feature of the signature against the newest training batch, column by column. A cell fails
    when it is of another type, outside min..max, not among the categories, or null where ``nullable`` is false
    (where ``nullable`` is not declared, nulls are not judged). Whole numbers stored as floats because of nulls,
    dates written in ISO 8601, and 0 and 1 as booleans conform; a number written as text does not, nor does an
    infinite one. Categories are compared as text, so that 1, 1.0 and "1" are the same. A type alone counts as
    an expectation, but the features that declare no more are counted in the reason.

    Formula: failing cells / rows, for each column by itself, never averaged over columns. The batch is counted
    completely, so there is no sampling error and the limit needs no interval. The test fails when a column's
    share exceeds ``max_failing_cells``, when a declared column is not there, or when a feature has no
    expectation at all. Below ``min_rows`` rows it is inconclusive.

    Source: Breck et al. 2017, section II, test Data 1. The limit of 0.1 % is Assay's interpretation.

    Evidence: ``features`` in the manifest (name, type, min, max, categories, nullable) and the data set
    ``train``. The finding keeps a table of failure cases, at most 20 a column, rows counted from 0. Values of
    sensitive and of personal columns are masked there; of text in fewer than 20 rows, and of numbers of nine digits
    or more, the shape is kept alone (``aaa-99``): they may say who somebody is.

    Fix: read the failure cases. Where the data is wrong, repair the step that writes the column, and retrain.
    Where the expectation is wrong, correct it in the manifest and register a new version. In CSV one word
    among numbers makes the whole column text.
    """

    id = "DATA-1"
    thresholds: ClassVar[Thresholds] = {"max_failing_cells": 0.001, "min_rows": 100}

    def measure(self, declared: Declaration, train: TrainingData) -> Measurement:
        if not declared.schema_declared:
            raise Missing(
                "a feature schema", "list the features with type and limits under 'features' in the manifest"
            )
        frame = train.frame
        found = {f.name: faults(f, frame[f.name]) for f in declared.features if f.name in frame.columns}
        columns = [_summary(feature, found.get(feature.name)) for feature in declared.features]
        cases = [
            row for name, masks in found.items() for row in _cases(frame[name], masks, name in declared.masked)
        ]
        exhibit = Exhibit.table("failure-cases.csv", ("column", "row", "fault", "value"), cases)
        return Measurement({"rows": len(frame), "columns": columns}, (exhibit,))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        rows, columns, limit = measured["rows"], measured["columns"], thresholds["max_failing_cells"]
        gap = _gap(columns)
        if gap:
            return Judgement(Verdict.FAIL, gap, "Declare every feature of the signature, and deliver its column.")
        if rows < thresholds["min_rows"]:
            reason = f"The training data has {rows} rows; {thresholds['min_rows']} are needed."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger training data set.")
        over = sorted((c for c in columns if c["failing"] / rows > limit), key=lambda c: -c["failing"])
        if over:
            told = "; ".join(_told(column, rows) for column in over[:COLUMNS_TOLD])
            more = f"; and {len(over) - COLUMNS_TOLD} more" if len(over) > COLUMNS_TOLD else ""
            reason = (
                f"In {len(over)} of {len(columns)} columns more than {limit * 100:g} % of cells fail: {told}{more}."
            )
            return Judgement(Verdict.FAIL, reason, "Read the failure cases; repair the data or the expectation.")
        failing, bare = sum(c["failing"] for c in columns), sum(c["expects"] == ["type"] for c in columns)
        reason = (
            f"The schema covers all {len(columns)} features; in {rows} rows {failing} cells fail, in no column "
            f"more than {limit * 100:g} %. Features that declare no more than a type: {bare}."
        )
        return Judgement(Verdict.PASS, reason)


def _summary(feature: Feature, masks: Mapping[str, np.ndarray] | None) -> dict[str, Any]:
    counts = {fault: int(mask.sum()) for fault, mask in (masks or {}).items() if mask.any()}
    return {
        "name": feature.name,
        "type": feature.type,
        "expects": expectations(feature),
        "present": masks is not None,
        "failing": sum(counts.values()),
        "faults": counts,
    }


def _cases(
    column: pd.Series[Any], masks: Mapping[str, np.ndarray], masked: bool
) -> list[tuple[str, int, str, str]]:
    rows = sorted((int(row), fault) for fault, mask in masks.items() for row in mask.nonzero()[0][:CASES_SHOWN])
    shown = rows[:CASES_SHOWN]
    cells = column.iloc[[row for row, _ in shown]].tolist()
    values = [MASK if masked else _shown(value, column) for value in cells]
    return [(str(column.name), row, fault, value) for (row, fault), value in zip(shown, values, strict=True)]


def _shown(value: Any, column: pd.Series[Any]) -> str:
    """A value as text, or its shape where it may say who somebody is."""
    named = isinstance(value, str) and int((column == value).sum()) < FEWEST_NAMED
    if named or (isinstance(value, int | float) and LONG_NUMBER <= abs(value) < inf):
        return sub(r"[^\W\d_]", "a", sub(r"\d", "9", str(value)))[:80]
    return repr(value)[:80]


def _gap(columns: list[dict[str, Any]]) -> str:
    """What the schema or the data leaves out altogether, "" when nothing."""
    bare = ", ".join(c["name"] for c in columns if not c["expects"])
    absent = ", ".join(c["name"] for c in columns if not c["present"])
    told = [f"no expectation is declared for {bare}"] * bool(bare)
    told += [f"the training data lacks the column {absent}"] * bool(absent)
    return "; ".join(told) if columns else "the schema covers no feature"


def _told(column: dict[str, Any], rows: int) -> str:
    kinds = ", ".join(f"{fault} {count}" for fault, count in sorted(column["faults"].items()))
    return f"{column['name']} {column['failing']} of {rows} ({kinds})"
