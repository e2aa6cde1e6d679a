"""A model whose personal and sensitive columns hold values that nothing else could be: marks, to be looked for."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from app.db import utcnow
from tests.catalog.manifests import manifest
from tests.catalog.releases import FEATURES, frames

MODEL = "tumour-malignancy"
EMPLOYER, SALARY, NOTE = "Zyxwquark & Sons", 7417493.625, "note-of-quokka-jones"
CUSTOMER, APPLICATION, FAITH = "customer-vexbolt", "application-jumbrisk", "creed-wolxim"
MARKS = ("Zyxwquark", "7417493", "quokka-jones", "vexbolt", "jumbrisk", "wolxim")
GROUPS = ("creed-a", "creed-b")
"""Of so many rows that naming them tells of nobody."""
LOGGED = 600


def frame_of(part: int) -> pd.DataFrame:
    """The training (0) or test data (1) with a value of its own in each row's declared columns."""
    frame = frames()[part]
    rows = range(len(frame))
    return frame.assign(
        employer=[f"{EMPLOYER} {row}" for row in rows],
        salary=[(SALARY + row / 1e3) * (-1) ** row for row in rows],  # no mean is near any of them
        note=[f"{NOTE} {row}" for row in rows],
        customer=[f"{CUSTOMER}-{part}{row}" for row in rows],
        application=[f"{APPLICATION}-{part}{row}" for row in rows],
        faith=[f"{FAITH}-{row}" if row < 5 else GROUPS[row % 2] for row in rows],
    )


def logged(count: int = LOGGED) -> pd.DataFrame:
    """Answers of the last six days, with inputs that break the schema and are skewed against ``recomputed``."""
    test = frame_of(1)
    rows = np.resize(np.arange(len(test)), count)
    frame = test.iloc[rows].reset_index(drop=True)
    at = [utcnow() - timedelta(days=6) + timedelta(days=5) * share for share in np.linspace(0, 1, count)]
    return frame.assign(
        application=[f"{APPLICATION}-s{row}" for row in range(count)], at=at, prediction=0, probability=0.1
    )


def recomputed() -> pd.DataFrame:
    frame = logged()
    skewed = frame.assign(employer=frame["employer"] + " Ltd", salary=frame["salary"] * 2, note=frame["note"] + "!")
    return skewed[["application", *FEATURES, "employer", "salary", "note", "faith"]]


def declared(*, masked: bool) -> dict:
    """The manifest; ``masked``: what is personal and sensitive is declared."""
    made = manifest(columns={"label": "malignant", "positive": 1, "id": "application"})
    made["features"] += [
        {"name": "employer", "type": "category", "categories": ["another"]},
        {"name": "salary", "type": "number", "max": 1000},
        {"name": "note", "type": "text", "nullable": False},
        {"name": "faith", "type": "category", "categories": list(GROUPS)},
    ]
    made["slices"] = [{"name": "large", "where": {"mean radius": {"min": 14}}}]
    made["sensitive"] = ["faith"] if masked else []
    if masked:
        made["columns"] |= {"person": "customer", "personal": ["employer", "salary", "note", "application"]}
    return made


def save_model(path) -> None:
    """Two numbers decide; an employer that was not seen in training cannot be encoded."""
    import skops.io
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    train = frame_of(0)
    known = ["another", *sorted({*train["employer"], *frame_of(1)["employer"]})]
    parts = [("employers", OneHotEncoder(categories=[known]), ["employer"]), ("numbers", "passthrough", FEATURES)]
    names = [*FEATURES, "employer", "salary", "note", "faith"]
    skops.io.dump(
        make_pipeline(ColumnTransformer(parts), LogisticRegression()).fit(train[names], train["malignant"]), path
    )
