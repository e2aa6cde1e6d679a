"""Small real releases to register: data on disk, a trained model where asked for, the manifest as a dictionary."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from tests.catalog.manifests import manifest

FEATURES = ["mean radius", "mean texture"]


@cache
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """(train, test): two features, the label, and predictions of a logistic regression."""
    bunch = load_breast_cancer(as_frame=True)
    frame = bunch.data[FEATURES].assign(malignant=1 - bunch.target)
    train, test = frame.iloc[::2].reset_index(drop=True), frame.iloc[1::2].reset_index(drop=True)
    model = LogisticRegression().fit(train[FEATURES], train["malignant"])
    predicted = {"y_pred": model.predict(test[FEATURES]), "y_proba": model.predict_proba(test[FEATURES])[:, 1]}
    return train, test.assign(**predicted)


def predictions_only(folder: Path, **changes: Any) -> tuple[dict[str, Any], dict[str, Path]]:
    """A manifest of predictions only, and its files by part."""
    train, test = frames()
    files = {"train": folder / "train.parquet", "test": folder / "test.parquet"}
    train.to_parquet(files["train"])
    test.to_parquet(files["test"])
    made = manifest(
        version__artifact=None,
        version__predictions_only=True,
        columns={"label": "malignant", "positive": 1, "prediction": "y_pred", "probability": "y_proba"},
    )
    for path, value in changes.items():
        *parts, last = path.split("__")
        place = made
        for part in parts:
            place = place[part]
        place[last] = value
    return made, files


def with_skops(folder: Path, **changes: Any) -> tuple[dict[str, Any], dict[str, Path]]:
    """A manifest with a skops artifact, and its files by part."""
    import skops.io

    files = predictions_only(folder)[1] | {"artifact": folder / "model.skops"}
    train, _ = frames()
    skops.io.dump(LogisticRegression().fit(train[FEATURES], train["malignant"]), files["artifact"])
    return manifest(**changes), files


def upload(client, path: Path) -> dict[str, str]:
    """Upload over HTTP; returns the entry of ``files``."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert client.put(f"/api/v1/blobs/{digest}", content=content).status_code == 201
    return {"digest": digest, "filename": path.name}


def register(client, made: dict[str, Any], files: dict[str, Path], **more: Any):
    """Upload the files and register; returns the response."""
    uploaded = {part: upload(client, path) for part, path in files.items()}
    return client.post("/api/v1/registrations", json={"manifest": made, "files": uploaded, **more})
