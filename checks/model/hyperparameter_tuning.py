"""MODEL-3: whether a search stands behind the values that were chosen."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration
from checks.experiments import Parameter, Trial, Trials

TRIED = ("complete", "pruned")


class HyperparameterTuning(Check):
    """All hyperparameters have been tuned.

    Asked: the choices that training leaves open, such as learning rates, sizes and depths, are tuned by a search
    and not by habit, since they change quality and one cannot know in advance how much.

    Measured: the trials of a search, as MLflow, Optuna or the search itself recorded them, against the values that
    the manifest declares under `version.tunables`. A trial counts when it is complete or was pruned (stopped early
    for doing worse); failed and running ones do not, nor does one that repeats all parameters of another. Best and
    chosen are complete trials: the best of all, and the best that tried the version's own values.

    Formula: it fails

    - below `min_trials` trials;
    - for a tunable of which fewer than two values were tried;
    - where the search says that other values were chosen, or no complete trial tried the version's;
    - when |best - chosen| > `max_gap` x |best|;
    - for a number chosen at the edge of an open-ended range: less than `edge_share` of the range from its end
      (in the logarithm where the search was), with nothing tried beyond, unless that end is the parameter's
      natural limit. The range is the one searched, or spans what was tried where the tool does not say.

    Source: Breck et al. 2017, section III, test Model 3. Number, gap and edge are Assay's interpretation.

    Evidence: `version.tunables` in the manifest; the kind `trials`, by `assay evidence collect mlflow` or
    `assay evidence collect optuna`, or as JSON of your own (docs/evidence.md).

    Fix: search what was never varied; widen the range beyond the edge and search on, or name the natural limit
    (`--limit subsample=0:1`); register the version with the values that won.
    """

    id = "MODEL-3"
    thresholds: ClassVar[Thresholds] = {"min_trials": 20, "max_gap": 0.01, "edge_share": 0.01}

    def measure(self, declared: Declaration, search: Trials) -> Measurement:
        if not declared.tunables:
            raise Missing("declared hyperparameters", "declare `version.tunables`: each with the value chosen")
        tried = [trial for trial in search.trials if trial.state in TRIED]
        complete = [trial for trial in tried if trial.value is not None and trial.state == "complete"]
        own = [one for one in complete if _agrees(declared.tunables, one.parameters)]
        known = {one.name: one for one in search.parameters}
        values = {
            "tool": search.tool,
            "study": search.study,
            "metric": search.metric,
            "trials": len({json.dumps(dict(one.parameters), sort_keys=True) for one in tried}),
            "recorded": len(search.trials),
            "best": _best(complete, search.direction),
            "chosen": _best(own, search.direction),
            "tunables": [
                _tunable(name, value, [t.parameters[name] for t in tried if name in t.parameters], known.get(name))
                for name, value in declared.tunables.items()
            ],
            "disagreeing": [
                {"name": name, "declared": value, "chosen": search.chosen[name]}
                for name, value in declared.tunables.items()
                if search.chosen and name in search.chosen and not _same(value, search.chosen[name])
            ],
        }
        rows = [(t.id, t.state, t.value, json.dumps(dict(t.parameters), sort_keys=True)) for t in search.trials]
        return Measurement(
            values, (Exhibit.table("trials.csv", ("trial", "state", search.metric, "parameters"), rows),)
        )

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        faults = [*_unsearched(measured, thresholds), *_badly_chosen(measured, thresholds)]
        count, recorded = measured["trials"], measured["recorded"]
        told = f"{count} different trials count of {recorded} in {measured['tool']}'s {measured['study']}"
        if faults:
            remedy = "Search on where the reason points, and register the version with the values that win."
            return Judgement(Verdict.FAIL, f"{told}; {'; '.join(faults)}.", remedy)
        best, chosen = measured["best"], measured["chosen"]
        names = ", ".join(one["name"] for one in measured["tunables"])
        reason = (
            f"{told}; all of {names} were varied; {measured['metric']} {chosen['value']:.6g} of the version's own "
            f"values is within {thresholds['max_gap']:.1%} of the best, {best['value']:.6g}."
        )
        return Judgement(Verdict.PASS, reason)


def _same(one: Any, other: Any) -> bool:
    """Numbers up to rounding, all else as it is written."""
    first, second = _number(one), _number(other)
    if first is not None and second is not None:
        return math.isclose(first, second, rel_tol=1e-9)
    return type(one) is type(other) and bool(one == other)


def _number(value: Any) -> float | None:
    """Also of text, since YAML reads 1e-3 as that."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _agrees(values: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    return all(name in parameters and _same(value, parameters[name]) for name, value in values.items())


