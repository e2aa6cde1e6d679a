"""MON-4: how old what the model knows is, against the age at which that costs."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from checks.contract import Check, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.serving import Moment, RetrainingCadence, StalenessLimit, TrainingPeriod


class ModelAge(Check):
    """Models are not too stale.

    Asked: the age of a model in service is watched, against the age at which staleness is known to cost quality.

    Measured: days from the end of the training data, the last time in its declared time column, to the end of the
    audit's window, else to now. Registering or deploying a model again makes it no younger.

    Formula: it fails above `max_share` times the limit. The limit is the age that MODEL-4's newest conclusive
    finding measured: at which its limit of quality is lost, or up to which none is. Beyond the latter the age is
    unknown territory: inconclusive, unless the declared `retraining_days` are over, too. Where MODEL-4 has found
    nothing yet, the declared `retraining_days` are the limit. Without either, and where the training data ends
    in the future: inconclusive.

    Source: Breck et al. 2017, section V, test Monitor 4.

    Evidence: `columns.time` and `train` data; a finding of MODEL-4; `model.retraining_days`.

    Fix: train on newer data. Without a time column nobody can know the age: add it to the training data.
    """

    id = "MON-4"
    thresholds: ClassVar[Thresholds] = {"max_share": 1.0}

    def measure(
        self,
        moment: Moment,
        trained: TrainingPeriod,
        measured_limit: StalenessLimit | None,
        cadence: RetrainingCadence | None,
    ) -> Measurement:
        limit = measured_limit
        return Measurement(
            {
                "trained_until": trained.end.isoformat(),
                "moment": moment.at.isoformat(),
                "age_days": (moment.at - trained.end) / timedelta(days=1),
                "staleness_days": limit.days if limit else None,
                "staleness_loses": limit.lost if limit else None,
                "staleness_finding": limit.finding_id if limit else None,
                "cadence_days": cadence.days if cadence else None,
            }
        )

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        age, limit = measured["age_days"], measured["staleness_days"]
        cadence, share = measured["cadence_days"], thresholds["max_share"]
        told = f"The training data ends on {measured['trained_until'][:10]}, {age:.1f} days before the audit"
        if age < 0:
            reason = f"The training data ends on {measured['trained_until'][:10]}, after the audit."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Correct the time column of the training data.")
        if limit is None and cadence is None:
            remedy = "Hand in staleness-predictions for MODEL-4, or declare `model.retraining_days`."
            return Judgement(Verdict.INCONCLUSIVE, f"{told}; no limit is known.", remedy)
        days, source = (cadence, "the declared cadence of") if limit is None else (limit, _source(measured))
        if age <= days * share:
            return Judgement(Verdict.PASS, f"{told}, within {source} {days:g} days{_times(share)}.")
        if limit is not None and not measured["staleness_loses"] and not _over(cadence, age, share):
            reason = f"{told}, beyond the {days:g} days up to which MODEL-4 found no loss."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Measure MODEL-4 with older cut-off dates, or retrain.")
        return Judgement(Verdict.FAIL, f"{told}, beyond {source} {days:g} days{_times(share)}.", REMEDY)


REMEDY = "Train on newer data, and deploy that version."


def _source(measured: Measured) -> str:
    kind = "the age at which quality is lost" if measured["staleness_loses"] else "the age up to which none is lost"
    return f"{kind} (MODEL-4, finding {measured['staleness_finding']}),"


def _times(share: float) -> str:
    return "" if share == 1 else f" x {share:g}"


def _over(cadence: float | None, age: float, share: float) -> bool:
    return cadence is not None and age > cadence * share
