"""MODEL-6: errors on the slices that matter, against all rows and against the serving version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    standard_error,
    subset,
)
from checks.methods.metrics import screened_lower_bounds
from checks.methods.ranking import AREAS, slice_areas
from checks.methods.slices import DECLARED, FOUND, MANDATORY, search_half, slice_mask, slices_of
from checks.serving import FullSuite, WeakSegments

if TYPE_CHECKING:
    import numpy as np

SHOWN = 3
FIGURES = ("error", "error_se", "gap", "gap_se", "change", "change_se", "unforeseen", "unforeseen_se")


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
    2000). The change is paired row by row. Normal approximation; lower one-sided bounds of slices with enough rows
    are corrected together (Benjamini and Hochberg 1995, Benjamini and Yekutieli 2005, counting those above the
    limit: Ellis et al. 2020), each family by itself: the organisation's, the declared, the found, so that many of
    one cannot dilute another. A slice fails when its
    bound of the gap exceeds `max_gap`, that of the change `max_regression`, or, where the policy sets it, that of
    its error `max_slice_error` (the paper's example is 0.05). Errors and gaps are shares: 0.05 is 5 points.

    Where the declared metric is roc_auc or log_loss of a binary model, errors can hide a slice in which it ranks no
    better than chance (with few positives it errs on all of them everywhere). So a slice with 20 rows of either
    class also fails when its ROC area is below that of the other rows, and below what a linear model of the other
    rows foresees for it (a slice in which inputs vary little ranks worse by nature; van Klaveren et al. 2016), both
    by more than `max_area_gap` (variance by Hanley and McNeil 1982, corrected as above). Where the test data lacks
    the features, the model's own probabilities say what is foreseen.

    Weak segments are searched for by deepchecks on one half of the rows and judged on the other. Where labels are
    less certain every model errs more, so a found segment whose gap the model's own probabilities foresee (the mean
    of 1 - max p) is named and fails nothing: the gap of error minus foreseen error must exceed `max_gap` as well.

    A slice with fewer than `min_rows` labelled rows is not judged and is named. When no slice can be judged, a
    mandatory one has too few rows, or one asks for a column that is not there, the test is inconclusive. A gap
    above the limit that the bound does not confirm passes and is named.

    Source: Breck et al. 2017, section III, test Model 6. The limits of 5 points and 1 point are Assay's.

    Evidence: `slices` in the manifest, the organisation's policy, the `test` data with its predictions, the
    version that serves. The finding keeps a table of all slices, and deepchecks' report if it is installed.

    Fix: look at the slice's rows: too few in training, a feature missing or coded otherwise, another population.
    Collect more of them, give the slice a model or a rule of its own, or keep it from being served by this one.
    """

    id = "MODEL-6"
    thresholds: ClassVar[Thresholds] = {
        "max_gap": 0.05,
        "max_regression": 0.01,
        "max_slice_error": None,
        "max_area_gap": 0.1,
        "min_rows": 100,
    }

    def measure(
        self,
        declared: Declaration,
        holdout: Holdout,
        predicted: HoldoutPredictions,
        earlier: EarlierVersions,
        policy: OrganisationPolicy | None,
        weak: WeakSegments | None = None,
        suite: FullSuite | None = None,
    ) -> Measurement:
        slices = slices_of(declared, policy)
        if not slices:
            raise Missing("declared slices", "list the slices that matter under `slices` in the manifest")
        rows = labelled(declared, holdout, predicted)
        binary = declared.task is not Task.REGRESSION
        errors = errors_of(declared, rows.truth, rows.predicted)
        serving = _serving(declared, rows, earlier)
        change = None if serving is None else errors - serving
        measured = [_measured(one, family, rows, errors, change, binary) for family, one in slices]
        for (_, one), found in zip(slices, measured, strict=True):
            found.update({} if found["problem"] else slice_areas(declared, rows, one.where))
        if weak is not None:
            judges = ~search_half(len(holdout.frame))[rows.positions]
            unseen, rest = subset(rows, judges), None if change is None else change[judges]
            named = [Slice(f"{one.name} (found by {weak.library})", one.where) for one in weak.segments]
            measured += [_measured(one, FOUND, unseen, errors[judges], rest, binary) for one in named]
        values = {
            "rows": len(rows),
            "unlabelled": rows.unlabelled,
            "unit": "share of wrong classes" if binary else "sd of the label",
            "error": float(errors.mean()),
            "incumbent": earlier.incumbent.version if earlier.incumbent and serving is not None else None,
            "searched": None if weak is None else {"by": weak.library, "rows": weak.searched_rows},
            "suite": None if suite is None else _told_suite(suite),
            "slices": measured,
        }
        table = Exhibit.table("slices.csv", list(measured[0]), (list(one.values()) for one in measured))
        return Measurement(values, (table,) if suite is None else (table, suite.exhibit))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        least, slices = thresholds["min_rows"], measured["slices"]
        judged = [one for one in slices if one["error"] is not None and one["rows"] >= least]
        worse = _exceeding(judged, "gap", thresholds["max_gap"], "above the error of all rows")
        found = [one for one in judged if _family(one) == FOUND and one["unforeseen"] is not None]
        unforeseen = _exceeding(found, "unforeseen", thresholds["max_gap"], "")
        foreseen = [one["name"] for one in found if one["name"] in worse and one["name"] not in unforeseen]
        area, limit = "of ROC area below the other rows", thresholds["max_area_gap"]
        blind = _exceeding(judged, "area_gap", limit, area)
        faults = [
            *(blind[name] for name in _exceeding(judged, "area_surprise", limit, area) if name in blind),
            *(told for name, told in worse.items() if name not in foreseen),
            *_exceeding(
                judged, "change", thresholds["max_regression"], f"above version {measured['incumbent']}"
            ).values(),
            *_exceeding(judged, "error", thresholds["max_slice_error"], "of error").values(),
        ]
        if faults:
            remedy = (
                "Look at the slice's rows in training and test data; improve the model there or serve it otherwise."
            )
            return Judgement(Verdict.FAIL, f"{'; '.join(faults)}.", remedy)
        asked = [one for one in slices if _family(one) != FOUND]
        small = [one for one in asked if not one["problem"] and one not in judged]
        broken = [f"{one['name']}: {one['problem']}" for one in asked if one["problem"]]
        owed = [one for one in small if _family(one) == MANDATORY]
        if broken or owed or not any(one in judged for one in asked):
            reason = "; ".join([*broken, *([_few(small, least)] if small else [])])
            remedy = f"Correct the slice or register test data with its columns and {least} labelled rows of it."
            return Judgement(Verdict.INCONCLUSIVE, f"Slices that cannot be judged: {reason}.", remedy)
        told = [_passed(measured, judged, thresholds), *_open(judged, thresholds)]
        if foreseen:
            told.append(f"Worse, as its own probabilities foresee: {', '.join(foreseen[:SHOWN])}.")
        if small:
            told.append(f"Not judged, {_few(small, least)}.")
        return Judgement(Verdict.PASS, " ".join(told))


