"""scikit-learn's diabetes data (Efron and others 2004, 442 patients), unscaled, split once and for all.

The data tells no dates, and it does not say which ``sex`` 1 and 2 stand for; nothing of the kind is made up here.
"""

import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

LABEL = "progression"
FEATURES = ["sex", "bmi", "blood_pressure", "hdl", "ltg"]
NAMES = {"bp": "blood_pressure", "s3": "hdl", "s5": "ltg", "target": LABEL}
OLDER = 50


def load() -> pd.DataFrame:
    """One row a patient: ``row`` is the place in scikit-learn's data, ``progression`` a score after one year.

    ``age_group`` puts ``age`` into two bands, each large enough to be compared.
    """
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns=NAMES)
    frame = frame.astype({"sex": "int64", "age": "int64"})
    frame["age_group"] = (frame["age"] >= OLDER).map({True: "50 and over", False: "under 50"})
    return frame[["age", "age_group", *FEATURES, LABEL]].rename_axis("row").reset_index()


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(train, test), 221 rows each: enough for 100 of each sex in the test data."""
    train, test = train_test_split(frame, test_size=0.5, stratify=frame["sex"], random_state=28)
    return train.reset_index(drop=True), test.reset_index(drop=True)
