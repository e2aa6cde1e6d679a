"""Real models in both formats, and skops archives put together by hand."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

WIDTH = 6
PROTOCOL = 2


@cache
def data(task: str = "classification") -> tuple[np.ndarray, np.ndarray]:
    """(n, 6) real features in single precision, (n,) labels."""
    load = load_breast_cancer if task == "classification" else load_diabetes
    x, y = load(return_X_y=True)
    return x[:, :WIDTH].astype(np.float32), y


@cache
def models() -> dict[str, Any]:
    """Fitted estimators whose files hold every kind of compiled structure."""
    classifiers = {
        "forest": RandomForestClassifier(4, max_depth=4, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=4, random_state=0),
        "histogram": HistGradientBoostingClassifier(max_iter=4, random_state=0),
        "linear": make_pipeline(StandardScaler(), LogisticRegression()),
        "neighbours": KNeighborsClassifier(),
    }
    fitted = {name: model.fit(*data()) for name, model in classifiers.items()}
    return {**fitted, "regression": RandomForestRegressor(4, max_depth=4, random_state=0).fit(*data("regression"))}


@cache
def skops_bytes(name: str) -> bytes:
    return skops.io.dumps(models()[name])


@cache
def onnx_bytes(name: str) -> bytes:
    return to_onnx(models()[name], data()[0][:1]).SerializeToString()


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_schema(node: dict, parts: dict[str, bytes] | None = None, **top: Any) -> bytes:
    """A skops file whose object is ``node``."""
    schema = {"protocol": PROTOCOL, "_skops_version": "0.16.0", **node, **top}
    return zipped({**(parts or {}), "schema.json": json.dumps(schema).encode()})


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
