"""MON-7: whether what is answered is still as good as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from checks.contract import Check, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import Declaration, Holdout, HoldoutPredictions, OrganisationPolicy, Task
from checks.methods.cohorts import labelled
from checks.methods.estimation import estimate
from checks.methods.metrics import corrected_lower_bounds, shown
from checks.methods.regression_of_quality import SIGMAS, compared, slices_compared, table_of, trend_of
from checks.methods.served import classes_of, of_holdout, of_log
from checks.serving import LabelledServing, QualityReport, ServingLog


class PredictionQuality(Check):
    """Prediction quality has not regressed.

    Asked: once a model serves, its predictions stay unbiased and as good as they were, overall and for the slices
    that matter; sudden and slow losses are noticed, also while labels are late.

    Measured: of the window's predictions whose label is known, the calibration bias (mean prediction less label
    rate, for each class if there are several; in regression the mean error in units of the label's standard
    deviation in the test data) and the declared metric, each beside the same on the version's test data, which is
    the reference; overall and by declared and mandatory slice. The metric of equal parts of the window, a week at
    most each, tells a slow leak. Coverage is the labelled share of what was logged.

    Formula: bias fails when both the bias and its change from the reference are credibly beyond `max_bias`
    (regression: `max_bias_sd`), in one direction; the metric fails when the loss is credibly above `max_loss`
    times the reference's quality. Overall by a 95 % interval (bootstrap for the metric); slices of `min_rows`
    labelled rows on both sides are corrected family by family (Benjamini-Hochberg). A leak: the weighted
    least-squares line through the parts' quality falls, by its one-sided 95 % bound, by more than `max_leak` times
    the reference's over the window. Coverage below `min_coverage` brings a warning: labels that come early may not
    be like those that come late.

    Without labels the metric is estimated: CBPE in classification, DLE in regression, fitted on half of the test
    data and checked on the other, whose miss widens the interval. It is called estimated everywhere, sees changed
    inputs only, and never satisfies a policy's "must pass". Below `min_rows` rows: inconclusive.

    Source: Breck et al. 2017, section V, test Monitor 7; Białek et al. 2023 (CBPE, DLE as published by NannyML);
    Efron 1979; Benjamini and Hochberg 1995. The limits are Assay's.

    Evidence: logged predictions of the version in the environment, labels pushed for them, its test data; a report
    of Evidently's is attached. The finding keeps a table of all comparisons.

    Fix: bias: the outcome has become more or less frequent, or a unit has changed; recalibrate or retrain. A loss
    overall: roll back, then compare inputs (MON-2, MON-3). In a slice: look at what is new there. A leak: retrain,
    and more often (MODEL-4).
    """

    id = "MON-7"
    thresholds: ClassVar[Thresholds] = {
        "max_bias": 0.02,
        "max_bias_sd": 0.1,
        "max_loss": 0.05,
        "max_leak": 0.02,
        "min_rows": 100,
        "min_coverage": 0.5,
    }

    def measure(
        self,
        declared: Declaration,
        holdout: Holdout,
        predicted: HoldoutPredictions,
        log: ServingLog,
        labels: LabelledServing | None,
        policy: OrganisationPolicy | None,
        report: QualityReport | None,
    ) -> Measurement:
        reference = of_holdout(labelled(declared, holdout, predicted))
        classes = classes_of(declared, reference)
        values: dict[str, Any] = {
            "task": declared.task.value,
            "metric": declared.metric,
            "logged": log.rows,
            "labelled": labels.rows if labels else 0,
            "coverage": labels.coverage if labels else 0.0,
            "reference_rows": len(reference),
            "environment": log.window.environment,
            "estimated": labels is None,
            "left_out": 0,
            "slices": [],
            "skipped": [],
            "trend": None,
        }
        if labels is None:
            served = of_log(declared, log.frame, classes, labelled=False)
            enough = min(len(served), len(reference)) >= 2 * self.thresholds["min_rows"]
            values |= {"rows": len(served), "left_out": served.left_out}
            values["overall"] = _estimated(declared, reference, served) if enough else None
        else:
            served = of_log(declared, labels.frame, classes, labelled=True)
            least = self.thresholds["min_rows"]
            slices, skipped = slices_compared(declared, policy, reference, served, least)
            values |= {"rows": len(served), "left_out": served.left_out, "slices": slices, "skipped": skipped}
            values["overall"] = compared("all rows", declared, reference, served) if len(served) >= least else None
            values["trend"] = trend_of(declared, served, log.window, least)
        exhibits = [table_of(values), *([report.exhibit] if report else [])]
        return Measurement(values, exhibits)

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        rows, least = measured["rows"], thresholds["min_rows"]
        needed = 2 * least if measured["estimated"] else least
        if measured["overall"] is None or rows < needed or measured["reference_rows"] < needed:
            what = "logged" if measured["estimated"] else "labelled"
            reason = (
                f"{rows} {what} predictions and {measured['reference_rows']} labelled rows of test data; "
                f"{needed} of each are needed{' to estimate' if measured['estimated'] else ''}."
            )
            remedy = "Widen the window, or push labels as they become known: assay labels push."
            return Judgement(Verdict.INCONCLUSIVE, reason, remedy)
        faults = [
            *_biased(measured, thresholds),
            *_lost(measured, thresholds),
            *_in_slices(measured, thresholds),
            *_leaking(measured, thresholds),
        ]
        told = f"{_told(measured)}{_coverage(measured, thresholds)}"
        if faults:
            remedy = (
                "Roll back or retrain; look at the inputs first (MON-2, MON-3), then at the slices in the table."
            )
            return Judgement(Verdict.FAIL, f"{told} {'. '.join(faults)}.", remedy)
        note = _not_proven(measured, thresholds)
        return Judgement(Verdict.PASS, f"{told} No regression is credible{note}.")


def _estimated(declared: Declaration, reference: Any, served: Any) -> dict[str, Any]:
    """``estimate`` in the form of a comparison."""
    found = estimate(declared, reference, served)
    loss = found.reference - found.quality
    return {
        "name": "all rows",
        "metric": found.metric,
        "rows": len(served),
        "reference_rows": found.reference_rows,
        "quality": found.quality,
        "reference": found.reference,
        "loss": {
            "estimate": loss,
            "low": loss - SIGMAS * found.error,
            "high": loss + SIGMAS * found.error,
        },
        "loss_error": found.error,
        "biases": [],
    }


def _limit(measured: Measured, thresholds: Thresholds) -> float:
    limit: float = thresholds["max_bias_sd" if measured["task"] == Task.REGRESSION else "max_bias"]
    return limit


def _excess(bias: Mapping[str, Any]) -> float:
    """How far the bias goes beyond 0 and, in the same direction, beyond the reference's."""
    direction = 1 if bias["bias"] >= 0 else -1
    return float(min(abs(bias["bias"]), direction * (bias["bias"] - bias["reference"])))


