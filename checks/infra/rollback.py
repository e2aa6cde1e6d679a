"""INFRA-7: whether the way back is known to work, because it was gone."""

from __future__ import annotations

from typing import Any, ClassVar

from checks.contract import Check, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.operation import RollbackDrills
from checks.serving import Moment

SECONDS_A_DAY = 86_400


class Rollback(Check):
    """Serving models can be rolled back.

    Asked: a model that turns out badly can be taken back quickly, and people have practised it.

    Measured: the newest rollback drill of the model: from the stable version to the last known good one and back by
    the code of real rollbacks, while requests keep coming. Its age, the seconds of each half until the
    other version answers, how many requests were sent and how many of them failed.

    Formula: passes when the newest drill is at most `max_age_days` old, each half took at most `max_seconds`,
    at least `min_requests` were sent and at most `max_failed_requests` failed. Fails when a half did not end or
    took longer, or more requests failed. Fewer requests, an older drill or none: inconclusive.

    Source: Breck et al. 2017, section IV, test Infra 7. The limits are Assay's.

    Evidence: `assay rollback MODEL --environment staging --drill`, by CI on a schedule.

    Fix: read the drill's error; a half that is slow is most often a model that loads slowly.
    """

    id = "INFRA-7"
    thresholds: ClassVar[Thresholds] = {
        "max_age_days": 30,
        "max_seconds": 60.0,
        "max_failed_requests": 0,
        "min_requests": 10,
    }

    def measure(self, moment: Moment, drills: RollbackDrills) -> Measurement:
        newest = max(drills.drills, key=lambda drill: drill.started_at)
        values: dict[str, Any] = {
            "age_days": (moment.at - newest.started_at).total_seconds() / SECONDS_A_DAY,
            "environment": newest.environment,
            "there": newest.there,
            "back": newest.back,
            "there_seconds": newest.there_seconds,
            "back_seconds": newest.back_seconds,
            "requests": newest.requests,
            "failed_requests": newest.failed_requests,
            "error": newest.error,
            "drills": len(drills.drills),
        }
        return Measurement(values)

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        told = (
            f"The newest drill ({measured['environment']}, {measured['back']} to {measured['there']}, "
            f"{measured['age_days']:.1f} days ago)"
        )
        command = f"Run a drill: assay rollback MODEL --environment {measured['environment']} --drill."
        if measured["age_days"] > thresholds["max_age_days"]:
            reason = f"{told} is older than {thresholds['max_age_days']:g} days."
            return Judgement(Verdict.INCONCLUSIVE, reason, command)
        if faults := _faults(measured, thresholds):
            error = f" It said: {measured['error']}" if measured["error"] else ""
            remedy = "Find out why before the next release, then run another drill."
            return Judgement(Verdict.FAIL, f"{told}: {'; '.join(faults)}.{error}", remedy)
        if measured["requests"] < thresholds["min_requests"]:
            reason = f"{told} sent {measured['requests']} requests; {thresholds['min_requests']} are needed."
            return Judgement(Verdict.INCONCLUSIVE, reason, command)
        times = f"there in {measured['there_seconds']:.1f} s, back in {measured['back_seconds']:.1f} s"
        lost = f"{measured['failed_requests']} of {measured['requests']} requests failed"
        return Judgement(Verdict.PASS, f"{told} went {times}; {lost}.")


def _faults(measured: Measured, thresholds: Thresholds) -> list[str]:
    found = []
    for half in ("there", "back"):
        seconds = measured[f"{half}_seconds"]
        if seconds is None:
            found.append(f"the way {half} did not end")
        elif seconds > thresholds["max_seconds"]:
            found.append(f"the way {half} took {seconds:.1f} s, where {thresholds['max_seconds']:g} s are allowed")
    if measured["failed_requests"] > thresholds["max_failed_requests"]:
        found.append(f"{measured['failed_requests']} of {measured['requests']} requests failed")
    return found
