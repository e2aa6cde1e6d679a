"""MON-2: the inputs of a serving window against the schema and against the reference, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from checks.contract import (
    SEED,
    Check,
    Exhibit,
    Judgement,
    Measured,
    Measurement,
    Missing,
    Thresholds,
    Verdict,
)
from checks.evidence import Declaration, Feature, Holdout, Predictor
from checks.methods.importance import benefits
from checks.methods.metrics import NEEDS_PROBABILITIES, benjamini_hochberg, credibly_above
from checks.methods.shifts import listed, shift, shifted
from checks.serving import ColumnProfile, DriftReport, InputProfiles

IMPORTANCE_ROWS = 5_000
Z = 1.96
FAULTS = ("unreadable", "below", "above", "unknown", "null")


class DataInvariants(Check):
    """Data invariants hold for inputs.

    Asked: what is expected of the inputs of training is checked of the inputs of serving too, and somebody is told
    when their distribution wanders off.

    Measured: all rows of the window, counted column by column beside the reference data (the training data of a
    version without any). Against the schema: cells that cannot be read as their type, lie below min, above max,
    are none of the categories, or are null where ``nullable`` is false. Drift: for numbers the first Wasserstein
    distance in standard deviations of the reference; for numbers, booleans and categories the Jensen-Shannon
    distance (natural logarithm) over some twenty bins that hold equal shares of the reference, less what chance
    brings on average, which finds what an outlier in the reference hides from the first; for all columns the
    change in the share of missing cells. Texts and times are compared by their missing cells only: a text is
    hardly ever seen twice, and time goes on. Where the model and its labelled test data are there, permutation
    importance (at most 5,000 rows) tells which columns matter.

    Formula: a column fails against the schema when the exact lower 95 % bound (Clopper and Pearson 1934) of its
    share of failing cells exceeds ``max_failing_cells``, corrected by Benjamini-Hochberg over the columns. It
    drifts when one of its distances exceeds its limit (``max_wasserstein``, ``max_jensen_shannon``,
    ``max_missing_change``) and the divergence of its counts, missing cells included, is beyond the null at this
    number of rows: seeded random divisions of the pooled counts, p < 5 % by Benjamini-Hochberg over the columns.
    A drifting column fails, unless the upper 95 % bound of its importance is at most ``unimportant_gain``: then it
    warns. Dead columns, drifted to all missing or to one value, always fail. No average is taken over columns.
    With fewer than ``min_rows`` rows on either side nothing passes and no drift is told: the test is inconclusive,
    unless a column is not there at all or breaks the schema, which few rows can show.

    Source: Breck et al. 2017, section V, test Monitor 2. The limits of 0.1 are those of Evidently 0.7 for both
    distances; these and the others are Assay's interpretation.

    Evidence: logged predictions with their inputs, in the audit's window, and the data set ``reference`` or
    ``train``. The finding keeps a table of all columns and Evidently's drift report over a sample.

    Fix: look at the named columns at their source, beginning with units, encodings, default values and joins that
    find nothing. Where the world has changed, retrain on newer data and register that as the reference.
    """

    id = "MON-2"
    thresholds: ClassVar[Thresholds] = {
        "max_failing_cells": 0.001,
        "max_wasserstein": 0.1,
        "max_jensen_shannon": 0.1,
        "max_missing_change": 0.05,
        "unimportant_gain": 0.005,
        "min_rows": 500,
    }

    def measure(
        self,
        declared: Declaration,
        profiles: InputProfiles,
        holdout: Holdout | None = None,
        predictor: Predictor | None = None,
        report: DriftReport | None = None,
    ) -> Measurement:
        columns = [_measured(one, profiles) for one in declared.features if one.name not in profiles.absent]
        gains = _gains(declared, holdout, predictor) if self._may_drift(columns) else {}
        for column in columns:
            column["gain"], column["gain_error"] = gains.get(column["name"], (None, None))
        window = profiles.window
        values = {
            "environment": window.environment,
            "start": window.start.isoformat(),
            "end": window.end.isoformat(),
            "rows": profiles.serving_rows,
            "reference": profiles.reference_name,
            "reference_rows": profiles.reference_rows,
            "absent": dict(profiles.absent),
            "columns": columns,
        }
        return Measurement(values, (_table(columns), *([report.exhibit] if report else [])))

    def _may_drift(self, columns: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a policy with half our limits could see drift, so that importance has to be measured, slowly."""
        half = {name: limit / 2 for name, limit in self.thresholds.items()}
        return any(True for _ in shifted(columns, half))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        absent = [name for name, side in measured["absent"].items() if side == "serving"]
        if absent:
            reason = f"The logged inputs lack {listed(absent)}."
            return Judgement(Verdict.FAIL, reason, "Log every feature that the model takes.")
        breaking, few = list(_breaking(measured, thresholds)), _too_few(measured, thresholds)
        if few and not breaking:
            return Judgement(Verdict.INCONCLUSIVE, few.capitalize(), "Widen the window, or wait for more traffic.")
        drifting = [] if few else _drifting(measured["columns"], thresholds)
        failing = [*breaking, *(told for told, warns in drifting if not warns)]
        warning = [told for told, warns in drifting if warns]
        seen = f"{measured['rows']} rows in {measured['environment']}"
        notes = [f"Drift was not looked for: {few}"] * bool(few)
        notes += [f"Drifting, but without use to the model: {listed(warning)}."] * bool(warning)
        unknown = [name for name, side in measured["absent"].items() if side == "reference"]
        notes += [f"Not in the {measured['reference']} data, so not compared: {listed(unknown)}."] * bool(unknown)
        if failing:
            reason = f"Of {len(measured['columns'])} columns in {seen}: {listed(failing, '; ')}."
            return Judgement(Verdict.FAIL, " ".join([reason, *notes]), "Look at these columns at their source.")
        if unknown:
            remedy = "Register reference data with every feature of the signature."
            return Judgement(Verdict.INCONCLUSIVE, f"Nothing is wrong in {seen}. {' '.join(notes)}", remedy)
        reason = f"All {len(measured['columns'])} columns keep to the schema in {seen}, "
        kept = "and none that matters has drifted." if warning else "and none has drifted."
        return Judgement(Verdict.PASS, " ".join([reason + kept, *notes]))