def _biased(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    biases, limit = measured["overall"]["biases"], _limit(measured, thresholds)
    estimates = [(_excess(one) - limit, one["error"]) for one in biases]
    if len(biases) == 1:
        bounds = [value - SIGMAS * error for value, error in estimates]
    else:
        bounds = corrected_lower_bounds(estimates, 0.0)
    for one, bound in zip(biases, bounds, strict=True):
        if bound > 0:
            yield f"The bias{_of(one)} is {_bias(one)}, credibly beyond {limit:g}"


def _lost(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    one = measured["overall"]
    if one["loss"]["low"] > thresholds["max_loss"] * abs(one["reference"]):
        yield f"The loss is credibly above {thresholds['max_loss']:.0%} of the reference's quality"


def _in_slices(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    families = dict.fromkeys(one["family"] for one in measured["slices"])
    for family in families:
        several = [one for one in measured["slices"] if one["family"] == family]
        yield from _in_family(several, _limit(measured, thresholds), thresholds)


def _in_family(slices: list[Any], limit: float, thresholds: Thresholds) -> Iterator[str]:
    losses = [
        (s["loss"]["estimate"] - thresholds["max_loss"] * abs(s["reference"]), s["loss_error"]) for s in slices
    ]
    for one, bound in zip(slices, corrected_lower_bounds(losses, 0.0), strict=True):
        if bound > 0:
            yield f"In the slice {one['name']} the {_quality(one)}"
    biases = [(one, bias) for one in slices for bias in one["biases"]]
    bounds = corrected_lower_bounds([(_excess(bias) - limit, bias["error"]) for _, bias in biases], 0.0)
    for (one, bias), bound in zip(biases, bounds, strict=True):
        if bound > 0:
            yield f"In the slice {one['name']} the bias{_of(bias)} is {_bias(bias)}, credibly beyond {limit:g}"


def _leaking(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    trend = measured["trend"]
    if trend and trend["fall_low"] > thresholds["max_leak"] * abs(measured["overall"]["reference"]):
        yield (
            f"Quality leaks: over {len(trend['parts'])} parts of the window {measured['metric']} falls by "
            f"{trend['fall']:.3g}, credibly by {trend['fall_low']:.3g} at least"
        )


def _told(measured: Measured) -> str:
    one = measured["overall"]
    kind = "Estimated, no label being known: " if measured["estimated"] else ""
    bias = "".join(f" Bias{_of(b)} {_bias(b)}." for b in one["biases"][:1])
    return f"{kind}{'estimated ' if measured['estimated'] else ''}{_quality(one)}.{bias}"


def _quality(one: Mapping[str, Any]) -> str:
    metric, loss = one["metric"], one["loss"]
    now, before = shown(metric, one["quality"]), shown(metric, one["reference"])
    return (
        f"{metric} is {now} on {one['rows']} rows against {before} in the test data "
        f"(loss {loss['estimate']:.2g}, 95 % interval {loss['low']:.2g} to {loss['high']:.2g})"
    )


def _bias(bias: Mapping[str, Any]) -> str:
    return f"{bias['bias']:+.3f} (in the test data {bias['reference']:+.3f})"


def _of(bias: Mapping[str, Any]) -> str:
    return f" of {bias['of']}" if bias["of"] else ""


def _coverage(measured: Measured, thresholds: Thresholds) -> str:
    if measured["estimated"]:
        return ""
    share = measured["coverage"]
    warning = "; labels that are known so far may differ from those to come" * (share < thresholds["min_coverage"])
    return f" {share:.0%} of {measured['logged']} logged predictions have a label{warning}."


def _not_proven(measured: Measured, thresholds: Thresholds) -> str:
    one = measured["overall"]
    open_question = one["loss"]["high"] > thresholds["max_loss"] * abs(one["reference"])
    return ", nor is it excluded" if open_question else ""
