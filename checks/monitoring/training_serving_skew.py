"""MON-3: logged inputs of serving beside the same features computed by the training pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration, Feature
from checks.methods.columns import TEXTUAL, comparable
from checks.methods.metrics import benjamini_hochberg, credibly_above
from checks.methods.shifts import listed, shift, shifted
from checks.personal import MASK, shown_id
from checks.serving import ID, InputProfiles, Recomputed, ServingLog

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RTOL, ATOL = 1e-6, 1e-9
CASES_SHOWN = 20


class TrainingServingSkew(Check):
    """Training and serving are not skewed.

    Asked: the code that makes features for training and the code that makes them for serving give the same values
    for the same case.

    Measured: logged predictions whose features were computed anew by the training pipeline, joined by prediction
    id, cell by cell. Two numbers are the same when they differ by at most 0.000001 of the recomputed one plus
    0.000000001 of the column's standard deviation; categories, texts, truths and times must be equal; missing
    beside a value is a mismatch, missing on both sides is none. Without recomputed features, the weaker form: the
    distributions of the window and of the reference data, as in MON-2. They find skew only where it is large, and
    cannot tell it from drift.

    Formula: mismatching cells / joined rows for each column, never averaged over columns. A column fails when the
    exact lower 95 % bound (Clopper and Pearson 1934) of its share exceeds ``max_mismatching``, corrected by
    Benjamini-Hochberg over the columns. With fewer than ``min_rows`` joined rows, or a feature that was not
    recomputed, the test is inconclusive. The weaker form fails where a distance exceeds its limit beyond chance,
    and is inconclusive otherwise: that it finds nothing proves nothing.

    Source: Breck et al. 2017, section V, test Monitor 3. Tolerances and limits are Assay's interpretation.

    Evidence: logged predictions in the audit's window, at most the newest 200,000, and a file of the kind
    ``recomputed-features``: Parquet or CSV with the prediction id and the features. The finding keeps a table of
    the columns and, of the first mismatches, both values, masked in sensitive and personal columns.

    Fix: compute the named column by one piece of code in both places. Rounding, units, time zones, default values
    and the moment at which a slowly changing value is read are the usual causes.
    """

    id = "MON-3"
    thresholds: ClassVar[Thresholds] = {
        "max_mismatching": 0.001,
        "min_rows": 500,
        "max_wasserstein": 0.1,
        "max_jensen_shannon": 0.1,
        "max_missing_change": 0.05,
    }

    def measure(
        self,
        declared: Declaration,
        log: ServingLog,
        recomputed: Recomputed | None = None,
        profiles: InputProfiles | None = None,
    ) -> Measurement:
        values = {"environment": log.window.environment, "logged": log.rows}
        if recomputed is not None:
            return _by_id(declared, log, recomputed, values)
        if profiles is None:
            raise Missing("features computed anew, or a reference to compare with", "register training data")
        here = [one for one in declared.features if one.name not in profiles.absent]
        columns = [{"name": one.name, **shift(one, profiles)} for one in here]
        rows = {"rows": profiles.serving_rows, "reference_rows": profiles.reference_rows}
        return Measurement({**values, **rows, "by_id": False, "columns": columns}, (_distances(columns),))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        if not measured["by_id"]:
            return _judge_distributions(measured, thresholds)
        rows, least, columns = measured["rows"], thresholds["min_rows"], measured["columns"]
        if rows < least:
            reason = f"{rows} logged predictions are joined with recomputed features by id; {least} are needed."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Recompute the features of more logged predictions.")
        if failing := _failing(columns, rows, thresholds["max_mismatching"]):
            limit = f"{thresholds['max_mismatching'] * 100:g} %"
            reason = f"In {len(failing)} of {len(columns)} columns credibly more than {limit} of cells are skewed: "
            remedy = "Compute these columns by one piece of code in training and in serving."
            return Judgement(Verdict.FAIL, f"{reason}{listed(failing, '; ')}.", remedy)
        worst = max(columns, key=lambda column: column["mismatching"], default=None)
        told = f"{worst['name']} with {worst['mismatching']} of {rows} cells" if worst else "none"
        if absent := measured["absent"]:
            reason = f"Not recomputed: {listed(absent)}. Of the others the most skewed is {told}."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Recompute every feature that the model takes.")
        reason = f"{rows} logged predictions equal their recomputed features in {len(columns)} columns; "
        return Judgement(Verdict.PASS, f"{reason}the most skewed is {told}.")


def _by_id(
    declared: Declaration, log: ServingLog, recomputed: Recomputed, values: Mapping[str, Any]
) -> Measurement:
    logged, anew = _keyed(log.frame), _keyed(recomputed.frame)
    ids = logged.index.intersection(anew.index)
    logged, anew = logged.loc[ids], anew.loc[ids]
    compared = [one for one in declared.features if one.name in anew.columns and one.name in logged.columns]
    columns, cases = [], list[tuple[str, ...]]()
    for feature in compared:
        mismatching = _mismatching(feature, logged[feature.name], anew[feature.name])
        columns.append({"name": feature.name, "mismatching": int(mismatching.sum())})
        cases += _cases(declared, feature.name, logged[mismatching], anew[mismatching])
    table = Exhibit.table("skewed-columns.csv", ("column", "mismatching"), ([*one.values()] for one in columns))
    shown = Exhibit.table("skewed-cells.csv", ("column", "prediction", "logged", "recomputed"), cases)
    absent = [name for name in declared.feature_names if name not in {one["name"] for one in columns}]
    counts = {"rows": len(ids), "recomputed": len(recomputed.frame), "by_id": True, "absent": absent}
    return Measurement({**values, **counts, "columns": columns}, (table, shown))


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    """By id as text, the last of several rows with one id."""
    keyed = frame.set_axis(frame[ID].astype(str), axis="index")
    return keyed[~keyed.index.duplicated(keep="last")]


def _mismatching(feature: Feature, logged: pd.Series[Any], anew: pd.Series[Any]) -> np.ndarray:
    """(n,) bool."""
    import numpy as np

    mine, its = comparable(logged, feature.type), comparable(anew, feature.type)
    missing = mine.isna().to_numpy(), its.isna().to_numpy()
    if feature.type in TEXTUAL:
        differ = mine.to_numpy() != its.to_numpy()
    else:
        tolerance = RTOL * its.abs().to_numpy() if feature.type in ("number", "integer") else 0.0
        scale = float(np.nan_to_num(its.std(ddof=0)))
        differ = np.abs(mine.to_numpy() - its.to_numpy()) > tolerance + ATOL * scale
    return np.asarray(np.where(missing[0] | missing[1], missing[0] != missing[1], differ))


def _cases(declared: Declaration, name: str, logged: pd.DataFrame, anew: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    pairs = zip(logged.index, logged[name].head(CASES_SHOWN), anew[name].head(CASES_SHOWN), strict=False)
    for prediction, mine, its in pairs:
        told = (MASK, MASK) if name in declared.masked else (repr(mine)[:80], repr(its)[:80])
        yield (name, shown_id(declared, prediction), *told)


def _failing(columns: Sequence[Mapping[str, Any]], rows: int, limit: float) -> list[str]:
    rejected = benjamini_hochberg([credibly_above(one["mismatching"], rows, limit) for one in columns])
    found = [one for one, fails in zip(columns, rejected, strict=True) if fails]
    found.sort(key=lambda one: -one["mismatching"])
    return [f"{one['name']} {one['mismatching']} of {rows}" for one in found]


def _judge_distributions(measured: Measured, thresholds: Thresholds) -> Judgement:
    weak = "by distributions alone, the weaker form, which cannot tell skew from drift"
    hand_in = "Hand in recomputed features: assay evidence push --kind recomputed-features."
    least = thresholds["min_rows"]
    if min(measured["rows"], measured["reference_rows"]) < least:
        told = f"{measured['rows']} rows in the window and {measured['reference_rows']} in the reference"
        return Judgement(Verdict.INCONCLUSIVE, f"{told}; {least} are needed of both ({weak}).", hand_in)
    found = [f"{column['name']}, {told}" for column, told in shifted(measured["columns"], thresholds)]
    if found:
        remedy = f"Look at these columns in both pipelines. {hand_in}"
        return Judgement(Verdict.FAIL, f"Judged {weak}: {listed(found, '; ')}.", remedy)
    reason = f"Nothing found in {measured['rows']} rows {weak}: this proves no equality."
    return Judgement(Verdict.INCONCLUSIVE, reason, hand_in)


def _distances(columns: Sequence[Mapping[str, Any]]) -> Exhibit:
    keys = ("name", "wasserstein", "jensen_shannon", "missing_change", "p_value")
    return Exhibit.table("distances.csv", keys, ([one[key] for key in keys] for one in columns))
