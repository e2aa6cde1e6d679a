"""MODEL-2: whether what looks better in test data turns out better in service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from checks.contract import (
    CONFIDENCE,
    SEED,
    Check,
    Exhibit,
    Judgement,
    Measured,
    Measurement,
    Missing,
    Thresholds,
    Verdict,
)
from checks.evidence import Declaration, Predictions
from checks.methods.metrics import unsigned
from checks.methods.plots import scatter_plot
from checks.methods.resampling import resampled
from checks.serving import OfflineOnline, ServedVersion

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 200
PERMUTATIONS = 50_000


class OfflineOnlineCorrelation(Check):
    """Offline and online metrics correlate.

    Asked: the metric that models are chosen by offline moves together with what they achieve in service; this is
    measured with models of different quality, made worse on purpose if need be.

    Measured: one pair a version that was served in the environment in the last 180 days: the declared metric on
    its own test data, and the same metric on its newest labelled traffic (stable, canary or shadow; at most 10,000
    rows each). A version counts once, however long it served: its windows are no independent experiments. Where
    fewer than `min_pairs` versions can be scored, the pairs of a handed-in experiment instead.

    Formula: Spearman's rank correlation and the one-sided permutation test of "it is not above 0": all orders up
    to 8 pairs, 50,000 seeded ones from 9 on. Both figures carry the same sign, so agreement is positive for losses
    too. Whether versions differ at all: Cochran's Q with bootstrap standard errors, offline and online.

    - Pass: the test rejects at `level`.
    - Fail: it does not, and the versions do differ by more than chance, offline and online.
    - Inconclusive: fewer than `min_pairs` pairs of `min_rows` rows each; or versions so alike that their order is
      chance.

    Source: Breck et al. 2017, section III, test Model 2; Spearman 1904; Phipson and Smyth 2010 (p-values of random
    permutations); Cochran 1954. The limits are Assay's.

    Evidence: an environment with labelled traffic of several versions, shadows among them; or CSV of the kind
    `metric-pairs` (columns name, offline, online, rows; one line an experiment, both figures scores or both losses)
    from A/B tests or planted degradations, worth half a point at most. The finding keeps table and plot.

    Fix: serve weakened copies in the shadow to have more pairs. Where quality does not carry over, look for what
    the test data lacks (MON-2, MON-3), and choose by another metric.
    """

    id = "MODEL-2"
    thresholds: ClassVar[Thresholds] = {"min_pairs": 8, "min_rows": 100, "level": 1 - CONFIDENCE}

    def measure(self, declared: Declaration, found: OfflineOnline) -> Measurement:
        pairs, skipped = _pairs(declared, found, self.thresholds["min_rows"])
        values: dict[str, Any] = {
            "metric": "metric" if found.pairs else declared.metric,
            "source": "handed-in experiments" if found.pairs else "served versions",
            "pairs": pairs,
            "skipped": skipped,
            "spearman": None,
            "p_value": None,
            "alike": {side: _alike(pairs, side) for side in ("offline", "online")},
        }
        if len(pairs) >= self.thresholds["min_pairs"]:
            values["spearman"], values["p_value"] = _correlation(
                [pair["offline"] for pair in pairs], [pair["online"] for pair in pairs]
            )
        header = ("name", "offline", "offline_error", "online", "online_error", "rows")
        table = Exhibit.table("offline-online.csv", header, [[pair[key] for key in header] for pair in pairs])
        points = [(pair["name"], pair["offline"], pair["online"]) for pair in pairs]
        if not points:
            return Measurement(values)
        plot = scatter_plot("offline-online.svg", f"{values['metric']}: online (up) against offline", points)
        return Measurement(values, (table, plot))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        count, source = len(measured["pairs"]), measured["source"]
        skipped = f" Left out: {'; '.join(measured['skipped'])}." if measured["skipped"] else ""
        if count < thresholds["min_pairs"]:
            reason = f"{count} pairs of {source}; {thresholds['min_pairs']} are needed.{skipped}"
            return Judgement(
                Verdict.INCONCLUSIVE, reason, "Label the traffic of more versions, or plant degradations."
            )
        if measured["spearman"] is None:
            reason = f"The figures of all {count} {source} are the same, offline or online.{skipped}"
            return Judgement(Verdict.INCONCLUSIVE, reason, "Serve versions made worse on purpose in the shadow.")
        told = (
            f"Over {count} {source} Spearman's correlation of the {measured['metric']} offline and online is "
            f"{measured['spearman']:.2f} (one-sided p = {measured['p_value']:.3g})"
        )
        if measured["p_value"] <= thresholds["level"] and measured["spearman"] > 0:
            return Judgement(Verdict.PASS, f"{told}.{skipped}")
        alike = [side for side, p in measured["alike"].items() if p is not None and p > thresholds["level"]]
        if alike:
            reason = f"{told}; but {' and '.join(alike)} they differ by no more than chance.{skipped}"
            return Judgement(Verdict.INCONCLUSIVE, reason, "Serve versions made worse on purpose in the shadow.")
        reason = f"{told}: what is better offline is not shown to be better online.{skipped}"
        remedy = "Look for what the test data lacks (MON-2, MON-3), and choose versions by another metric."
        return Judgement(Verdict.FAIL, reason, remedy)


def _pairs(declared: Declaration, found: OfflineOnline, least: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The pairs as plain values, losses as losses; and which were left out, and why."""
    pairs, skipped = list[dict[str, Any]](), list(found.skipped)
    for pair in found.pairs:
        if pair.rows < least:
            skipped.append(f"{pair.name}: {pair.rows} rows, {least} are needed")
            continue
        errors = {"offline_error": None, "online_error": None}
        pairs.append(
            {"name": pair.name, "offline": pair.offline, "online": pair.online, "rows": pair.rows} | errors
        )
    for version in found.versions:
        try:
            pairs.append(_pair(declared, version))
        except Missing as missing:
            skipped.append(f"{version.version}: needs {missing.what}")
    return pairs, skipped


