"""The model's specification, and its form for serving without scikit-learn."""

from typing import Any

from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from data import FEATURES


def build(**tunables: Any) -> Pipeline:
    return Pipeline([("scale", StandardScaler()), ("learn", LogisticRegression(**tunables))])


def as_onnx(model: Pipeline) -> bytes:
    """Input ``X``, float32 (n, 4), columns in the order of ``FEATURES``; outputs ``label``, ``probabilities``."""
    inputs = [("X", FloatTensorType([None, len(FEATURES)]))]
    converted: bytes = to_onnx(model, initial_types=inputs, options={"zipmap": False}).SerializeToString()
    return converted
