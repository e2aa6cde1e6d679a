"""INFRA-6: whether the version was tried where it will serve, before all depended on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from checks.canaries import CanaryTraffic, ServedHoldout
from checks.contract import CONFIDENCE, Check, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import Declaration, HoldoutPredictions, Task
from checks.methods.ratios import more_failures, quantile_ratio, share
from checks.serving import Moment

if TYPE_CHECKING:
    import numpy as np

SECONDS_A_DAY = 86_400


class Canary(Check):
    """Models are canaried before serving.

    Asked: a model that trains well may still not load or not answer where it serves; so it is loaded there and
    given a small part of the traffic first.

    Measured: the test data (10,000 seeded rows at most) sent as requests to the model in a process like the
    gateway's, and how many rows are answered as offline: the same label, probabilities within
    `probability_tolerance`; in regression the same value within the relative `value_tolerance`. Of the version's
    time as canary in the audit's environment: the requests that the gateway took for it, those without an answer,
    and the latencies, beside those of what was stable there at the same time.

    Formula: fails when the runtime cannot load the model or fewer than `min_alike` of the rows are answered alike;
    when the canary left credibly more requests unanswered than the stable version (Fisher's exact test, one-sided
    at 2.5 %; Newcombe's interval is shown) or, where nothing was stable, the exact interval (Clopper and Pearson)
    of its share lies above `max_error_share`; when the 95 % bootstrap interval of the ratio of the 95th
    percentiles of latency lies above `max_latency_ratio`. Inconclusive: no canary, one that ended more than
    `max_age_days` ago, fewer than `min_requests` to it or to the stable version beside it, or neither `min_share`
    of the requests of its time nor `enough_requests`.

    Source: Breck et al. 2017, section IV, test Infra 6; Fisher 1935; Newcombe 1998; Efron 1979. The limits are
    Assay's.

    Evidence: the model and its test data; a deployment in the role canary that the gateway served. A canary is
    asked by its version, at /v2/models/MODEL/versions/VERSION/infer, and gets all traffic while nothing is stable.

    Fix: rows that differ or are refused: compare the signature with what the pipeline hands to the model, and ask
    the gateway for one such row. Errors and latency: read the gateway's log, and keep the stable version.
    """

    id = "INFRA-6"
    thresholds: ClassVar[Thresholds] = {
        "min_rows": 100,
        "min_alike": 0.999,
        "probability_tolerance": 1e-5,
        "value_tolerance": 1e-5,
        "max_age_days": 30,
        "min_requests": 100,
        "min_share": 0.05,
        "enough_requests": 1000,
        "max_error_share": 0.01,
        "max_latency_ratio": 1.2,
    }

    def measure(
        self,
        declared: Declaration,
        offline: HoldoutPredictions,
        served: ServedHoldout,
        moment: Moment,
        canary: CanaryTraffic | None,
    ) -> Measurement:
        runtime = {
            "rows": len(served.asked),
            "refused": len(served.asked) - len(served.answered),
            "alike": _alike(declared, offline, served, self.thresholds),
            "problem": served.problem,
        }
        return Measurement({"runtime": runtime, "canary": _traffic(canary, moment) if canary else None})

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        runtime, canary = measured["runtime"], measured["canary"]
        lacking = _lacking(runtime, canary, thresholds)
        faults = _runtime_faults(runtime, thresholds)
        if canary and _is_judged(canary, thresholds):
            faults += _traffic_faults(canary, thresholds)
        if faults:
            remedy = "Do not promote it: ask the gateway for such a request, read its log, mend the version."
            return Judgement(Verdict.FAIL, f"{'; '.join(faults)}.", remedy)
        if lacking:
            remedy = "Deploy the version in the role canary, send it requests, and audit with --environment."
            return Judgement(Verdict.INCONCLUSIVE, f"{lacking}.", remedy)
        alike = f"{runtime['alike']} of {runtime['rows']} rows are served as predicted offline"
        return Judgement(Verdict.PASS, f"{alike}; {_told(canary)}.")


# --- measuring ----------------------------------------------------------------------------------


def _alike(
    declared: Declaration, offline: HoldoutPredictions, served: ServedHoldout, tolerances: Thresholds
) -> int:
    """How many answered rows are as offline."""
    import numpy as np

    made = served.predictions
    if made is None:
        return 0
    label = np.asarray(offline.label)[served.answered]
    if declared.task is Task.REGRESSION:
        return int(np.isclose(made.label, label, rtol=tolerances["value_tolerance"], atol=0).sum())
    same = np.array([a == b for a, b in zip(made.label.tolist(), label.tolist(), strict=True)], dtype=bool)
    if offline.proba is not None:
        same &= _close(offline, made.proba, made.classes, served.answered, tolerances["probability_tolerance"])
    return int(same.sum())


def _close(
    offline: HoldoutPredictions, proba: np.ndarray | None, classes: tuple[Any, ...], rows: np.ndarray, most: float
) -> np.ndarray:
    """(m,) rows with the same probabilities; of other classes none has."""
    import numpy as np

    if proba is None or offline.proba is None:
        return np.zeros(len(rows), dtype=bool)
    if np.asarray(classes).tolist() != np.asarray(offline.classes).tolist():
        return np.zeros(len(rows), dtype=bool)
    near: np.ndarray = (np.abs(proba - offline.proba[rows]) <= most).all(axis=1)
    return near


def _traffic(traffic: CanaryTraffic, moment: Moment) -> dict[str, Any]:
    canary, stable = traffic.canary, traffic.stable
    everything = canary.requests + (stable.requests if stable else 0)
    own, beside = (canary.errors, canary.requests), (stable.errors, stable.requests) if stable else (0, 0)
    return {
        "environment": traffic.environment,
        "age_days": (moment.at - traffic.end).total_seconds() / SECONDS_A_DAY,
        "requests": canary.requests,
        "errors": canary.errors,
        "share": canary.requests / everything if everything else None,
        "stable": {"requests": stable.requests, "errors": stable.errors} if stable else None,
        "error_share": share(*own) if canary.requests else None,
        "more_errors": more_failures(own, beside) if canary.requests and beside[1] else None,
        "latency_p95_ms": quantile_ratio(canary.latency_ms, stable.latency_ms, 0.95) if stable else None,
    }


# --- judging ------------------------------------------------------------------------------------


def _is_judged(canary: Measured, thresholds: Thresholds) -> bool:
    if canary["age_days"] > thresholds["max_age_days"]:
        return False
    return bool(canary["requests"] >= thresholds["min_requests"])


def _runtime_faults(runtime: Measured, thresholds: Thresholds) -> list[str]:
    if runtime["problem"]:
        return [f"The serving runtime does not serve the version: {runtime['problem']}"]
    if runtime["rows"] < thresholds["min_rows"] or runtime["alike"] >= thresholds["min_alike"] * runtime["rows"]:
        return []
    refused = f", {runtime['refused']} are refused" if runtime["refused"] else ""
    needed = f"{thresholds['min_alike']:.1%} are needed"
    return [f"{runtime['alike']} of {runtime['rows']} rows are served as predicted offline{refused}; {needed}"]


def _traffic_faults(canary: Measured, thresholds: Thresholds) -> list[str]:
    found = []
    more, own, latency = canary["more_errors"], canary["error_share"], canary["latency_p95_ms"]
    unanswered = f"{canary['errors']} of {canary['requests']} requests to the canary got no answer"
    if more and more["p"] <= (1 - CONFIDENCE) / 2:
        stable = f"{canary['stable']['errors']} of {canary['stable']['requests']} to the stable version"
        found.append(f"{unanswered}, where {stable} did (p = {more['p']:.2g})")
    if canary["stable"] is None and own["low"] > thresholds["max_error_share"]:
        found.append(
            f"{unanswered} (95 % interval from {own['low']:.1%}; {thresholds['max_error_share']:.1%} is allowed)"
        )
    if _compared(latency, thresholds) and latency["low"] > thresholds["max_latency_ratio"]:
        found.append(f"{_latency(latency)}; {thresholds['max_latency_ratio']:g} x is allowed")
    return found


def _compared(latency: Measured | None, thresholds: Thresholds) -> bool:
    return (
        latency is not None
        and latency["ratio"] is not None
        and min(latency["n"], latency["previous_n"]) >= thresholds["min_requests"]
    )


def _lacking(runtime: Measured, canary: Measured | None, thresholds: Thresholds) -> str:
    """What is not there yet; "" when nothing is missing."""
    if runtime["rows"] < thresholds["min_rows"]:
        return f"The test data has {runtime['rows']} rows; {thresholds['min_rows']} are needed"
    if canary is None:
        return "The version was no canary in the audit's environment in the last 90 days"
    where, least = f"as canary in {canary['environment']}", thresholds["min_requests"]
    if canary["age_days"] > thresholds["max_age_days"]:
        return (
            f"Its time {where} ended {canary['age_days']:.1f} days ago; {thresholds['max_age_days']:g} are allowed"
        )
    if canary["requests"] < least:
        return f"The gateway took {canary['requests']} requests for it {where}; {least} are needed"
    if canary["stable"] and canary["stable"]["requests"] < least:
        beside = canary["stable"]["requests"]
        return f"The stable version beside it took {beside} requests; {least} are needed to compare"
    if canary["share"] < thresholds["min_share"] and canary["requests"] < thresholds["enough_requests"]:
        needed = f"{thresholds['min_share']:.0%}, or {thresholds['enough_requests']} requests, are needed"
        return f"It got {canary['share']:.1%} of the requests of its time {where} ({canary['requests']}); {needed}"
    if canary["stable"] and not _compared(canary["latency_p95_ms"], thresholds):
        return f"Latencies of {least} requests {where} and of the stable version are needed"
    return ""


def _told(canary: Measured) -> str:
    part = f"the canary in {canary['environment']} got {canary['share']:.1%} of the requests of its time"
    failed = f"{canary['errors']} of {canary['requests']} without an answer"
    if canary["stable"] is None:
        return f"{part}, {failed}; nothing was stable, so neither is compared"
    stable = f"{canary['stable']['errors']} of {canary['stable']['requests']}"
    return f"{part}, {failed}, where the stable version left {stable}; {_latency(canary['latency_p95_ms'])}"


def _latency(one: Measured) -> str:
    interval = f"{one['ratio']:.2f} x, 95 % interval {one['low']:.2f} to {one['high']:.2f}"
    against = f"{one['value']:.4g} ms against {one['previous_value']:.4g} ms"
    return f"the 95th percentile of latency is {against} ({interval})"