def _pair(declared: Declaration, version: ServedVersion) -> dict[str, Any]:
    values: dict[str, Any] = {"name": version.version, "rows": len(version.online[0])}
    sides: tuple[tuple[str, tuple[np.ndarray, Predictions]], ...] = (
        ("offline", version.offline),
        ("online", version.online),
    )
    for side, (truth, predicted) in sides:
        score = resampled(declared, truth, predicted, RESAMPLES)
        score.interval()  # Missing where the metric is undefined
        values[side] = unsigned(declared.metric, score.estimate)
        values[f"{side}_error"] = score.standard_error()
    return values


def _correlation(offline: Sequence[float], online: Sequence[float]) -> tuple[float | None, float | None]:
    """Spearman's correlation and its one-sided p-value; None where one side is all the same."""
    import math
    from itertools import permutations

    import numpy as np
    from scipy.stats import rankdata

    x, y = (rankdata(values) - (len(values) + 1) / 2 for values in (offline, online))
    scale = float(np.sqrt((x @ x) * (y @ y)))
    if scale == 0:
        return None, None
    if exact := math.factorial(len(x)) <= PERMUTATIONS:
        shuffled = np.array(list(permutations(x)))
    else:
        shuffled = np.random.default_rng(SEED).permuted(np.tile(x, (PERMUTATIONS, 1)), axis=1)
    reached = int((shuffled @ y >= x @ y - 1e-9).sum())
    p_value = reached / len(shuffled) if exact else (reached + 1) / (len(shuffled) + 1)
    return float(x @ y) / scale, p_value


def _alike(pairs: Sequence[dict[str, Any]], side: str) -> float | None:
    """The p-value of Cochran's Q: that all figures of a side are one, but for chance. None without their errors."""
    import numpy as np
    from scipy.stats import chi2

    errors = [pair[f"{side}_error"] for pair in pairs]
    if len(pairs) < 2 or not all(errors):  # also where an error is 0
        return None
    values, weights = np.array([pair[side] for pair in pairs]), 1 / np.square(errors)
    q = float((weights * (values - np.average(values, weights=weights)) ** 2).sum())
    return float(chi2.sf(q, len(pairs) - 1))
