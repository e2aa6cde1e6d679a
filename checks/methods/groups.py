"""Groups of people in a sensitive column: their counts, fairlearn's metrics, the features they go along with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from checks.contract import SEED
from checks.evidence import Declaration, Task
from checks.methods.association import encode, strength
from checks.methods.cohorts import Labelled, errors_of, groups_of, mean_and_variance, nearest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_GROUPS = 30
FEWEST_NAMED = 20
"""Rows below which a group is only counted: how few people fared, and who they are, is nobody's business."""
MOST_ROWS = 10_000


def column_counts(name: str, declared: Declaration, rows: Labelled) -> dict[str, Any]:
    """The groups of a sensitive column, JSON-ready; ``problem`` is None unless the column is not there.

    ``groups``: the largest first, as ``counted``. ``without_value``: rows in no group. ``left_out``: groups
    beyond the ``MOST_GROUPS`` largest, or of fewer than ``FEWEST_NAMED`` rows. ``associations``: features with
    their association, strongest first.
    """
    found: dict[str, Any] = {"column": name, "problem": None, "without_value": 0, "left_out": 0}
    found |= {"groups": [], "associations": []}
    if name not in rows.frame.columns:
        return found | {"problem": f"the test data has no column {name!r}{nearest(name, rows.frame.columns)}"}
    member = groups_of(rows.frame[name])
    sizes = member.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    errors = errors_of(declared, rows.truth, rows.predicted)
    named = sizes[sizes >= FEWEST_NAMED].index[:MOST_GROUPS]
    masks = {group: (member == group).to_numpy() for group in named}
    return found | {
        "without_value": int(member.isna().sum()),
        "left_out": len(sizes) - len(masks),
        "groups": [counted(group, declared, rows, mask, errors) for group, mask in masks.items()],
        "associations": _associations(declared, rows.frame, name, member),
    }


def without_names(column: Mapping[str, Any]) -> dict[str, Any]:
    """A counted column whose groups are called "group 1" and so on, the largest first."""
    groups = [{**one, "group": f"group {number}"} for number, one in enumerate(column["groups"], 1)]
    return {**column, "groups": groups}


def counted(
    group: str, declared: Declaration, rows: Labelled, mask: np.ndarray, errors: np.ndarray
) -> dict[str, Any]:
    """A group's ``rows``, ``error`` (mean) and ``error_variance`` (of the mean), both None for a single row, and
    ``outcomes``: for each ``class`` the numbers of rows that are of it (``actual``), are predicted as it
    (``selected``), and both (``hits``).
    """
    truth, label, number = rows.truth[mask], rows.predicted.label[mask], int(mask.sum())
    classification = declared.task is not Task.REGRESSION
    error, variance = mean_and_variance(errors[mask], classification) if number > 1 else (None, None)
    outcomes = [
        {
            "class": str(one),
            "actual": int((truth == one).sum()),
            "selected": int((label == one).sum()),
            "hits": int(((truth == one) & (label == one)).sum()),
        }
        for one in classes_of(declared, rows)
    ]
    return {"group": group, "rows": number, "error": error, "error_variance": variance, "outcomes": outcomes}


def classes_of(declared: Declaration, rows: Labelled) -> list[Any]:
    """The classes whose rates are compared: the positive one, or all of several, or none in regression."""
    if declared.task is Task.REGRESSION:
        return []
    if declared.task is Task.BINARY:
        return [declared.positive]
    return sorted({*rows.truth.tolist(), *rows.predicted.label.tolist()}, key=str)


def reported(
    declared: Declaration, rows: Labelled, column: Mapping[str, Any], least: int, outcomes: int
) -> dict[str, float | None]:
    """What fairlearn says of the groups of a counted column, None where undefined.

    With several classes, the worst of one class against the rest. Point estimates: a difference over many small
    groups is large by chance.

    Args:
        least: rows that a group needs.
        outcomes: rows of the class, and others, that a group needs for the odds.
    """
    from fairlearn import metrics
    from sklearn.metrics import mean_absolute_error

    large = [group for group in column["groups"] if group["rows"] >= least]
    if declared.task is Task.REGRESSION:
        frame = _on_groups(metrics.MetricFrame, rows, column, large, metrics=mean_absolute_error)
        return {"error_ratio": _finite(1 / frame.ratio()) if frame and frame.ratio() else None}
    odds, parity = [], []
    for position, one in enumerate(classes_of(declared, rows)):
        both = [
            group
            for group in large
            if outcomes <= group["outcomes"][position]["actual"] <= group["rows"] - outcomes
        ]
        odds.append(_on_groups(metrics.equalized_odds_difference, rows, column, both, one))
        parity.append(_on_groups(metrics.demographic_parity_ratio, rows, column, large, one))
    known_odds, known_parity = ([v for v in map(_finite, values) if v is not None] for values in (odds, parity))
    return {
        "equalized_odds_difference": max(known_odds, default=None),
        "demographic_parity_ratio": min(known_parity, default=None),
    }


def _on_groups(
    metric: Any,
    rows: Labelled,
    column: Mapping[str, Any],
    groups: Sequence[Mapping[str, Any]],
    *one: Any,
    **options: Any,
) -> Any:
    """``metric`` of fairlearn on the rows of these groups, or None when there are not two.

    Args:
        one: the class against the rest; the labels themselves when not given.
    """
    if len(groups) < 2:
        return None
    member = groups_of(rows.frame[column["column"]])
    kept = member.isin([group["group"] for group in groups]).to_numpy()
    truth, label = rows.truth[kept], rows.predicted.label[kept]
    if one:
        truth, label = truth == one[0], label == one[0]
    return metric(y_true=truth, y_pred=label, sensitive_features=member[kept], **options)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and isfinite(value) else None


def _associations(
    declared: Declaration, frame: pd.DataFrame, name: str, member: pd.Series[Any]
) -> list[dict[str, Any]]:
    """Each feature but the column itself with its association with the groups, on at most ``MOST_ROWS`` rows."""
    sample = frame if len(frame) <= MOST_ROWS else frame.sample(MOST_ROWS, random_state=SEED)
    groups = encode(member.loc[sample.index], "category")
    found = [
        {"feature": one.name, "association": float(strength(encode(sample[one.name], one.type), groups))}
        for one in declared.features
        if one.name in frame.columns and one.name != name
    ]
    return sorted(found, key=lambda pair: -float(pair["association"]))
