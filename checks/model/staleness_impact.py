"""MODEL-4: what is lost by not training anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration
from checks.methods.metrics import corrected_lower_bounds, rows_needed, shown
from checks.methods.plots import interval_plot
from checks.methods.resampling import Resampled, resampled
from checks.serving import AgedPredictions, AgedRun, RetrainingCadence


class StalenessImpact(Check):
    """The impact of model staleness is known.

    Asked: how quality falls with the age of the training data, so that one knows how often to train.

    Measured: the recipe, trained to several cut-off dates, predicts the same current labelled rows: the window's
    labelled traffic where there are `min_rows` of it with every class, else (and for a handed-in file) the test
    data; the finding says which. The training with the latest cut-off is the fresh one; the others are so many
    days older. Loss: by how much the quality is below the fresh one's, as a share of it (errors: by how much they
    are above), with paired bootstrap intervals.

    Formula: a loss is credible where its lower 95 % bound, corrected for looking at several cut-offs
    (Benjamini-Hochberg, normal approximation), is above `max_loss`; it is ruled out where the upper bound of its
    interval is not. The age at which `max_loss` is lost is interpolated between the first cut-off with a credible
    loss and the last one before it whose estimate is within `max_loss`.

    - Fail: the curve contradicts the declared `retraining_days`: a training that is no older than those has
      credibly lost more than `max_loss`.
    - Pass: the impact is known. Either the age of the loss is, and no younger training may have lost as much
      before the cadence is over; or a loss is ruled out up to the cadence (up to `min_span_days` where none is
      declared). No loss at all is an answer.
    - Inconclusive: fewer than `min_cutoffs` cut-offs (the fresh one counts), fewer than `min_rows` labelled rows,
      cut-offs that do not go back as far as the cadence (`min_span_days`), or intervals too wide to tell.

    MON-4 takes its limit from here: the age of the loss, else the age up to which a loss is ruled out, each plus
    the fresh training's own distance from the labelled rows.

    Source: Breck et al. 2017, section III, test Model 4; Efron 1979; Benjamini and Hochberg 1995. The limit of
    2 % is Assay's.

    Evidence: `test` data and `columns.time`; earlier versions of one recipe (model class, features, tunables,
    pipeline), or a handed-in file `staleness-predictions`; for current rows an environment with labelled traffic.
    The finding keeps the curve as table and plot.

    Fix: retrain before the loss sets in and declare that cadence; for a wider curve train the recipe to more and
    older cut-off dates.
    """

    id = "MODEL-4"
    thresholds: ClassVar[Thresholds] = {
        "max_loss": 0.02,
        "min_cutoffs": 4,
        "min_rows": 200,
        "min_span_days": 30,
    }

    def measure(
        self, declared: Declaration, aged: AgedPredictions, cadence: RetrainingCadence | None
    ) -> Measurement:
        fresh, *older = _distinct(aged.runs)
        score = resampled(declared, aged.labels, fresh.predictions)
        if score.estimate == 0:
            raise Missing("a quality other than 0, of which a share could be lost", "declare another metric")
        curve, skipped = _curve(declared, aged, fresh, older, score)
        gap = (aged.labelled_at - fresh.trained_until) / timedelta(days=1) if aged.labelled_at else 0.0
        values = {
            "metric": declared.metric,
            "rows": len(aged.labels),
            "drawn_from": aged.drawn_from,
            "fresh": {"source": fresh.source, "trained_until": fresh.trained_until.isoformat()},
            "fresh_quality": score.estimate,
            "gap_days": max(gap, 0.0),
            "cadence_days": cadence.days if cadence else None,
            "curve": curve,
            "skipped": skipped,
        }
        header = ("source", "trained_until", "days_older", "quality", "loss", "low", "high")
        lines = [
            (one["source"], one["trained_until"], one["days_older"], one["quality"], *one["loss"].values())
            for one in curve
        ]
        drawn = [(f"{line[2]:.0f} days older: {line[0]}", line[5], line[4], line[6]) for line in lines]
        return Measurement(
            values,
            (
                Exhibit.table("staleness.csv", header, lines),
                interval_plot("staleness.svg", f"Share of {declared.metric} lost with age", drawn),
            ),
        )

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        if short := _too_little(measured, thresholds):
            return short
        found, cadence = impact(measured, thresholds), measured["cadence_days"]
        loss, told = thresholds["max_loss"], _told(measured)
        if found.lost is not None and cadence is not None and found.lost <= cadence:
            reason = (
                f"{told} {loss:.0%} is lost at about {found.crossing:.0f} days (credibly after {found.lost:.0f}), "
                f"before the declared cadence of {cadence:g} days is over."
            )
            return Judgement(Verdict.FAIL, reason, f"Retrain within {found.crossing:.0f} days, and declare that.")
        needed = _span(measured, thresholds) if found.lost is None else cadence or 0.0
        if (found.kept if found.lost is None else found.sure) < needed:
            return _open(measured, thresholds, told, needed)
        if found.lost is None:
            return Judgement(Verdict.PASS, f"{told} No loss of {loss:.0%} up to {found.kept:.0f} days.")
        reason = f"{told} {loss:.0%} is lost at about {found.crossing:.0f} days (credibly after {found.lost:.0f})."
        return Judgement(Verdict.PASS, reason)


@dataclass(frozen=True)
class Impact:
    """Days that a training is older than the fresh one.

    ``kept``: up to these a loss is ruled out. ``lost``: from these on it is credible (None: never), ``crossing``:
    where it sets in. ``sure``: up to these no training may have lost as much.
    """

    kept: float
    lost: float | None = None
    crossing: float | None = None
    sure: float = 0.0


def impact(measured: Measured, thresholds: Thresholds) -> Impact:
    """What the curve tells under ``max_loss``."""
    curve, limit = measured["curve"], thresholds["max_loss"]
    bounds = corrected_lower_bounds([(one["loss"]["estimate"], one["standard_error"]) for one in curve], limit)
    lost = next((i for i, bound in enumerate(bounds) if bound > limit), None)
    kept, doubtful = 0.0, float("inf")
    for one, bound in zip(curve, bounds, strict=True):
        if bound > limit or one["loss"]["high"] > limit:
            doubtful = one["days_older"] if bound <= limit else doubtful
            break
        kept = one["days_older"]
    if lost is None:
        return Impact(kept)
    crossing = _crossing(curve[: lost + 1], limit)
    return Impact(kept, curve[lost]["days_older"], crossing, min(crossing, doubtful))


def limit_of(measured: Measured, thresholds: Thresholds) -> tuple[float, bool]:
    """The age in days, from the end of the training data, that a finding allows; and whether more is lost then."""
    found = impact(measured, thresholds)
    days = found.kept if found.crossing is None else found.crossing
    return measured["gap_days"] + days, found.lost is not None


def _distinct(runs: Sequence[AgedRun]) -> list[AgedRun]:
    """One training a cut-off date, the newest first; of several the first."""
    by_date = {run.trained_until.date(): run for run in reversed(runs)}
    return [by_date[date] for date in sorted(by_date, reverse=True)]


def _curve(
    declared: Declaration, aged: AgedPredictions, fresh: AgedRun, older: Sequence[AgedRun], score: Resampled
) -> tuple[list[dict[str, Any]], list[str]]:
    """The trainings by growing age, and which could not be scored, and why."""
    curve: list[dict[str, Any]] = []
    skipped = list(aged.skipped)
    for run in older:
        try:
            other = resampled(declared, aged.labels, run.predictions)
            difference, scale = score - other, abs(score.estimate)
            interval = difference.interval().as_dict()
        except Missing as missing:
            skipped.append(f"{run.source}: needs {missing.what}")
            continue
        curve.append(
            {
                "source": run.source,
                "trained_until": run.trained_until.isoformat(),
                "days_older": (fresh.trained_until - run.trained_until) / timedelta(days=1),
                "quality": other.estimate,
                "loss": {key: value / scale for key, value in interval.items()},
                "standard_error": difference.standard_error() / scale,
            }
        )
    return curve, skipped


def _crossing(curve: Sequence[Mapping[str, Any]], limit: float) -> float:
    """Where the loss reaches ``limit`` on its way to the last point; the fresh training has lost nothing."""
    points = [(0.0, 0.0), *((one["days_older"], one["loss"]["estimate"]) for one in curve)]
    day, loss = points[-1]
    before, had = next(point for point in reversed(points[:-1]) if point[1] <= limit)
    return float(before + (limit - had) / (loss - had) * (day - before))


def _span(measured: Measured, thresholds: Thresholds) -> float:
    """How far back the curve must go, in days."""
    days: float = measured["cadence_days"] or thresholds["min_span_days"]
    return days


def _too_little(measured: Measured, thresholds: Thresholds) -> Judgement | None:
    rows, cutoffs = measured["rows"], len(measured["curve"]) + 1
    span, needed = max((one["days_older"] for one in measured["curve"]), default=0.0), _span(measured, thresholds)
    skipped = f" Left out: {'; '.join(measured['skipped'])}." if measured["skipped"] else ""
    if rows < thresholds["min_rows"]:
        reason = f"There are {rows} labelled rows; {thresholds['min_rows']} are needed."
        return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
    if cutoffs < thresholds["min_cutoffs"]:
        reason = f"{cutoffs} cut-off dates could be scored; {thresholds['min_cutoffs']} are needed.{skipped}"
        return Judgement(Verdict.INCONCLUSIVE, reason, "Train the recipe to more cut-off dates.")
    if span < needed:
        kind = "the declared cadence" if measured["cadence_days"] else "the least that tells something"
        reason = f"The cut-off dates go back {span:.0f} days; {needed:g} are {kind}.{skipped}"
        return Judgement(Verdict.INCONCLUSIVE, reason, f"Train the recipe to a date {needed:g} days back, too.")
    return None


def _open(measured: Measured, thresholds: Thresholds, told: str, needed: float) -> Judgement:
    limit = thresholds["max_loss"]
    reason = f"{told} Whether {limit:.0%} is lost within {needed:g} days is left open."
    doubtful = next((one for one in measured["curve"] if one["loss"]["high"] > limit), None)
    if doubtful is None:
        return Judgement(Verdict.INCONCLUSIVE, reason, f"Train the recipe to a date about {needed:g} days back.")
    loss = doubtful["loss"]
    bound = loss["low"] if loss["estimate"] > limit else loss["high"]
    rows = rows_needed(measured["rows"], loss["estimate"], bound, limit)
    hint = f"about {rows} labelled rows would settle it" if rows else "more labelled rows are needed"
    return Judgement(Verdict.INCONCLUSIVE, reason, f"Register a larger test data set: {hint}.")


def _told(measured: Measured) -> str:
    curve, fresh = measured["curve"], measured["fresh_quality"]
    return (
        f"Trained to {len(curve) + 1} dates over {curve[-1]['days_older']:.0f} days; {measured['metric']} "
        f"{shown(measured['metric'], fresh)} of the fresh training, "
        f"{measured['rows']} rows of {measured.get('drawn_from', 'test data')}."
    )
