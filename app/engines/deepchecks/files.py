"""What is written for the script in deepchecks' environment, and what is read from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engines.deepchecks.script import ANSWER, CHANCE, ERROR, FORMAT, LABEL
from app.engines.reports import CATEGORICAL, NUMERIC, comparable_side, drawn, shown_features
from checks.contract import Missing
from checks.evidence import Declaration, Feature, Slice, Task
from checks.methods.cohorts import Labelled, errors_of, subset
from checks.methods.schema import as_category

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SUITE_ROWS = 2_500
"""Of each side at most: the suite's time grows with the square of the rows (80 s of CPU at 10,000)."""
SEARCH_ROWS = 5_000
SHOWN_CATEGORIES = 4


@dataclass(frozen=True)
class Request:
    """What to run: the suite where ``train`` and ``test`` are given, a search for weak segments in ``search``.

    No segment with less than ``smallest_share`` of the searched rows is looked for.
    """

    declared: Declaration
    train: Labelled | None = field(default=None, repr=False)
    test: Labelled | None = field(default=None, repr=False)
    search: Labelled | None = field(default=None, repr=False)
    smallest_share: float = 0.05


@dataclass(frozen=True)
class Written:
    """The features that the script gets, and how many rows of each table."""

    features: Sequence[Feature]
    rows: Mapping[str, int]
    drawn_from: str = ""


def write(request: Request, folder: Path) -> Written:
    """Write ``request.json`` and a Parquet file a table.

    Raises:
        Missing: no feature is a number or a category.
    """
    declared, given, told = request.declared, {}, ""
    if request.train is not None and request.test is not None:
        given = {name: _sampled(rows, SUITE_ROWS) for name, rows in _sides(request).items()}
        told = ", and ".join(
            f"{len(given[name]):,} of {len(rows):,} labelled rows of the {_called(name)} data"
            for name, rows in _sides(request).items()
        )
    if request.search is not None:
        given["search"] = _sampled(request.search, SEARCH_ROWS)
    features = shown_features(declared, *(rows.frame for rows in given.values()))
    if not features:
        raise Missing("features that are numbers or categories", "deepchecks can look at no other columns")
    classes = _classes(declared, list(given.values()))
    for name, rows in given.items():
        _table(declared, rows, features, classes).to_parquet(folder / f"{name}.parquet", index=False)
    asked = {
        "format": FORMAT,
        "parts": [*(["tests"] if told else []), *(["segments"] if "search" in given else [])],
        "task": declared.task.value,
        "numeric": [one.name for one in features if one.type in NUMERIC],
        "categorical": [one.name for one in features if one.type in CATEGORICAL],
        "classes": classes,
        "smallest_share": request.smallest_share,
    }
    (folder / "request.json").write_text(json.dumps(asked))
    return Written(features, {name: len(rows) for name, rows in given.items()}, told)


def read_answer(folder: Path) -> dict[str, Any]:
    """``answer.json``. Raises ValueError when it is of another format."""
    answer: dict[str, Any] = json.loads((folder / "answer.json").read_text())
    if answer.get("format") != FORMAT:
        raise ValueError(f"deepchecks' script answered in the format {answer.get('format')}, not {FORMAT}")
    return answer


def slices(segments: Sequence[Mapping[str, Any]], features: Sequence[Feature]) -> tuple[Slice, ...]:
    """Segments as slices: "age from 55.1, region a or b". See ``script._segments`` for their form."""
    numeric = {one.name for one in features if one.type in NUMERIC}
    return tuple(_slice(conditions, numeric) for conditions in segments)


def _slice(conditions: Mapping[str, Any], numeric: set[str]) -> Slice:
    where: dict[str, Any] = {}
    told = []
    for name, span in conditions.items():
        if name in numeric:
            where[name] = {
                key: _above(end) for key, end in zip(("min", "max"), span, strict=True) if end is not None
            }
            told.append(f"{name} {_told_range(*span)}")
        else:
            where[name] = list(span)
            shown = ["missing" if one is None else one for one in span[:SHOWN_CATEGORIES]]
            more = f" or {len(span) - SHOWN_CATEGORIES} more" if len(span) > SHOWN_CATEGORIES else ""
            told.append(f"{name} {' or '.join(shown)}{more}")
    return Slice(", ".join(told), where)


def _above(end: float) -> float:
    """The least number above ``end``: a segment's range is (low, high], a slice's is [min, max)."""
    return math.nextafter(end, math.inf)


def _told_range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high:g}"
    return f"over {low:g}" if high is None else f"over {low:g} up to {high:g}"


def _sides(request: Request) -> dict[str, Labelled]:
    sides = {"train": request.train, "test": request.test}
    return {name: rows for name, rows in sides.items() if rows is not None}


def _called(name: str) -> str:
    return {"train": "training"}.get(name, name)


def _sampled(rows: Labelled, most: int) -> Labelled:
    return subset(rows, drawn(len(rows), most))


def _classes(declared: Declaration, tables: Sequence[Labelled]) -> list[str] | None:
    """All classes that were seen or can be predicted, as text, sorted as deepchecks wants them."""
    if declared.task is Task.REGRESSION:
        return None
    seen = {one for rows in tables for values in _class_values(rows) for one in values}
    return sorted(seen)


def _class_values(rows: Labelled) -> list[list[str]]:
    values = (
        rows.truth.tolist(),
        rows.predicted.label.tolist(),
        [one for one in rows.predicted.classes if one is not None],
    )
    return [[as_category(one) for one in dict.fromkeys(some)] for some in values]


def _table(
    declared: Declaration, rows: Labelled, features: Sequence[Feature], classes: list[str] | None
) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {ERROR: errors_of(declared, rows.truth, rows.predicted)}
    if classes is None:
        columns |= {LABEL: rows.truth.astype(float), ANSWER: rows.predicted.label.astype(float)}
    else:
        columns |= {LABEL: _texts(rows.truth), ANSWER: _texts(rows.predicted.label), **_chances(rows, classes)}
    return pd.concat([comparable_side(rows.frame, list(features)), pd.DataFrame(columns)], axis=1)


def _texts(values: np.ndarray) -> list[str]:
    return [as_category(one) for one in values.tolist()]


def _chances(rows: Labelled, classes: list[str]) -> dict[str, np.ndarray]:
    """The probabilities in the order of ``classes``, if there is one for each of them."""
    proba, known = rows.predicted.proba, [as_category(one) for one in rows.predicted.classes]
    if proba is None or sorted(known) != classes:
        return {}
    return {f"{CHANCE}{one}": proba[:, known.index(one)] for one in classes}
