"""scikit-learn's breast-cancer data (Wisconsin, 569 biopsies), split once and for all.

The data tells neither when a biopsy was taken nor from whom; nothing of the kind is made up here.
"""

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

LABEL = "malignant"
FEATURES = ["worst_area", "worst_texture", "worst_concave_points", "radius_error"]


def load() -> pd.DataFrame:
    """One row a biopsy: ``row`` is its place in scikit-learn's data, ``malignant`` is 1 where that says 0."""
    frame = load_breast_cancer(as_frame=True).frame.rename(columns=lambda name: name.replace(" ", "_"))
    frame[LABEL] = 1 - frame.pop("target")
    return frame[[*FEATURES, LABEL]].rename_axis("row").reset_index()


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(train, test), 341 and 228 rows: enough to look at slices of 100 in the test data."""
    train, test = train_test_split(frame, test_size=0.4, stratify=frame[LABEL], random_state=28)
    return train.reset_index(drop=True), test.reset_index(drop=True)
