"""DATA-2: what every cluster of features adds to quality on the test data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar

from checks.contract import SEED, Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration, Holdout, Predictor
from checks.methods.importance import benefits
from checks.methods.metrics import NEEDS_PROBABILITIES, corrected_lower_bounds
from checks.methods.plots import interval_plot

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 10_000
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
    the label, otherwise in the metric's own points. Its variance is that over 200 paired resamples of the rows
    plus that over the permutations divided by their number. Metrics that count labels move in steps, so while
    any output changes their standard error is at least one row of the smallest class. The test fails for a
    cluster whose upper bound is at most ``min_gain``, and for one that harms (upper bound below 0); 95 %, normal
    approximation, Benjamini-Hochberg over the clusters. A gain neither proven nor excluded passes and is noted.
    Below ``min_rows`` rows, or when no cluster's gain can be told from nothing, the test is inconclusive.

    Source: Breck et al. 2017, section II, test Data 2; permutation importance: Breiman, "Random Forests", 2001.
    The smallest useful gain of 0.001 is Assay's interpretation.

    Evidence: the model's artifact, and the data set ``test`` with all features and the label. Where a model
    gives no class probabilities, balanced_accuracy takes the place of roc_auc and log_loss. The finding keeps a
    table and a plot.

    Fix: take the cluster out, retrain, compare on the same test data, and leave it out if nothing is lost. A
    cluster that harms was probably learned by heart: look for leakage, or values whose meaning changed.
    """

    id = "DATA-2"
    thresholds: ClassVar[Thresholds] = {"min_gain": 0.001, "min_rows": 100}

    def measure(self, declared: Declaration, holdout: Holdout, predictor: Predictor) -> Measurement:
        frame = _rows(declared, holdout.frame)
        if declared.metric in NEEDS_PROBABILITIES and predictor.predict(frame.head(1)).proba is None:
            declared = replace(declared, metric="balanced_accuracy")
        clusters = [asdict(benefit) for benefit in benefits(declared, frame, predictor)]
        values = {"rows": len(frame), "metric": declared.metric, "clusters": clusters}
        return Measurement(values, _exhibits(declared.metric, clusters))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        rows, clusters = measured["rows"], measured["clusters"]
        if rows < thresholds["min_rows"]:
            reason = f"The test data has {rows} labelled rows; {thresholds['min_rows']} are needed."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
        faults = _faults(clusters, thresholds["min_gain"])
        if faults:
            more = f"; and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
            told = f"{'; '.join(faults[:MOST_TOLD])}{more}"
            reason = f"{len(faults)} of {len(clusters)} clusters add nothing to {measured['metric']}: {told}."
            return Judgement(Verdict.FAIL, reason, "Retrain without them and compare on the same test data.")
        bounds = corrected_lower_bounds([(c["gain"], c["error"]) for c in clusters], 0)
        unproven = [_name(c) for c, bound in zip(clusters, bounds, strict=True) if bound <= 0]
        if len(unproven) == len(clusters):
            reason = f"On {rows} rows the gain of none of {len(clusters)} clusters can be told from nothing."
            return Judgement(Verdict.INCONCLUSIVE, reason, "Register a larger test data set.")
        note = f" Neither proven nor excluded on {rows} rows: {'; '.join(unproven)}." if unproven else ""
        gaining = (
            f"{len(clusters) - len(unproven)} of {len(clusters)} clusters credibly add to {measured['metric']}"
        )
        return Judgement(Verdict.PASS, f"{gaining}, none is proven useless.{note}")


def _rows(declared: Declaration, frame: pd.DataFrame) -> pd.DataFrame:
    """The labelled rows, a seeded sample where there are many; Missing where no metric has a meaning on them."""
    absent = [name for name in [*declared.feature_names, declared.label] if name not in frame.columns]
    if absent:
        raise Missing(f"the columns {', '.join(absent)} in the test data", "register test data with every column")
    labelled = frame[frame[declared.label].notna()]
    if labelled[declared.label].nunique() < 2:
        what = f"two different labels in the test data ({len(labelled)} labelled rows have fewer)"
        raise Missing(what, "register test data in which the label varies")
    return labelled if len(labelled) <= MOST_ROWS else labelled.sample(MOST_ROWS, random_state=SEED)


def _faults(clusters: Sequence[dict[str, Any]], least: float) -> list[str]:
    losses = [(-c["gain"], c["error"]) for c in clusters]
    highest = [-bound for bound in corrected_lower_bounds(losses, -least)]
    harmful = [bound > 0 for bound in corrected_lower_bounds(losses, 0)]
    told = []
    for cluster, high, harms in zip(clusters, highest, harmful, strict=True):
        if harms:
            told.append(f"{_name(cluster)} credibly harms (gain {cluster['gain']:.4f})")
        elif high <= least:
            told.append(f"{_name(cluster)} (gain at most {high:.4f}, smallest useful gain {least:g})")
    return told


def _name(cluster: dict[str, Any]) -> str:
    first, *others = cluster["features"]
    if len(others) > 3:
        return f"{first} and {len(others)} correlated with it"
    return " + ".join([first, *others])


def _exhibits(metric: str, clusters: Sequence[dict[str, Any]]) -> tuple[Exhibit, ...]:
    header = ("features", "gain", "standard error", "low", "high", "outputs moved")
    lines = [(c, c["gain"] - Z * c["error"], c["gain"] + Z * c["error"]) for c in clusters]
    table = [(" + ".join(c["features"]), c["gain"], c["error"], low, high, c["moved"]) for c, low, high in lines]
    plot = [(_name(c), low, c["gain"], high) for c, low, high in lines]
    title = f"Loss of {metric} when permuted, 95 % interval"
    return Exhibit.table("feature-benefit.csv", header, table), interval_plot("feature-benefit.svg", title, plot)
