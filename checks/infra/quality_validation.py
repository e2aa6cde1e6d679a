"""INFRA-4: whether the number is sound, good enough, and as good as before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration, EarlierVersions, Holdout, HoldoutPredictions, Task, TrainingData
from checks.methods.cohorts import Labelled, answers, labelled
from checks.methods.leakage import credible_overlap, overlap, revealing_features
from checks.methods.metrics import HIGHER_IS_BETTER, corrected_lower_bounds, rows_needed, shown, unsigned
from checks.methods.resampling import resampled


class QualityValidation(Check):
    """Model quality is validated before serving.

    Asked: a new version is validated before it serves: against an absolute limit, against the version it
    replaces, and against a slow leak of quality over many versions, each of them too small to notice.

    Measured: first whether the holdout's number means anything. Overlap: holdout rows that equal a training row
    in all features and the label, and ids that are in both data sets (where ids are unique in each). Leakage:
    how well each feature alone predicts the label of the holdout. Then the quality in the floor's metric, signed
    so that more is better, and its difference to the serving version and to the last five, all scored anew on
    the same rows.

    Formula: rows can be alike by nature. So overlap is the lower 95 % bound of the shared rows' share less the
    upper bound of the share that twins within the training data, and within the holdout, let one expect; it
    fails above `max_overlap`, as does the plain share of shared ids. Leakage fails when the lower 95 % bound of a
    feature's ROC area (a small tree of it, fitted on the training data) exceeds `max_single_auc`, in regression
    that of its rank correlation `max_single_correlation`. Quality has a 95 % percentile bootstrap interval,
    differences a paired one. It fails when

    - the whole interval is on the wrong side of the floor;
    - the difference to the serving version is wholly below -`max_drop` times that version's quality;
    - the difference to one of the last five is credibly below -`max_leak` times that version's quality, the
      five being corrected together (normal approximation, Benjamini-Hochberg).

    An estimate on the wrong side of the floor with an interval across it is inconclusive; one on the right side
    passes with a note, or is inconclusive with `require_proof`, which asks the same of the drop. Below `min_rows`
    labelled holdout rows: inconclusive.

    Source: Breck et al. 2017, section IV, test Infra 4; Efron 1979; Benjamini and Hochberg 1995; Fieller, Hartley
    and Pearson 1957 for rank correlations. The limits of 1 % and 2 % are Assay's.

    Evidence: `quality.floor` in the manifest, `train` and `test` data, the model or its prediction columns,
    earlier versions. The finding keeps tables of the comparisons and of the most revealing features.

    Fix: overlap: split by example (by person, by time) before anything else, and take copies out. Leakage: show
    that the feature is known when the prediction is made, or drop it. Quality: do not serve this version; compare
    its data and code with those of the last good one.
    """

    id = "INFRA-4"
    thresholds: ClassVar[Thresholds] = {
        "max_overlap": 0.01,
        "max_single_auc": 0.99,
        "max_single_correlation": 0.999,
        "max_drop": 0.01,
        "max_leak": 0.02,
        "min_rows": 100,
        "require_proof": False,
    }

    def measure(
        self,
        declared: Declaration,
        train: TrainingData,
        holdout: Holdout,
        predicted: HoldoutPredictions,
        earlier: EarlierVersions,
    ) -> Measurement:
        if declared.floor is None:
            raise Missing("a quality floor", "declare `quality.floor`: the quality below which you would not serve")
        scored = replace(declared, metric=declared.floor.metric)
        rows = labelled(scored, holdout, predicted)
        compared, skipped = _compared(scored, rows, earlier)
        revealing = revealing_features(declared, train, rows)
        values = {
            "task": declared.task.value,
            "metric": scored.metric,
            "floor": declared.floor.value,
            "rows": len(rows),
            "unlabelled": rows.unlabelled,
            "overlap": overlap(declared, train, rows),
            "revealing": revealing,
            "quality": resampled(scored, rows.truth, rows.predicted).interval().as_dict(),
            "earlier": compared,
            "skipped": skipped,
        }
        header = ("version", "serving", "quality", "difference", "low", "high")
        lines = ((e["version"], e["serving"], e["quality"], *e["difference"].values()) for e in compared)
        features = (list(one.values()) for one in revealing)
        exhibits = (
            Exhibit.table("earlier-versions.csv", header, lines),
            Exhibit.table("revealing-features.csv", ("feature", "score", "low"), features),
        )
        return Measurement(values, exhibits)

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        rows, least = measured["rows"], thresholds["min_rows"]
        if rows < least:
            reason = f"The holdout has {rows} labelled rows; {least} are needed."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
        void = [*_overlapping(measured, thresholds), *_leaking(measured, thresholds)]
        if void:
            reason = f"The holdout's {measured['metric']} is void: {'; '.join(void)}."
            remedy = (
                "Split before anything else, remove the copies, drop the feature; then train and register anew."
            )
            return Judgement(Verdict.FAIL, reason, remedy)
        faults = [*_below_floor(measured), *_worse(measured, thresholds)]
        if faults:
            remedy = "Do not serve this version; compare its data, features and code with the last good version's."
            return Judgement(Verdict.FAIL, f"{_told(measured)} {'; '.join(faults)}.", remedy)
        floor, drop = _across_floor(measured), _drop_left_open(measured, thresholds)
        below = measured["quality"]["estimate"] < _floor(measured)
        if (floor and (below or thresholds["require_proof"])) or (drop and thresholds["require_proof"]):
            reason = f"{_told(measured)} {' and '.join(filter(None, (floor, drop)))}."
            return Judgement(Verdict.INCONCLUSIVE, reason, _more_rows(measured))
        return Judgement(Verdict.PASS, _passed(measured, floor, drop))


def _compared(
    scored: Declaration, rows: Labelled, earlier: EarlierVersions
) -> tuple[list[dict[str, Any]], list[str]]:
    """The lead over each earlier version, the serving one among them, and which were left out, and why."""
    serving = earlier.incumbent
    versions = {one.version: one for one in (*earlier.rescored, *([serving] if serving else []))}
    score = resampled(scored, rows.truth, rows.predicted)
    compared: list[dict[str, Any]] = []
    skipped = list(earlier.skipped)
    for name, one in versions.items():
        try:
            other = resampled(scored, rows.truth, answers(one.predictions, rows.positions))
        except Missing as missing:
            skipped.append(f"{name}: needs {missing.what}")
            continue
        difference = score - other
        compared.append(
            {
                "version": name,
                "serving": serving is not None and name == serving.version,
                "quality": other.estimate,
                "difference": difference.interval().as_dict(),
                "standard_error": difference.standard_error(),
            }
        )
    return compared, skipped


def _overlapping(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    counts, limit = measured["overlap"], thresholds["max_overlap"]
    credible = credible_overlap(counts)
    if credible > limit:
        yield (
            f"{counts['shared']} of {counts['rows']} holdout rows are also training rows, credibly {credible:.1%} "
            f"more than rows alike by nature ({counts['training_twins']} of {counts['training_rows']} training "
            f"rows have a twin) where {limit:.1%} is allowed"
        )
    ids = counts["shared_ids"]
    if ids is not None and ids / counts["rows"] > limit:
        yield f"{ids} of {counts['rows']} holdout ids are also in the training data"


def _leaking(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    regression = measured["task"] == Task.REGRESSION
    kind, key = ("rank correlation", "max_single_correlation") if regression else ("ROC area", "max_single_auc")
    for one in measured["revealing"]:
        if one["low"] > thresholds[key]:
            yield (
                f"the feature {one['feature']} alone gives the label away ({kind} {one['score']:.4f}, "
                f"credibly above {thresholds[key]:g})"
            )


def _floor(measured: Measured) -> float:
    """The floor, signed as qualities are."""
    value: float = measured["floor"]
    return value if HIGHER_IS_BETTER[measured["metric"]] else -value


def _below_floor(measured: Measured) -> Iterator[str]:
    if measured["quality"]["high"] < _floor(measured):
        yield f"is wholly on the wrong side of the floor {measured['floor']:g}"


def _across_floor(measured: Measured) -> str:
    straddles = measured["quality"]["low"] < _floor(measured)
    return f"is not proven to keep to the floor {measured['floor']:g}" if straddles else ""


def _worse(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    earlier, drop, leak = measured["earlier"], thresholds["max_drop"], thresholds["max_leak"]
    for one in earlier:
        if one["serving"] and one["difference"]["high"] < -_margin(one, drop):
            yield f"is credibly worse than the serving version by more than {drop:.1%}: {_against(measured, one)}"
    losses = [(-one["difference"]["estimate"] - _margin(one, leak), one["standard_error"]) for one in earlier]
    bounds = corrected_lower_bounds(losses, 0.0)
    told = [_against(measured, one) for one, bound in zip(earlier, bounds, strict=True) if bound > 0]
    if told:
        yield f"has leaked credibly more than {leak:.1%} since {' and '.join(told)}"


def _drop_left_open(measured: Measured, thresholds: Thresholds) -> str:
    told = [
        _against(measured, one)
        for one in measured["earlier"]
        if one["serving"] and one["difference"]["low"] < -_margin(one, thresholds["max_drop"])
    ]
    return f"is not proven to be as good as the serving version {told[0]}" if told else ""


def _margin(earlier: Mapping[str, Any], share: float) -> float:
    return share * abs(float(earlier["quality"]))


def _told(measured: Measured) -> str:
    interval, metric = measured["quality"], measured["metric"]
    low, high = sorted(unsigned(metric, interval[bound]) for bound in ("low", "high"))
    value = shown(metric, interval["estimate"])
    return f"{metric} {value} (95 % interval {low:.4g} to {high:.4g}, {measured['rows']} rows)"


def _against(measured: Measured, one: Mapping[str, Any]) -> str:
    lead, low, high = (one["difference"][key] for key in ("estimate", "low", "high"))
    value = shown(measured["metric"], one["quality"])
    return f"{one['version']} with {value} (lead {lead:.2g}, 95 % interval {low:.2g} to {high:.2g})"


def _more_rows(measured: Measured) -> str:
    quality = measured["quality"]
    bound = quality["high"] if quality["estimate"] < _floor(measured) else quality["low"]
    needed = rows_needed(measured["rows"], quality["estimate"], bound, _floor(measured))
    hint = f"about {needed} labelled rows would settle it" if needed else "more labelled rows are needed"
    return f"Register a larger test data set: at this distance from the floor {hint}."


def _passed(measured: Measured, floor: str, drop: str) -> str:
    kept = f"{floor}, nor to break it" if floor else f"keeps to the floor {measured['floor']:g}"
    told = [f"{_told(measured)} {kept}"]
    earlier = measured["earlier"]
    serving = [one for one in earlier if one["serving"]]
    if drop:
        told.append(f"It {drop}, nor to be worse")
    elif serving:
        told.append(f"It is as good as the serving version {_against(measured, serving[0])}")
    else:
        told.append("No serving version was compared")
    if earlier:
        told.append(f"No leak is credible over {len(earlier)} earlier versions")
    counts = measured["overlap"]
    told.append(f"{counts['shared']} of {counts['rows']} rows are also in the training data")
    if measured["skipped"]:
        told.append(f"Not compared: {'; '.join(measured['skipped'])}")
    return ". ".join(told) + "."
