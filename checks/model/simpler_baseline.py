"""MODEL-5: the version against a constant, a linear model and a small tree; and a linear model of the holdout."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import Declaration, Holdout, HoldoutPredictions, TrainingData
from checks.methods.baselines import baseline_predictions, family
from checks.methods.cohorts import labelled
from checks.methods.held_out import cross_fitted
from checks.methods.metrics import rows_needed, shown
from checks.methods.resampling import resampled

HELD_OUT = "held-out linear"


class SimplerBaseline(Check):
    """A simpler model is not better.

    Asked: the model is regularly held against a very simple one. Only so does anybody notice that the larger
    pipeline is broken, or that its cost buys nothing.

    Measured: on the version's training data (at most 50,000 seeded rows, declared features) three baselines are
    fitted: the constant answer that suits the metric best, a linear model (logistic or ridge regression), a
    decision tree of depth 4. All are scored on the holdout with the declared metric, signed so that more is
    better, and each is subtracted from the version's score, with a 95 % interval. For `f1` and
    `balanced_accuracy` the baselines weigh the classes alike. What was wrong in training (shuffled or misjoined
    labels, say) spoils such baselines, too; so a linear model is also fitted on the holdout itself, five times on
    four fifths of its rows (at most 10,000), and scored on the fifth that it has not seen.

    Formula: paired percentile bootstrap (1000 seeded resamples of holdout rows, fewer beyond 20,000 rows) of
    d = quality(version) - quality(baseline). The margin of equivalence is `equivalence` times the baseline's own
    skill, which is its quality minus the constant's: scale-free for any metric. The test fails when

    - the version does not beat the constant on any resample or is credibly worse: d's upper bound <= 0;
    - a baseline is credibly better: d's upper bound < 0;
    - the version is not linear, and the linear model of the holdout is credibly better: d's upper bound < 0;
    - the version is not itself linear or a single tree, and d's upper bound is below the margin: whatever its
      lead may be, it is credibly under 1 %, and the simpler model would do.

    A version that is linear need only beat the constant. A class that is not known (predictions only) counts as
    not simple. A version that is not shown to beat the constant is inconclusive. Where the interval leaves open
    whether a baseline is as good, there is no proven harm: a pass that says so, or with `require_proof`
    inconclusive. Below `min_rows` labelled holdout rows: inconclusive.

    Source: Breck et al. 2017, section III, test Model 5; Efron 1979 for the bootstrap; the equivalence margin of
    1 % is Assay's.

    Evidence: `train` and `test` data, the model or its prediction columns, `quality.metric`. The finding keeps a
    table of the three comparisons.

    Fix: ship the simpler model, or find what the larger one fails to use: a feature lost on the way, a wrong
    join, too much regularisation. Worse than a linear model of the holdout: compare the training labels with
    their source, and the training data's age with the holdout's. If the comparison is left open, more labelled
    holdout rows settle it.
    """

    id = "MODEL-5"
    thresholds: ClassVar[Thresholds] = {"equivalence": 0.01, "min_rows": 100, "require_proof": False}

    def measure(
        self, declared: Declaration, train: TrainingData, holdout: Holdout, predicted: HoldoutPredictions
    ) -> Measurement:
        rows = labelled(declared, holdout, predicted)
        baselines, training_rows = baseline_predictions(declared, train, rows.frame)
        version = resampled(declared, rows.truth, rows.predicted)
        held_out = cross_fitted(declared, rows)
        answers = {**baselines, HELD_OUT: held_out} if held_out else baselines
        scores = {name: resampled(declared, rows.truth, answer) for name, answer in answers.items()}
        compared: dict[str, dict[str, Any]] = {
            name: {"quality": score.estimate, "difference": (version - score).interval().as_dict()}
            for name, score in scores.items()
        }
        values = {
            "metric": declared.metric,
            "rows": len(rows),
            "unlabelled": rows.unlabelled,
            "training_rows": training_rows,
            "model_class": declared.model_class,
            "family": family(declared.model_class),
            "quality": version.interval().as_dict(),
            "baselines": compared,
        }
        header = ("baseline", "quality", "difference", "low", "high")
        lines = ((name, one["quality"], *one["difference"].values()) for name, one in compared.items())
        return Measurement(values, (Exhibit.table("baselines.csv", header, lines),))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        rows, least = measured["rows"], thresholds["min_rows"]
        if rows < least:
            reason = f"The holdout has {rows} labelled rows; {least} are needed."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
        margins = _margins(measured, thresholds["equivalence"])
        asked = [*margins, *({HELD_OUT} & measured["baselines"].keys() if measured["family"] != "linear" else ())]
        faults = [fault for name in asked if (fault := _fault(measured, name, margins.get(name, 0.0)))]
        if faults:
            remedy = "Use the simpler model, or find what the larger one fails to learn from features or labels."
            return Judgement(Verdict.FAIL, f"{_version(measured)} {'; '.join(faults)}.", remedy)
        if measured["baselines"]["dummy"]["difference"]["low"] <= 0:
            return _undecided(measured, "is not shown to be better than", {"dummy": 0.0})
        unproven = {
            name: margin
            for name, margin in margins.items()
            if name != "dummy" and measured["baselines"][name]["difference"]["low"] <= margin
        }
        if unproven and thresholds["require_proof"]:
            return _undecided(measured, "is not proven to be better than", unproven)
        return Judgement(Verdict.PASS, _passed(measured, margins, unproven))


def _margins(measured: Measured, equivalence: float) -> Mapping[str, float]:
    """Baseline -> by how much the version must not credibly fail to beat it."""
    constant = measured["baselines"]["dummy"]["quality"]
    if measured["family"] == "linear":
        return {"dummy": 0.0}
    share = equivalence if measured["family"] == "other" else 0.0
    return {
        name: share * max(baseline["quality"] - constant, 0.0)
        for name, baseline in measured["baselines"].items()
        if name != HELD_OUT
    }


def _fault(measured: Measured, name: str, margin: float) -> str | None:
    high = measured["baselines"][name]["difference"]["high"]
    if name == "dummy":
        return f"is no better than the {_told(measured, name)}" if high <= 0 else None
    if high < 0:
        return f"is credibly worse than the {_told(measured, name)}"
    if high < margin:
        return f"is credibly no more than {margin:.2g} better than the simpler {_told(measured, name)}"
    return None


def _version(measured: Measured) -> str:
    kind = measured["model_class"] or "of unknown class"
    value = shown(measured["metric"], measured["quality"]["estimate"])
    return f"The version ({kind}), {measured['metric']} {value} on {measured['rows']} rows,"


def _told(measured: Measured, name: str) -> str:
    baseline = measured["baselines"][name]
    lead, low, high = (baseline["difference"][key] for key in ("estimate", "low", "high"))
    value = shown(measured["metric"], baseline["quality"])
    return f"{name} baseline with {value} (lead {lead:.2g}, 95 % interval {low:.2g} to {high:.2g})"


def _undecided(measured: Measured, what: str, margins: Mapping[str, float]) -> Judgement:
    told = " and the ".join(_told(measured, name) for name in margins)
    needed = [
        rows_needed(measured["rows"], difference["estimate"], difference["low"], margin)
        for name, margin in margins.items()
        for difference in [measured["baselines"][name]["difference"]]
    ]
    known = [number for number in needed if number is not None]
    hint = f"about {max(known)} labelled rows" if known else "more labelled rows"
    remedy = f"Register a larger test data set: at this lead {hint} would settle it."
    return Judgement(Verdict.INCONCLUSIVE, f"{_version(measured)} {what} the {told}.", remedy)


def _passed(measured: Measured, margins: Collection[str], unproven: Collection[str]) -> str:
    better = [_told(measured, name) for name in margins if name not in unproven]
    reason = f"{_version(measured)} is credibly better than the {' and the '.join(better)}."
    if measured["family"] == "linear":
        return f"{reason} It is itself linear and need only beat the constant."
    left = " and the ".join(_told(measured, name) for name in unproven)
    return f"{reason} Neither proven nor disproven against the {left}." if left else reason
