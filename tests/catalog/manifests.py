"""Manifests that tests start from."""

from __future__ import annotations

import copy
from typing import Any

COMPLETE: dict[str, Any] = {
    "assay": 1,
    "model": {
        "name": "tumour-malignancy",
        "owner": "pathology@example.com",
        "purpose": "Which biopsies to look at first",
        "users": "Pathologists",
        "problem_type": "productivity",
        "task": "binary",
        "risk_tier": "high",
        "business_metric": {"name": "malignant biopsies read on the first day"},
    },
    "version": {"name": "1.0.0", "change_reason": "initial", "artifact": "model.skops", "commit": "3f2a91c"},
    "data": {"train": {"path": "train.parquet"}, "test": {"path": "test.parquet"}},
    "columns": {"label": "malignant", "positive": 1},
    "quality": {"metric": "roc_auc", "floor": 0.9},
    "features": [
        {"name": "mean radius", "type": "number", "min": 0, "max": 40, "nullable": False},
        {"name": "mean texture", "type": "number", "min": 0, "max": 60, "nullable": False},
    ],
}


def manifest(**changes: Any) -> dict[str, Any]:
    """The complete manifest; ``a__b=value`` replaces the key b of the part a, None removes it."""
    made = copy.deepcopy(COMPLETE)
    for path, value in changes.items():
        *parts, last = path.split("__")
        place = made
        for part in parts:
            place = place[part]
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made
