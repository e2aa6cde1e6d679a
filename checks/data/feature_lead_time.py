"""DATA-6: from the first work on a feature to the first version that serves with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import comb, inf
from statistics import median
from typing import Any, ClassVar

from checks.code import AddedFeature, AddedFeatures
from checks.contract import CONFIDENCE, Check, Exhibit, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.serving import Moment

MOST_TOLD = 5
DAY = timedelta(days=1)


class FeatureLeadTime(Check):
    """New features can be added quickly.

    Asked: how long it takes from the idea of a feature to its use in production; a team that needs months cannot
    answer to a world that changes in weeks.

    Measured: of every feature of the version's signature that the first version to serve in the environment did not
    have, the days from its first commit or its proposal, whichever was earlier, to the first version with it that
    had stable traffic there. Features of that first version were not added to anything and are left out.

    Formula: the median of these days. All additions are counted, not a sample of them, so the median itself is
    judged; its interval (order statistics, exact) is shown. A feature that does not serve yet counts once it has
    waited longer than `max_median_days`, with the days so far. One that served before its first commit or whose
    beginning is not known has no days: the verdict must hold whether these were quick or slow.

    - Fail: the median is above `max_median_days`.
    - Pass: it is not.
    - Inconclusive: fewer than `min_features` have days, or those without could turn the verdict.

    Source: Breck et al. 2017, section II, test Data 6, which tells of one to two months at best. Everything else is
    Assay's interpretation.

    Evidence: `assay evidence collect git --push --model MODEL --version VERSION`, which finds the first commit that
    names each feature below `code.feature_paths`; for ideas older than their code a file of the kind
    `feature-history` (docs/evidence.md), which earns 0.5 at most where it alone tells when a feature began. Assay's
    own deployments tell when a version served. Audit with an environment.

    Fix: look at the slowest features in the table: what did they wait for?
    """

    id = "DATA-6"
    thresholds: ClassVar[Thresholds] = {"max_median_days": 60, "min_features": 3}

    def measure(self, features: AddedFeatures, moment: Moment) -> Measurement:
        found = [_measured(one, moment) for one in features.added]
        values = {"environment": features.environment, "first_version": features.first_version, "features": found}
        rows = [tuple(one.values()) for one in found]
        return Measurement(values, (Exhibit.table("features.csv", ("feature", "days", "began", "version"), rows),))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        limit, least = thresholds["max_median_days"], thresholds["min_features"]
        days = sorted(one["days"] for one in measured["features"] if _counts(one, limit))
        unknown = [one for one in measured["features"] if one["days"] is None]
        aside = f" Without days: {_some(unknown)}." if unknown else ""
        told = f"Of the features added after {measured['first_version']} in {measured['environment']}"
        if len(days) < least:
            reason = f"{told} {len(days)} have a known time to production; {least} are needed.{aside}"
            return Judgement(Verdict.INCONCLUSIVE, reason, "Collect from a full clone, or hand in feature-history.")
        told = f"{told} the median took {median(days):.0f} days (n = {len(days)}, {_interval(days)}).{aside}"
        if median([*days, *[0] * len(unknown)]) > limit:
            slowest = max(measured["features"], key=lambda one: one["days"] or 0)["feature"]
            reason = f"{told} {limit:g} are the limit."
            return Judgement(Verdict.FAIL, reason, f"Look at what the slowest waited for, {slowest} first.")
        if median([*days, *[inf] * len(unknown)]) > limit:
            reason = f"{told} Whether {limit:g} days are kept depends on these."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Hand in feature-history for them.")
        return Judgement(Verdict.PASS, told)


def _measured(one: AddedFeature, moment: Moment) -> dict[str, Any]:
    days = None
    if one.started_at is not None:
        days = ((one.served_at or moment.at) - one.started_at) / DAY
    began = one.started_by
    if days is not None and days < 0:
        days, began = None, f"{began} is later than its first use: was the code moved?"
    return {"feature": one.name, "days": days, "began": began, "version": one.version}


def _counts(one: Mapping[str, Any], limit: float) -> bool:
    """It has served, or has waited too long already."""
    return one["days"] is not None and (one["version"] is not None or one["days"] > limit)


def _interval(ordered: Sequence[float]) -> str:
    """The narrowest pair of order statistics that covers the median often enough, else the whole range."""
    n = len(ordered)
    tails = [2 * sum(comb(n, i) for i in range(k)) / 2**n for k in range(1, n // 2 + 1)]
    enough = sum(tail <= 1 - CONFIDENCE + 1e-12 for tail in tails)
    low, high = (ordered[enough - 1], ordered[n - enough]) if enough else (ordered[0], ordered[-1])
    name = "95 % interval" if enough else "too few for an interval, range"
    return f"{name} {low:.0f} to {high:.0f}"


def _some(found: Sequence[Mapping[str, Any]]) -> str:
    more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    return "; ".join(f"{one['feature']} ({one['began']})" for one in found[:MOST_TOLD]) + more
