"""DATA-2: what every cluster of features adds to quality on the test data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import Acceptances
from checks.methods.acceptance import accepted, told_accepted
from checks.methods.importance import FeatureGains, highest_gains, told
from checks.methods.metrics import corrected_lower_bounds
from checks.methods.plots import interval_plot

MOST_TOLD = 5
Z = 1.96


class FeatureBenefit(Check):
    """All features are beneficial.

    Asked: every feature adds to the model's quality; one that adds nothing still costs and can still break.

    Measured: how much of the declared quality on the test data is lost when the values of a feature are permuted
    over the rows. Features that stand in for each other (association of at least 0.8, directly or through
    others: Spearman's correlation, correlation ratio of ranks, Cramer's V) are permuted together as one cluster,
    because each alone would seem useless. At most 10,000 labelled rows; 10 permutations up to 3,000 rows, at
    least 3 beyond; seeded.

    Formula: gain of a cluster = quality - mean quality when permuted; for mae and rmse in standard deviations of
    the label, otherwise in the metric's own points. Its variance is that over 200 paired resamples of the rows,
    each with its permuted values. Metrics that count labels move in steps, so while
    any output changes their standard error is at least one row of the smallest class. The test fails for a
    cluster whose upper bound is at most ``min_gain``, and for one that harms (upper bound below 0); 95 %, normal
    approximation, Benjamini-Hochberg over the clusters whose gain is estimated below the limit (Ellis et al.
    2020; of a single one that is the end of its two-sided interval). A gain neither proven nor excluded passes and
    is noted. Below ``min_rows`` rows, or when no cluster's gain can be told from nothing, the test is inconclusive.

    Source: Breck et al. 2017, section II, test Data 2; permutation importance: Breiman, "Random Forests", 2001.
    The smallest useful gain of 0.001 is Assay's interpretation.

    Evidence: the model's artifact, and the data set ``test`` with all features and the label. Where a model
    gives no class probabilities, balanced_accuracy takes the place of roc_auc and log_loss. The finding keeps a
    table and a plot. A useless cluster whose features two people accept (``assay accept request MODEL DATA-2
    --subject FEATURE --reason WHY``; docs/policy.md) is named and fails nothing; harm is never accepted.

    Fix: take the cluster out, retrain, compare on the same test data, and leave it out if nothing is lost. A
    cluster that harms was probably learned by heart: look for leakage, or values whose meaning changed.
    """

    id = "DATA-2"
    thresholds: ClassVar[Thresholds] = {"min_gain": 0.001, "min_rows": 100}

    def measure(self, gains: FeatureGains, acceptances: Acceptances | None = None) -> Measurement:
        clusters = [asdict(benefit) for benefit in gains.clusters]
        values = {
            "rows": len(gains.frame),
            "metric": gains.metric,
            "clusters": clusters,
            "accepted": acceptances.of(self.id) if acceptances else {},
        }
        return Measurement(values, _exhibits(gains.metric, clusters))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        rows, clusters = measured["rows"], measured["clusters"]
        if rows < thresholds["min_rows"]:
            reason = f"The test data has {rows} labelled rows; {thresholds['min_rows']} are needed."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
        until = measured.get("accepted", {})
        faults, useless = _faults(clusters, thresholds["min_gain"], until)
        if faults:
            more = f"; and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
            named = f"{'; '.join(faults[:MOST_TOLD])}{more}"
            reason = f"{len(faults)} of {len(clusters)} clusters add nothing to {measured['metric']}: {named}."
            return Judgement(Verdict.FAIL, reason, "Retrain without them and compare on the same test data.")
        bounds = corrected_lower_bounds([(c["gain"], c["error"]) for c in clusters], 0)
        gaining = sum(bound > 0 for bound in bounds)
        if not gaining:
            reason = f"On {rows} rows the gain of none of {len(clusters)} clusters can be told from nothing."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
        unproven = [
            told(one["features"])
            for one, bound in zip(clusters, bounds, strict=True)
            if bound <= 0 and one["features"][0] not in useless
        ]
        reason = f"{gaining} of {len(clusters)} clusters credibly add to {measured['metric']}, "
        reason += f"none{' else' if useless else ''} is proven useless."
        reason += f" Neither proven nor excluded on {rows} rows: {'; '.join(unproven)}." if unproven else ""
        return Judgement(Verdict.PASS, reason + told_accepted(useless, until))


def _faults(
    clusters: Sequence[dict[str, Any]], least: float, until: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """What is told of clusters at fault, and the useless features that are accepted; harm never is."""
    gains = [(c["gain"], c["error"]) for c in clusters]
    faults: list[str] = []
    useless: list[str] = []
    for cluster, high, highest in zip(clusters, highest_gains(gains, least), highest_gains(gains, 0), strict=True):
        if highest < 0:
            faults.append(f"{told(cluster['features'])} credibly harms (gain {cluster['gain']:.4f})")
        elif high <= least and accepted(cluster["features"], until):
            useless += cluster["features"]
        elif high <= least:
            faults.append(f"{told(cluster['features'])} (gain at most {high:.4f}, smallest useful gain {least:g})")
    return faults, useless


def _exhibits(metric: str, clusters: Sequence[dict[str, Any]]) -> tuple[Exhibit, ...]:
    header = ("features", "gain", "standard error", "low", "high", "outputs moved")
    lines = [(c, c["gain"] - Z * c["error"], c["gain"] + Z * c["error"]) for c in clusters]
    table = [(" + ".join(c["features"]), c["gain"], c["error"], low, high, c["moved"]) for c, low, high in lines]
    plot = [(told(c["features"]), low, c["gain"], high) for c, low, high in lines]
    title = f"Loss of {metric} when permuted, 95 % interval"
    return Exhibit.table("feature-benefit.csv", header, table), interval_plot("feature-benefit.svg", title, plot)