def _family(one: Mapping[str, Any]) -> str:
    return str(one.get("family", DECLARED))


def _few(small: Sequence[dict[str, Any]], least: int) -> str:
    named = ", ".join(f"{one['name']} ({one['rows']})" for one in small)
    return f"fewer than {least} labelled rows: {named}"


def _told_suite(suite: FullSuite) -> dict[str, Any]:
    failed = [name for name, passed in suite.tests.items() if not passed]
    return {"by": suite.library, "drawn from": suite.drawn_from, "tests": len(suite.tests), "failed": failed}


def _serving(declared: Declaration, rows: Labelled, earlier: EarlierVersions) -> np.ndarray | None:
    """(n,) the serving version's errors on the same rows, None when there is none or it leaves rows unanswered."""
    if earlier.incumbent is None:
        return None
    try:
        return errors_of(declared, rows.truth, answers(earlier.incumbent.predictions, rows.positions))
    except Missing:
        return None


def _measured(
    one: Slice, family: str, rows: Labelled, errors: np.ndarray, change: np.ndarray | None, binary: bool
) -> dict[str, Any]:
    """What is stored of a slice: numbers of rows, estimates and standard errors, None where undefined."""
    found: dict[str, Any] = {"name": one.name, "family": family, "problem": None, "rows": 0}
    found |= dict.fromkeys((*FIGURES, *AREAS))
    try:
        mask = slice_mask(one.where, rows.frame)
    except ValueError as problem:
        return found | {"problem": str(problem)}
    found["rows"] = int(mask.sum())
    if found["rows"] < 2:
        return found
    inside, variance = mean_and_variance(errors[mask], binary)
    gap = _gap(errors, mask, binary=binary)
    found |= {"error": inside, "error_se": standard_error(variance), "gap": gap[0], "gap_se": gap[1]}
    if change is not None:
        mean, spread = mean_and_variance(change[mask], binary=False)
        found |= {"change": mean, "change_se": standard_error(spread)}
    if family == FOUND and binary and rows.predicted.proba is not None:
        doubt = 1 - rows.predicted.proba.max(axis=1)
        found["unforeseen"], found["unforeseen_se"] = _gap(errors - doubt, mask, binary=False)
    return found


