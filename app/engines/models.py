"""Models of either format, by the format that was found at registration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.engines import onnx_model, skops_model
from app.errors import Invalid
from checks.evidence import Declaration, Predictor

FORMATS = {"skops": skops_model, "onnx": onnx_model}


def load(path: Path, format: str, declared: Declaration) -> Predictor:  # noqa: A002
    """The model, ready to predict. ``format`` is "skops" or "onnx".

    Raises:
        Invalid: it is not what it should be.
    """
    predictor: Predictor = _engine(format).load(path, declared)
    return predictor


def facts(path: Path, format: str) -> Mapping[str, Any]:  # noqa: A002
    """``model_class``, ``classes``, ``feature_names`` and ``n_features``, JSON-ready."""
    found: Mapping[str, Any] = _engine(format).facts(path)
    return found


def _engine(name: str) -> Any:
    if name not in FORMATS:
        raise Invalid(f"there is no engine for models of the format {name!r}")
    return FORMATS[name]