def _best(trials: Sequence[Trial], direction: str) -> dict[str, Any] | None:
    """The first of the best."""
    sign = 1 if direction == "maximize" else -1
    best = max(trials, key=lambda one: sign * (one.value or 0.0), default=None)
    return {"trial": best.id, "value": best.value} if best else None


def _tunable(name: str, value: Any, tried: Sequence[Any], known: Parameter | None) -> dict[str, Any]:
    """Where the chosen value lies in the range; ``position`` (0 to 1) is None for what is no number."""
    found = {"name": name, "value": value, "values_tried": len({json.dumps(one) for one in tried})}
    numbers, number = [n for one in tried if (n := _number(one)) is not None], _number(value)
    if number is None or not numbers or len(numbers) < len(tried):
        return found | {"low": None, "high": None, "position": None, "open_low": False, "open_high": False}
    given = known or Parameter(name)
    low = min(numbers) if given.low is None else given.low
    high = max(numbers) if given.high is None else given.high
    return found | {
        "low": low,
        "high": high,
        "position": _position(number, low, high, log=given.log),
        "open_low": (given.least is None or low > given.least) and number <= min(numbers),
        "open_high": (given.most is None or high < given.most) and number >= max(numbers),
    }


def _position(value: float, low: float, high: float, *, log: bool) -> float | None:
    if log and min(value, low, high) > 0:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low) if high > low else None


def _unsearched(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    if measured["trials"] < thresholds["min_trials"]:
        yield f"{thresholds['min_trials']} are asked"
    if still := [one["name"] for one in measured["tunables"] if one["values_tried"] < 2]:
        yield f"never varied: {', '.join(still)}"


def _badly_chosen(measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    for one in measured["disagreeing"]:
        yield f"the manifest declares {one['name']} {one['declared']}, the search chose {one['chosen']}"
    best, chosen = measured["best"], measured["chosen"]
    if chosen is None:
        yield "no complete trial tried the version's own values"
    elif _gap(best, chosen) > thresholds["max_gap"]:
        yield (
            f"{measured['metric']} {chosen['value']:.6g} of the version's own values is more than "
            f"{thresholds['max_gap']:.1%} off the best, {best['value']:.6g} (trial {best['trial']})"
        )
    for one in measured["tunables"]:
        yield from _at_edge(one, thresholds["edge_share"])


def _gap(best: Mapping[str, Any], chosen: Mapping[str, Any]) -> float:
    """Relative to the best, up to rounding; none when they are equal, unbounded from a best of zero."""
    away = abs(best["value"] - chosen["value"])
    if away == 0:
        return 0.0
    return round(away / abs(best["value"]), 12) if best["value"] else math.inf


def _at_edge(tunable: Mapping[str, Any], share: float) -> Iterator[str]:
    position = tunable["position"]
    if position is None:
        return
    ends = (("low", position), ("high", 1 - position))
    for end, distance in ends:
        if tunable[f"open_{end}"] and distance < share:
            told = f"{tunable['name']} {tunable['value']} lies at the {end} end"
            yield f"{told} of {tunable['low']:g} to {tunable['high']:g}, which is open-ended"
