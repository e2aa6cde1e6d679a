"""INFRA-1: whether training twice gives the same model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from checks.contract import Check, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import Declaration
from checks.experiments import TrainingOutcome, TrainingOutcomes


class ReproducibleTraining(Check):
    """Training is reproducible.

    Asked: training twice on the same data gives the same model, or one that no one could tell apart; else neither a
    change of the code nor one of the data can be judged by its effect.

    Measured: the outcomes of two trainings from one commit, one data set and one configuration, the newest two that
    are of one. Their predictions are compared on the ids that both have, their metrics by name.

    Formula: it passes when the greatest difference of two predictions is at most `max_prediction_difference` on at
    least `min_predictions` ids, the same in both; or when every metric that either has differs by at most
    `max_metric_difference` of the greater amount. It fails when what can be compared keeps to neither. Two
    trainings that are not of one commit, data set and configuration, or have nothing in common to compare, are
    inconclusive.

    Source: Breck et al. 2017, section IV, test Infra 1. The limits are Assay's interpretation.

    Evidence: two files of the kind `training-outcome`, one a training, both handed in by CI (docs/evidence.md). The
    service itself trains nothing, unless its administrator names a command for the version's pipeline
    (`ASSAY_TRAIN_TWICE`), which is then run twice in isolation where CI handed in no two trainings of one kind.

    Fix: fix every seed (those of libraries and of data shuffling too), sort what comes from sets and folders, pin
    library versions; keep parallel sums in one order, or accept the metric's tolerance.
    """

    id = "INFRA-1"
    thresholds: ClassVar[Thresholds] = {
        "max_prediction_difference": 1e-6,
        "max_metric_difference": 0.001,
        "min_predictions": 100,
    }

    def measure(self, declared: Declaration, trainings: TrainingOutcomes) -> Measurement:
        newer, older = trainings.outcomes
        shared = newer.predictions.keys() & older.predictions.keys()
        return Measurement(
            {
                "runs": [newer.run, older.run],
                "commit": declared.commit or newer.commit,
                "unlike": list(_unlike(newer, older)),
                "environments": _differing(newer.environment, older.environment),
                "predictions": len(shared),
                "unpaired": len(newer.predictions.keys() ^ older.predictions.keys()),
                "uneven": sum(_width(newer.predictions[one]) != _width(older.predictions[one]) for one in shared),
                "prediction_difference": max(
                    (_distance(newer.predictions[one], older.predictions[one]) for one in shared), default=None
                ),
                "metrics": {
                    name: _relative(newer.metrics.get(name), older.metrics.get(name))
                    for name in sorted({*newer.metrics, *older.metrics})
                },
            }
        )

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        told = f"The trainings {' and '.join(measured['runs'])}"
        if measured["unlike"]:
            reason = f"{told} are not of one kind: they differ in {'; '.join(measured['unlike'])}."
            remedy = "Train twice from the same commit, data and configuration, and hand in both outcomes."
            return Judgement(Verdict.INCONCLUSIVE, reason, remedy)
        least, limit = thresholds["min_predictions"], thresholds["max_prediction_difference"]
        alike = not measured["unpaired"] and not measured["uneven"] and measured["predictions"] >= least
        metrics, share = measured["metrics"], thresholds["max_metric_difference"]
        known = {name: one for name, one in metrics.items() if one is not None}
        away = measured["prediction_difference"]
        if alike and away <= limit:
            reason = (
                f"{told} differ by {away:.3g} at most in {measured['predictions']} predictions ({limit:g} allowed)."
            )
            return Judgement(Verdict.PASS, reason)
        if metrics and len(known) == len(metrics) and max(known.values()) <= share:
            worst = max(known, key=lambda name: known[name])
            reason = f"{told} differ by {known[worst]:.3%} at most in a metric, {worst} ({share:.1%} allowed)."
            return Judgement(Verdict.PASS, reason)
        if not alike and not known:
            reason = f"{told} have too little in common: {_poverty(measured, least)}."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Hand in metrics, or predictions of one fixed sample.")
        faults = (
            [f"in {measured['predictions']} predictions by up to {away:.3g}, {limit:g} allowed"] if alike else []
        )
        faults += [f"in {name} by {one:.3%}, {share:.1%} allowed" for name, one in known.items() if one > share]
        faults += [f"in that only one has {name}" for name in metrics if name not in known]
        other = f" Their environments differ, too: {'; '.join(envs)}." if (envs := measured["environments"]) else ""
        remedy = "Fix every seed and pin every library, then train twice again."
        return Judgement(Verdict.FAIL, f"{told} differ {'; '.join(faults)}.{other}", remedy)


def _unlike(newer: TrainingOutcome, older: TrainingOutcome) -> Iterator[str]:
    """What keeps two trainings from being of one kind."""
    if not (newer.commit.startswith(older.commit) or older.commit.startswith(newer.commit)):
        yield f"commit ({newer.commit[:12]}, {older.commit[:12]})"
    if newer.data != older.data:
        yield f"data ({newer.data[:12]}, {older.data[:12]})"
    yield from (f"config.{one}" for one in _differing(newer.config, older.config))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    names = sorted({*one, *other})
    return [
        f"{n} ({one.get(n)}, {other.get(n)})" for n in names if n not in one or n not in other or one[n] != other[n]
    ]


def _numbers(prediction: Any) -> tuple[float, ...]:
    return tuple(prediction) if isinstance(prediction, list | tuple) else (prediction,)


def _width(prediction: Any) -> int:
    return len(_numbers(prediction))


def _distance(one: Any, other: Any) -> float:
    return max(abs(a - b) for a, b in zip(_numbers(one), _numbers(other), strict=False))


def _relative(one: float | None, other: float | None) -> float | None:
    """Rounded where only the writing of a decimal differs; None where one of the two is not there."""
    if one is None or other is None:
        return None
    return round(abs(one - other) / max(abs(one), abs(other)), 12) if one != other else 0.0


def _poverty(measured: Measured, least: int) -> str:
    found = measured["predictions"]
    if measured["unpaired"]:
        return f"{measured['unpaired']} ids are in one of them only, and no metric is in both"
    if measured["uneven"]:
        return f"{measured['uneven']} predictions have another number of classes, and no metric is in both"
    return f"{found} predictions where {least} are needed, and no metric in both"
