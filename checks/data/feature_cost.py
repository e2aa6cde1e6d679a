"""DATA-3: what every cluster of features costs, beside what it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import Acceptances, Declaration, Feature, Predictor
from checks.methods.acceptance import accepted, told_accepted
from checks.methods.costs import computing
from checks.methods.importance import FeatureGains, highest_gains, told
from checks.methods.metrics import corrected_lower_bounds

MOST_TOLD = 5
HEADER = (
    "features",
    "gain",
    "standard error",
    "declared cost",
    "most upstream",
    "bytes",
    "columns",
    "share of time",
)


class FeatureCost(Check):
    """No feature's cost is too much.

    Asked: what a feature costs, in computing and memory when predicting, in systems that it depends on, in money,
    is held against what it adds to the model's quality.

    Measured: of each cluster of features that stand in for each other (as DATA-2), the gain and four costs.
    Declared cost: ``cost`` of its features as a share of that of all. Upstream: the most ``upstream`` systems of
    one of its features. Memory of a prediction: bytes of its cells, and 8 for each column of the preprocessed
    inputs that moves with its values (one that moves with several clusters is divided among them). Time of a
    prediction: how much less computing it takes when the cluster's cells all hold one value (of text one word),
    the median of seven pairs, kept in quarters of the whole so that two audits find the same; where 2,000 rows take
    less than 20 ms it is none.

    A fitted model cannot drop an input: what retraining without the feature would save is not measured.

    Formula: a cluster is costly when its share of the declared cost exceeds ``max_cost_share``, a feature's
    upstream systems ``max_upstream``, its bytes ``max_bytes``, or when its share of the time is ``max_time_share``
    or more. It is gainless when the upper 95 % bound of its gain (normal approximation, corrected as in
    DATA-2) is at most ``min_gain``. Costly and gainless fails. Costly with a gain neither proven nor
    excluded passes and is noted; when that holds of every cluster, or below ``min_rows`` rows, the test is
    inconclusive. So it is where no feature declares a cost or what it depends on: computing alone does not show
    what a feature costs.

    Source: Breck et al. 2017, section II, test Data 3; gains as in DATA-2. At most three upstream systems, a tenth
    of the declared cost, 1,000 bytes and half of the time are Assay's interpretation.

    Evidence: ``cost`` (per prediction, in your currency) and ``upstream`` of features in the manifest, the model's
    artifact, the data set ``test``. The finding keeps a table of all clusters. A cluster whose features two people
    accept (``assay accept request MODEL DATA-3 --subject FEATURE --reason WHY``; docs/policy.md) fails nothing and
    is named.

    Fix: take the cluster out, retrain, compare on the same test data. Where it must stay, cut its cost: fewer
    categories or tokens, a cheaper source, a value computed ahead instead of at each request.
    """

    id = "DATA-3"
    thresholds: ClassVar[Thresholds] = {
        "min_gain": 0.001,
        "max_cost_share": 0.1,
        "max_upstream": 3,
        "max_bytes": 1000,
        "max_time_share": 0.5,
        "min_rows": 100,
    }

    def measure(
        self,
        declared: Declaration,
        gains: FeatureGains,
        predictor: Predictor,
        acceptances: Acceptances | None = None,
    ) -> Measurement:
        features = {feature.name: feature for feature in declared.features}
        texts = [feature.name for feature in declared.features if feature.type == "text"]
        costs, total = computing([one.features for one in gains.clusters], gains.frame, predictor, texts)
        clusters: list[dict[str, Any]] = [
            {"features": one.features, "gain": one.gain, "error": one.error}
            | _declared([features[name] for name in one.features])
            | asdict(cost)
            for one, cost in zip(gains.clusters, costs, strict=True)
        ]
        values = {
            "rows": len(gains.frame),
            "metric": gains.metric,
            "declares": any(one.cost is not None or one.upstream for one in declared.features),
            "cost": sum(one["cost"] for one in clusters),
            "bytes": total,
            "clusters": clusters,
            "accepted": acceptances.of(self.id) if acceptances else {},
        }
        lines = ([" + ".join(one["features"]), *list(one.values())[1:]] for one in clusters)
        return Measurement(values, (Exhibit.table("feature-cost.csv", HEADER, lines),))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        rows, clusters = measured["rows"], measured["clusters"]
        if rows < thresholds["min_rows"]:
            reason = f"The test data has {rows} labelled rows; {thresholds['min_rows']} are needed."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
        gains = [(one["gain"], one["error"]) for one in clusters]
        high = highest_gains(gains, thresholds["min_gain"])
        costly = [(one, "; ".join(_costs(one, measured, thresholds))) for one in clusters]
        until = measured.get("accepted", {})
        at_fault = [
            (one["features"], f"{told(one['features'])} gains at most {bound:.4f} and {costs}")
            for (one, costs), bound in zip(costly, high, strict=True)
            if costs and bound <= thresholds["min_gain"]
        ]
        if faults := [fault for features, fault in at_fault if not accepted(features, until)]:
            reason = f"Costly, and without a gain in {measured['metric']} of {thresholds['min_gain']:g}: "
            remedy = "Retrain without them and compare on the same test data, or cut what they cost."
            return Judgement(Verdict.FAIL, f"{reason}{_listed(faults)}.", remedy)
        proven = [bound > 0 for bound in corrected_lower_bounds(gains, 0)]
        if not any(proven):
            reason = f"On {rows} rows the gain of none of {len(clusters)} clusters can be told from nothing."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
        if not measured["declares"]:
            reason = "No feature declares its cost or the systems that it depends on."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Give features `cost` and `upstream` in the manifest.")
        left_aside = [name for features, _ in at_fault for name in features]
        return Judgement(Verdict.PASS, _passed(costly, proven) + told_accepted(left_aside, until))


def _declared(features: Sequence[Feature]) -> dict[str, Any]:
    return {
        "cost": sum(feature.cost or 0.0 for feature in features),
        "upstream": max(len(feature.upstream) for feature in features),
    }


def _costs(one: Mapping[str, Any], measured: Measured, thresholds: Thresholds) -> Iterator[str]:
    """In which ways a cluster is costly."""
    share = one["cost"] / measured["cost"] if measured["cost"] else 0.0
    if share > thresholds["max_cost_share"]:
        yield f"is {share:.0%} of the declared cost (limit {thresholds['max_cost_share']:.0%})"
    if one["upstream"] > thresholds["max_upstream"]:
        yield f"depends on {one['upstream']} upstream systems (limit {thresholds['max_upstream']})"
    if one["bytes"] > thresholds["max_bytes"]:
        yield f"takes {one['bytes']:,} of {measured['bytes']:,} bytes (limit {thresholds['max_bytes']:,})"
    if one["time_share"] >= thresholds["max_time_share"]:
        yield f"takes {one['time_share']:.0%} or more of the time (limit {thresholds['max_time_share']:.0%})"


def _passed(costly: Sequence[tuple[Mapping[str, Any], str]], proven: Sequence[bool]) -> str:
    useful = [told(one["features"]) for (one, costs), gains in zip(costly, proven, strict=True) if costs and gains]
    unproven = [
        f"{told(one['features'])} {costs}"
        for (one, costs), gains in zip(costly, proven, strict=True)
        if costs and not gains
    ]
    reason = f"None of {len(costly)} clusters is costly and without gain."
    if useful:
        reason += f" Costly and credibly useful: {_listed(useful)}."
    if unproven:
        reason += f" Costly, a gain neither proven nor excluded: {_listed(unproven)}."
    return reason


def _listed(parts: Sequence[str]) -> str:
    more = f"; and {len(parts) - MOST_TOLD} more" if len(parts) > MOST_TOLD else ""
    return "; ".join(parts[:MOST_TOLD]) + more
