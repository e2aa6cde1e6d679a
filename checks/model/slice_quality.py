"""MODEL-6: errors on the slices that matter, against all rows and against the serving version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import (
    Declaration,
    EarlierVersions,
    Holdout,
    HoldoutPredictions,
    OrganisationPolicy,
    Slice,
    Task,
)
from checks.methods.cohorts import (
    Labelled,
    answers,
    errors_of,
    labelled,
    mean_and_variance,
    slice_mask,
    slices_of,
    standard_error,
)
from checks.methods.metrics import corrected_lower_bounds

if TYPE_CHECKING:
    import numpy as np


class SliceQuality(Check):
    """Model quality is sufficient on important data slices.

    Asked: quality is looked at on the slices of the data that matter, not only on the whole: an average can
    improve while a country, a device or a group of customers is served worse.

    Measured: the declared slices and the organisation's mandatory ones on the labelled holdout rows. The error
    of a row is 1 for a wrong class, and in regression the absolute error in units of the standard deviation of
    the label. For each slice: its error, the gap to the error of all rows, and, where a version is serving, the
    change against that version's error on the same rows.

    Formula: gap = e(slice) - e(all) = (1 - f) (e(slice) - e(rest)), with f the slice's share of rows, which
    takes into account that a slice is part of the whole. Its variance is (1 - f)^2 (v(slice) + v(rest)), v being
    the sample variance over n; shares of wrong classes get one success and one failure added (Agresti and Caffo
    2000). The change is paired row by row. Normal approximation; lower one-sided bounds of all slices with
    enough rows are corrected together (Benjamini and Hochberg 1995, Benjamini and Yekutieli 2005). A slice fails
    when its bound of the gap exceeds `max_gap`, that of the change `max_regression`, or, where the policy
    sets it, that of its error `max_slice_error` (the paper's example is 0.05). Errors and gaps are shares:
    0.05 is 5 points.

    A slice with fewer than `min_rows` labelled rows is not judged and is named; when no slice can be judged, or
    a slice asks for a column that is not there, the test is inconclusive. A gap above the limit that the bound
    does not confirm passes and is named.

    Source: Breck et al. 2017, section III, test Model 6. The limits of 5 points and 1 point are Assay's.

    Evidence: `slices` in the manifest, the organisation's policy, the `test` data with its predictions, the
    version that serves. The finding keeps a table of all slices.

    Fix: look at the slice's rows: too few in training, a feature missing or coded otherwise, another population.
    Collect more of them, give the slice a model or a rule of its own, or keep it from being served by this one.
    """

    id = "MODEL-6"
    thresholds: ClassVar[Thresholds] = {
        "max_gap": 0.05,
        "max_regression": 0.01,
        "max_slice_error": None,
        "min_rows": 100,
    }

    def measure(
        self,
        declared: Declaration,
        holdout: Holdout,
        predicted: HoldoutPredictions,
        earlier: EarlierVersions,
        policy: OrganisationPolicy | None,
    ) -> Measurement:
        slices = slices_of(declared, policy)
        if not slices:
            raise Missing("declared slices", "list the slices that matter under `slices` in the manifest")
        rows = labelled(declared, holdout, predicted)
        binary = declared.task is not Task.REGRESSION
        errors = errors_of(declared, rows.truth, rows.predicted)
        serving = _serving(declared, rows, earlier)
        change = None if serving is None else errors - serving
        measured = [_measured(one, rows, errors, change, binary) for one in slices]
        values = {
            "rows": len(rows),
            "unlabelled": rows.unlabelled,
            "unit": "share of wrong classes" if binary else "sd of the label",
            "error": float(errors.mean()),
            "incumbent": earlier.incumbent.version if earlier.incumbent and serving is not None else None,
            "slices": measured,
        }
        exhibit = Exhibit.table("slices.csv", list(measured[0]), (list(one.values()) for one in measured))
        return Measurement(values, (exhibit,))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        least, slices = thresholds["min_rows"], measured["slices"]
        judged = [one for one in slices if one["error"] is not None and one["rows"] >= least]
        faults = [
            *_exceeding(judged, "gap", thresholds["max_gap"], "above the error of all rows"),
            *_exceeding(judged, "change", thresholds["max_regression"], f"above version {measured['incumbent']}"),
            *_exceeding(judged, "error", thresholds["max_slice_error"], "of error"),
        ]
        if faults:
            remedy = (
                "Look at the slice's rows in training and test data; improve the model there or serve it otherwise."
            )
            return Judgement(Verdict.FAIL, f"{'; '.join(faults)}.", remedy)
        small = [f"{one['name']} ({one['rows']})" for one in slices if not one["problem"] and one not in judged]
        few = f"fewer than {least} labelled rows: {', '.join(small)}" if small else ""
        broken = [f"{one['name']}: {one['problem']}" for one in slices if one["problem"]]
        if broken or not judged:
            reason = "; ".join([*broken, *([few] if few else [])])
            remedy = f"Correct the slice or register test data with its columns and {least} labelled rows of it."
            return Judgement(Verdict.INCONCLUSIVE, f"Slices that cannot be judged: {reason}.", remedy)
        return Judgement(Verdict.PASS, _passed(measured, judged, thresholds, few))


def _serving(declared: Declaration, rows: Labelled, earlier: EarlierVersions) -> np.ndarray | None:
    """(n,) the serving version's errors on the same rows, None when there is none or it leaves rows unanswered."""
    if earlier.incumbent is None:
        return None
    try:
        return errors_of(declared, rows.truth, answers(earlier.incumbent.predictions, rows.positions))
    except Missing:
        return None


def _measured(
    one: Slice, rows: Labelled, errors: np.ndarray, change: np.ndarray | None, binary: bool
) -> dict[str, Any]:
    """What is stored of a slice: numbers of rows, estimates and standard errors, None where undefined."""
    found: dict[str, Any] = {"name": one.name, "problem": None, "rows": 0}
    found |= dict.fromkeys(("error", "error_se", "gap", "gap_se", "change", "change_se"))
    try:
        mask = slice_mask(one.where, rows.frame)
    except ValueError as problem:
        return found | {"problem": str(problem)}
    found["rows"] = int(mask.sum())
    if found["rows"] < 2:
        return found
    inside, variance = mean_and_variance(errors[mask], binary)
    found |= {"error": inside, "error_se": standard_error(variance), "gap": 0.0, "gap_se": 0.0}
    if (~mask).sum() >= 2:
        outside, rest = mean_and_variance(errors[~mask], binary)
        share = 1 - float(mask.mean())
        found |= {"gap": share * (inside - outside), "gap_se": share * standard_error(variance, rest)}
    if change is not None:
        mean, spread = mean_and_variance(change[mask], binary=False)
        found |= {"change": mean, "change_se": standard_error(spread)}
    return found


def _exceeding(slices: Sequence[dict[str, Any]], what: str, limit: float | None, told: str) -> list[str]:
    """A sentence part for each slice whose corrected lower bound of ``what`` exceeds the limit."""
    given = [one for one in slices if one[what] is not None]
    if limit is None or not given:
        return []
    bounds = corrected_lower_bounds([(one[what], one[f"{what}_se"]) for one in given], limit)
    return [
        f"slice {one['name']} ({one['rows']} rows, error {one['error']:.3f}) is {one[what]:.3f} {told}, "
        f"credibly more than {bound:.3f} where {limit:g} is allowed"
        for one, bound in zip(given, bounds, strict=True)
        if bound > limit
    ]


def _passed(measured: Measured, judged: Sequence[dict[str, Any]], thresholds: Thresholds, few: str) -> str:
    worst = max(judged, key=lambda one: one["gap"])
    before = f"against version {measured['incumbent']}" if measured["incumbent"] else ""
    compared = f" or worse {before} by more than {thresholds['max_regression']:g}" if before else ""
    reason = (
        f"None of {len(judged)} slices is credibly worse than all rows (error {measured['error']:.3f}, "
        f"{measured['unit']}) by more than {thresholds['max_gap']:g}{compared}; the largest gap is "
        f"{worst['gap']:.3f} in {worst['name']} ({worst['rows']} rows)."
    )
    told = [reason if before else f"{reason} No serving version was compared."]
    limits = (("gap", thresholds["max_gap"]), ("change", thresholds["max_regression"]))
    open_ones = [
        f"{one['name']} ({what} {one[what]:.3f})"
        for what, limit in limits
        for one in judged
        if one[what] is not None and one[what] > limit
    ]
    if open_ones:
        told.append(f"Above a limit, but not credibly at this number of rows: {', '.join(open_ones)}.")
    if few:
        told.append(f"Not judged, {few}.")
    return " ".join(told)