def _gap(values: np.ndarray, mask: np.ndarray, *, binary: bool) -> tuple[float, float]:
    """How far the mean in the slice is above that of all rows, and the standard error of that."""
    if (~mask).sum() < 2:
        return 0.0, 0.0
    inside, variance = mean_and_variance(values[mask], binary)
    outside, rest = mean_and_variance(values[~mask], binary)
    share = 1 - float(mask.mean())
    return share * (inside - outside), share * standard_error(variance, rest)


def _exceeding(slices: Sequence[dict[str, Any]], what: str, limit: float | None, told: str) -> dict[str, str]:
    """A sentence part by name for each slice whose lower bound, corrected in its family, exceeds the limit."""
    given = [one for one in slices if one.get(what) is not None]
    if limit is None:
        return {}
    found: dict[str, str] = {}
    for family in (MANDATORY, DECLARED, FOUND):
        members = [one for one in given if _family(one) == family]
        bounds = screened_lower_bounds([(one[what], one[f"{what}_se"]) for one in members], limit)
        found |= {
            one["name"]: f"slice {one['name']} ({one['rows']} rows, error {one['error']:.3f}) is {one[what]:.3f} "
            f"{told}, credibly more than {bound:.3f} where {limit:g} is allowed"
            for one, bound in zip(members, bounds, strict=True)
            if bound > limit
        }
    return found


def _passed(measured: Measured, judged: Sequence[dict[str, Any]], thresholds: Thresholds) -> str:
    asked = [one for one in judged if _family(one) != FOUND]
    worst = max(asked, key=lambda one: one["gap"])
    before = f"against version {measured['incumbent']}" if measured["incumbent"] else ""
    compared = f" or worse {before} by more than {thresholds['max_regression']:g}" if before else ""
    reason = (
        f"None of {len(asked)} slices is credibly worse than all rows (error {measured['error']:.3f}, "
        f"{measured['unit']}) by more than {thresholds['max_gap']:g}{compared}; the largest gap is "
        f"{worst['gap']:.3f} in {worst['name']} ({worst['rows']} rows)."
    )
    searched = measured.get("searched")
    found = f" {searched['by']} searched {searched['rows']:,} other rows for weak segments." if searched else ""
    return reason + found + ("" if before else " No serving version was compared.")


def _open(judged: Sequence[dict[str, Any]], thresholds: Thresholds) -> list[str]:
    limits = (("gap", thresholds["max_gap"]), ("change", thresholds["max_regression"]))
    open_ones = [
        f"{one['name']} ({what} {one[what]:.3f})"
        for what, limit in limits
        for one in judged
        if _family(one) != FOUND and one[what] is not None and one[what] > limit
    ]
    if not open_ones:
        return []
    return [f"Above a limit, but not credibly at this number of rows: {', '.join(open_ones)}."]