def _measured(feature: Feature, profiles: InputProfiles) -> dict[str, Any]:
    """One column's counts and distances, JSON-ready; see the check for their meaning."""
    before, now = profiles.reference[feature.name], profiles.serving[feature.name]
    return {
        "name": feature.name,
        "type": feature.type,
        "rows": now.rows,
        "missing": now.missing,
        "faults": {
            "unreadable": now.unreadable,
            "below": now.below,
            "above": now.above,
            "unknown": now.unknown,
            "null": now.missing if feature.nullable is False else 0,
        },
        **shift(feature, profiles),
        "dead": _is_dead(now, before),
    }


def _is_dead(side: ColumnProfile, before: ColumnProfile) -> bool:
    """All missing, or one value only."""
    if side.missing + side.unreadable >= side.rows:
        return True
    if side.std is not None:
        return side.std <= 1e-12 * (abs(side.mean or 0.0) + abs(before.mean or 0.0))
    return not side.missing and max(side.counts, default=0) == side.rows


def _gains(
    declared: Declaration, holdout: Holdout | None, predictor: Predictor | None
) -> Mapping[str, tuple[float, float]]:
    """Permutation importance and its standard error by feature; none where it cannot be measured."""
    if holdout is None or predictor is None or declared.label not in holdout.frame.columns:
        return {}
    frame = holdout.frame[holdout.frame[declared.label].notna()]
    if frame[declared.label].nunique() < 2 or any(name not in frame.columns for name in declared.feature_names):
        return {}
    rows = frame.sample(min(len(frame), IMPORTANCE_ROWS), random_state=SEED)
    if declared.metric in NEEDS_PROBABILITIES and predictor.predict(rows.head(1)).proba is None:
        declared = replace(declared, metric="balanced_accuracy")
    try:
        clusters = benefits(declared, rows, predictor)
    except Missing:
        return {}
    return {name: (one.gain, one.error) for one in clusters for name in one.features}


def _too_few(measured: Measured, thresholds: Thresholds) -> str:
    least = thresholds["min_rows"]
    counts = {"window": measured["rows"], f"{measured['reference']} data": measured["reference_rows"]}
    few = [f"the {name} has {rows} rows" for name, rows in counts.items() if rows < least]
    return f"{' and '.join(few)}; {least} are needed." if few else ""


def _breaking(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    limit, columns = thresholds["max_failing_cells"], measured["columns"]
    counts = [(sum(column["faults"].values()), column["rows"]) for column in columns]
    rejected = benjamini_hochberg([credibly_above(count, rows, limit) for count, rows in counts])
    for column, (count, rows), breaks in zip(columns, counts, rejected, strict=True):
        if breaks:
            kinds = ", ".join(f"{kind} {column['faults'][kind]}" for kind in FAULTS if column["faults"][kind])
            yield f"{column['name']} breaks the schema in {count} of {rows} cells ({kinds})"


def _drifting(columns: Sequence[Mapping[str, Any]], thresholds: Thresholds) -> list[tuple[str, bool]]:
    """What is told of each drifting column, and whether it only warns."""
    found = []
    for column, distances in shifted(columns, thresholds):
        dead, useless = column["dead"], _is_useless(column, thresholds["unimportant_gain"])
        told = f"{column['name']} is dead ({_state(column)})" if dead else f"{column['name']} drifts"
        found.append((f"{told}, {distances}", useless and not dead))
    return found


def _is_useless(column: Mapping[str, Any], limit: float) -> bool:
    return column["gain"] is not None and column["gain"] + Z * column["gain_error"] <= limit


def _state(column: Mapping[str, Any]) -> str:
    return "nothing but missing cells" if column["missing"] == column["rows"] else "one value in every row"


def _table(columns: Sequence[Mapping[str, Any]]) -> Exhibit:
    counts, distances = ("rows", "missing", *FAULTS), ("wasserstein", "jensen-shannon", "missing change")
    header = ("column", "type", *counts, "mean before", "mean now", *distances, "p-value", "importance")
    rows = [
        (
            *(one[key] for key in ("name", "type", "rows", "missing")),
            *(one["faults"][fault] for fault in FAULTS),
            *one["means"],
            *(one[key] for key in ("wasserstein", "jensen_shannon", "missing_change", "p_value", "gain")),
        )
        for one in columns
    ]
    return Exhibit.table("inputs.csv", header, rows)
