"""Rows of a data set as requests: the tensors that a caller would send for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.catalog.manifest import FeaturePart
from app.serving.schemas import TensorIn
from app.serving.tensors import preferred

if TYPE_CHECKING:
    import pandas as pd


def tensors_of_rows(features: Sequence[FeaturePart], frame: pd.DataFrame) -> list[TensorIn]:
    """One tensor a feature, with the values of all rows of ``frame``."""
    return [_tensor(feature, [_plain(value) for value in frame[feature.name].tolist()]) for feature in features]


def _tensor(feature: FeaturePart, values: list[Any]) -> TensorIn:
    return TensorIn(name=feature.name, shape=[len(values)], datatype=_datatype(feature, values), data=values)


def _datatype(feature: FeaturePart, values: Sequence[Any]) -> str:
    if feature.type not in {"category", "boolean"}:
        return preferred(feature.type)
    known = next((value for value in values if value is not None), "")
    return "BOOL" if isinstance(known, bool) else "BYTES" if isinstance(known, str) else "INT64"


def _plain(value: Any) -> Any:
    if value is None or str(value) in {"NaT", "<NA>"}:
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and math.isnan(plain) else plain
