"""MON-6: whether a version costs more time and memory than the one before it, and whether it creeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from checks.contract import CONFIDENCE, Check, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.methods.ratios import quantile_ratio
from checks.operation import Performance, PerformanceHistory

if TYPE_CHECKING:
    import numpy as np

QUANTITIES = {
    "latency_p95_ms": "95th percentile of latency (ms)",
    "training_seconds": "median training time (s)",
    "training_memory_mb": "median training memory (MB)",
}


class ComputingPerformance(Check):
    """Computing performance has not regressed.

    Asked: training speed, serving latency, throughput and memory do not get worse, neither at once from one version
    to the next nor slowly.

    Measured: the 95th percentile of the latencies of this version's predictions in the window and of the version's
    that took stable traffic before it; training seconds and memory that CI handed in for both; answers a second in
    the busiest minute (shown, not judged: it follows demand); the trend of the daily 95th percentile over 14 days.

    Formula: each quantity is this version's over the previous one's, with a 95 % percentile bootstrap interval of
    the ratio. It fails when an interval lies wholly above `max_ratio`. The trend is Theil's and Sen's median
    of the slopes between all pairs of days, times 14, over the median day; it fails above `max_trend` where the
    interval of the slope (Sen's, by Kendall's variance) is wholly above it as well. Fewer than `min_latencies`
    of either version, `min_runs` training runs or `min_days` days: that part is not judged. Nothing judged:
    inconclusive; a ratio whose interval contains the limit passes with a note.

    Source: Breck et al. 2017, section V, test Monitor 6; Efron 1979; Theil 1950; Sen 1968. The limits are Assay's.

    Evidence: predictions logged with their latency, by the gateway or `assay predictions push`; evidence of the
    kind `training-run`, JSON {"seconds": ..., "memory_mb": ...}, one file a run.

    Fix: profile the version beside the previous one; look at model size, added features, and the machine itself.
    """

    id = "MON-6"
    thresholds: ClassVar[Thresholds] = {
        "max_ratio": 1.2,
        "max_trend": 0.10,
        "min_latencies": 200,
        "min_runs": 3,
        "min_days": 7,
    }

    def measure(self, history: PerformanceHistory) -> Measurement:
        current, previous = history.current, history.previous
        values = {
            "version": current.version,
            "previous": previous.version if previous else None,
            "quantities": _quantities(current, previous),
            "per_second": {"current": current.per_second, "previous": previous.per_second if previous else None},
            "trend": _trend(history.daily_p95_ms),
        }
        return Measurement(values)

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        judged = {name: one for name, one in measured["quantities"].items() if _enough(name, one, thresholds)}
        trend = measured["trend"]
        has_trend = trend["days"] >= thresholds["min_days"] and trend["growth"] is not None
        limit = thresholds["max_ratio"]
        faults = [_told(name, one, measured) for name, one in judged.items() if one["low"] > limit]
        if has_trend and trend["growth"] > thresholds["max_trend"] and trend["low"] > thresholds["max_trend"]:
            faults.append(f"the daily 95th percentile of latency grew by {trend['growth']:.0%} in 14 days")
        if faults:
            remedy = "Profile this version beside the previous one: model size, added features, the machine."
            return Judgement(Verdict.FAIL, f"{'; '.join(faults)}; {limit:g} x is allowed.", remedy)
        if not judged and not has_trend:
            return Judgement(Verdict.INCONCLUSIVE, _too_little(measured, thresholds), _more(measured))
        told = [_told(name, one, measured) for name, one in judged.items()]
        told += [f"the trend over {trend['days']} days is {trend['growth']:+.0%} in 14 days"] if has_trend else []
        open_ones = [QUANTITIES[name] for name, one in judged.items() if one["high"] > limit]
        note = f" Not proven to keep to {limit:g} x: {', '.join(open_ones)}." if open_ones else ""
        return Judgement(Verdict.PASS, f"{'; '.join(told)}.{note}")


def _quantities(current: Performance, previous: Performance | None) -> dict[str, dict[str, Any]]:
    import numpy as np

    empty = np.array([])
    found = {}
    for name in QUANTITIES:
        new = _values(current, name)
        old = _values(previous, name) if previous else empty
        found[name] = quantile_ratio(new, old, 0.95 if name == "latency_p95_ms" else 0.5)
    return found


def _values(one: Performance, name: str) -> np.ndarray:
    import numpy as np

    if name == "latency_p95_ms":
        values = np.array([]) if one.latency_ms is None else np.asarray(one.latency_ms, dtype=float)
        values = values[np.isfinite(values)]
    else:
        values = np.asarray(getattr(one, name), dtype=float)
    return values


def _trend(daily: Mapping[str, float]) -> dict[str, Any]:
    """Growth in 14 days as a share of the median day, with Sen's interval; None under three days."""
    from datetime import date

    import numpy as np

    days = sorted(daily)
    none = {"days": len(days), "growth": None, "low": None, "high": None}
    if len(days) < 3:
        return none
    from scipy.stats import theilslopes

    values = np.array([daily[day] for day in days])
    if np.median(values) <= 0:
        return none
    at = np.array([date.fromisoformat(day).toordinal() for day in days], dtype=float)
    slope, _, low, high = theilslopes(values, at, CONFIDENCE)
    growth, low, high = (float(one * 14 / np.median(values)) for one in (slope, low, high))
    finite = all(np.isfinite([growth, low, high]))
    return {"days": len(days), "growth": growth, "low": low, "high": high} if finite else none


def _enough(name: str, one: Mapping[str, Any], thresholds: Thresholds) -> bool:
    least = thresholds["min_latencies" if name == "latency_p95_ms" else "min_runs"]
    return one["ratio"] is not None and min(one["n"], one["previous_n"]) >= least


def _told(name: str, one: Mapping[str, Any], measured: Measured) -> str:
    against = f"{one['value']:.4g} against {one['previous_value']:.4g} of {measured['previous']}"
    interval = f"{one['ratio']:.2f} x, 95 % interval {one['low']:.2f} to {one['high']:.2f}"
    return f"the {QUANTITIES[name]} is {against} ({interval})"


def _too_little(measured: Measured, thresholds: Thresholds) -> str:
    if measured["previous"] is None:
        before = "No earlier version took stable traffic here"
    else:
        latency = measured["quantities"]["latency_p95_ms"]
        before = f"There are {latency['n']} latencies of this version, {latency['previous_n']} of the previous"
    asked: Sequence[str] = (
        f"{thresholds['min_latencies']} of each",
        f"{thresholds['min_runs']} training runs of each",
        f"{thresholds['min_days']} days with traffic ({measured['trend']['days']} are there)",
    )
    return f"{before}; needed are {', or '.join(asked)}."


def _more(measured: Measured) -> str:
    hint = "" if measured["previous"] else " There is nothing to compare the first version with but its own trend."
    return f"Serve through the gateway, push logs with latency_ms, or hand in training runs.{hint}"
