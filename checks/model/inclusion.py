"""MODEL-7: groups of people compared by the errors that the model makes on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import log
from typing import Any, ClassVar

from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration, Holdout, HoldoutPredictions, OrganisationPolicy, Task
from checks.methods.cohorts import labelled, sensitive_columns
from checks.methods.group_rates import Contrast, Group, error_contrasts, odds_contrasts, parity_contrasts
from checks.methods.groups import column_counts, reported, without_names
from checks.methods.metrics import corrected_lower_bounds

STRONGEST = 5
SHOWN = 5


class Inclusion(Check):
    """The model is tested for considerations of inclusion.

    Asked: it is examined whether the model treats groups of people alike: whether input features go along with
    protected characteristics, and whether predictions differ by group.

    Measured: for each sensitive column, declared or mandatory, the groups of labelled holdout rows. A value is a
    group; a numeric or time column with more than 10 values is cut at its quartiles; of more than 30 groups the
    30 largest count; rows without a value are in no group. Groups of 20 rows or more are named, in a column that is
    declared personal too by a number alone. For each group: rows, errors, and for each class how
    many rows are of it, are predicted as it, and both. Reported beside the verdict: the metrics of fairlearn and
    the features most associated with the group (Cramer's V or correlation ratio, not judged).

    Formula: `metric` decides. `equalized_odds_difference`: the largest difference between two groups in the true
    or false positive rate exceeds `max_odds_difference`. `demographic_parity_ratio`: the lowest share predicted
    positive over the highest is under `min_parity_ratio`. Regression: the highest mean absolute error over the
    lowest exceeds `max_error_ratio`. With several classes each counts against the rest. Since the maximum over
    groups is biased upwards, and its bootstrap with it, every pair of groups is compared on its own (Agresti and
    Caffo 2000 for differences, Katz's log ratio for shares, the delta method for errors), the lower 95 % bounds
    are corrected for all pairs, rates, classes and columns together (Benjamini and Hochberg 1995; Benjamini and
    Yekutieli 2005), the organisation's columns apart from the declared ones, which could dilute them, and the test
    fails when one bound is beyond the limit.

    Groups under `min_group` rows are not judged, nor a true (false) positive rate of a group with fewer than
    `min_outcomes` positives (negatives); they are named. No two groups to compare, or a sensitive column that is
    not in the data: inconclusive. Beyond the limit but not credibly: a pass that says so.

    Source: Breck et al. 2017, section III, test Model 7; Hardt, Price and Srebro 2016 for equalized odds;
    fairlearn. The limits are Assay's, 0.8 follows the four-fifths rule of the US agencies (1978).

    Evidence: `sensitive` in the manifest or in the organisation's policy, columns of the `test` data, whether the
    model uses them or not. The finding keeps the counts of all groups and all associations.

    Fix: see which rate differs and for whom; collect data of that group, drop or coarsen features that stand for
    it, set the threshold by group where the law permits (fairlearn's ThresholdOptimizer), or choose the metric
    that fits the decision and give the reason in the policy.
    """

    id = "MODEL-7"
    thresholds: ClassVar[Thresholds] = {
        "metric": "equalized_odds_difference",
        "max_odds_difference": 0.1,
        "min_parity_ratio": 0.8,
        "max_error_ratio": 1.25,
        "min_group": 100,
        "min_outcomes": 20,
    }

    def measure(
        self,
        declared: Declaration,
        holdout: Holdout,
        predicted: HoldoutPredictions,
        policy: OrganisationPolicy | None,
    ) -> Measurement:
        names = sensitive_columns(declared, policy)
        if not names:
            raise Missing("sensitive columns", "name columns of the test data under `sensitive` in the manifest")
        rows = labelled(declared, holdout, predicted)
        enough = self.thresholds["min_group"], self.thresholds["min_outcomes"]
        columns, counts, associations = [], [], []
        for counted in (column_counts(name, declared, rows) for name in names):
            told = reported(declared, rows, counted, *enough)
            column = without_names(counted) if counted["column"] in declared.personal else counted
            counts += [
                (column["column"], group["group"], group["rows"], group["error"], *outcome.values())
                for group in column["groups"]
                for outcome in group["outcomes"] or [{}]
            ]
            associations += [(column["column"], *pair.values()) for pair in column["associations"]]
            strongest = column["associations"][:STRONGEST]
            mandatory = policy is not None and column["column"] in policy.sensitive
            columns.append(
                {
                    **column,
                    "mandatory": mandatory,
                    "associations": strongest,
                    "reported": told,
                }
            )
        outcomes = () if declared.task is Task.REGRESSION else ("class", "actual", "selected", "hits")
        header = ("column", "group", "rows", "error", *outcomes)
        exhibits = (
            Exhibit.table("groups.csv", header, counts),
            Exhibit.table("associations.csv", ("column", "feature", "association"), associations),
        )
        return Measurement({"task": declared.task.value, "rows": len(rows), "columns": columns}, exhibits)

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        metric, limit, told_limit = _limit(measured, thresholds)
        compared = [
            (column["column"], one)
            for column in measured["columns"]
            for one in _contrasts(column["groups"], metric, thresholds)
        ]
        mandatory = {column["column"] for column in measured["columns"] if column.get("mandatory")}
        beyond = sorted(_bounded(compared, mandatory, limit), key=lambda pair: -pair[0])
        faults = [f"{column}: {one.told}" for bound, (column, one) in beyond if bound > limit]
        if faults:
            reason = f"{told_limit} is credibly broken in {len(faults)} of {len(compared)} comparisons: "
            remedy = "Find what differs for that group in data, features and decision threshold; see the counts."
            return Judgement(Verdict.FAIL, f"{reason}{'; '.join(faults[:SHOWN])}.", remedy)
        broken = [column["problem"] for column in measured["columns"] if column["problem"]]
        notes = _notes(measured, thresholds)
        uncompared = {column["column"] for column in measured["columns"]} - {column for column, _ in compared}
        if broken or uncompared:
            need = f"two groups of {thresholds['min_group']} labelled rows"
            if measured["task"] != Task.REGRESSION:
                need += f", each with {thresholds['min_outcomes']} positives or negatives"
            remedy = f"Correct the column's name, or register test data with {need}."
            reason = "; ".join([*broken, *notes])
            return Judgement(Verdict.INCONCLUSIVE, f"Groups that cannot be compared: {reason}.", remedy)
        widest = max((one for _, one in compared), key=lambda one: one.estimate)
        reason = (
            f"{told_limit} is credibly broken in none of {len(compared)} comparisons; the widest: {widest.told}"
        )
        if widest.estimate > limit:
            reason += ", beyond the limit, but not credibly at this number of rows"
        return Judgement(Verdict.PASS, ". ".join([reason, *notes]) + ".")


def _bounded(
    compared: Sequence[tuple[str, Contrast]], mandatory: Collection[str], limit: float
) -> list[tuple[float, tuple[str, Contrast]]]:
    """Each comparison with its lower bound, corrected among the mandatory columns' or among the others'."""
    families = [[pair for pair in compared if (pair[0] in mandatory) is which] for which in (True, False)]
    return [
        (bound, pair)
        for family in families
        for bound, pair in zip(
            corrected_lower_bounds([(one.estimate, one.error) for _, one in family], limit), family, strict=True
        )
    ]


def _limit(measured: Measured, thresholds: Thresholds) -> tuple[str, float, str]:
    """The metric that decides, its limit on the scale of the contrasts, and the limit in words."""
    metric = "error_ratio" if measured["task"] == Task.REGRESSION else thresholds["metric"]
    if metric == "equalized_odds_difference":
        limit = thresholds["max_odds_difference"]
        return metric, limit, f"The equalized-odds difference of at most {limit:g}"
    if metric == "demographic_parity_ratio":
        limit = thresholds["min_parity_ratio"]
        return metric, -log(limit), f"The demographic-parity ratio of at least {limit:g}"
    if metric == "error_ratio" and measured["task"] == Task.REGRESSION:
        limit = thresholds["max_error_ratio"]
        return metric, log(limit), f"The error ratio of at most {limit:g}"
    raise ValueError(f"metric {metric!r}: for classes it is equalized_odds_difference or demographic_parity_ratio")


def _contrasts(groups: Sequence[Group], metric: str, thresholds: Thresholds) -> list[Contrast]:
    large = [group for group in groups if group["rows"] >= thresholds["min_group"]]
    if metric == "equalized_odds_difference":
        return list(odds_contrasts(large, thresholds["min_outcomes"]))
    return list(parity_contrasts(large) if metric == "demographic_parity_ratio" else error_contrasts(large))


def _notes(measured: Measured, thresholds: Thresholds) -> list[str]:
    """What was not judged, and why."""
    notes = []
    for column in measured["columns"]:
        name, least = column["column"], thresholds["min_group"]
        small = [f"{group['group']} ({group['rows']})" for group in column["groups"] if group["rows"] < least]
        if small:
            notes.append(f"{name} has groups under {least} rows, not judged: {', '.join(small)}")
        if column["left_out"]:
            notes.append(f"{name} has {column['left_out']} smaller groups, which are not named")
        if column["without_value"]:
            notes.append(f"{name} is missing in {column['without_value']} rows")
        if len(column["groups"]) == 1 and not column["left_out"]:
            notes.append(f"{name} has one group only")
        notes += _rare(column, thresholds)
    return notes


def _rare(column: Mapping[str, Any], thresholds: Thresholds) -> list[str]:
    if thresholds["metric"] != "equalized_odds_difference":
        return []
    least = thresholds["min_outcomes"]
    rare = [
        f"{group['group']} ({rows} {sign} of {outcome['class']})"
        for group in column["groups"]
        if group["rows"] >= thresholds["min_group"]
        for outcome in group["outcomes"]
        for sign, rows in (("cases", outcome["actual"]), ("others", group["rows"] - outcome["actual"]))
        if rows < least
    ]
    return [f"{column['column']}: rates on under {least} rows are not judged: {', '.join(rare)}"] if rare else []
