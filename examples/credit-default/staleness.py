"""Trains the recipe to several dates and predicts the same test rows with each: the evidence for MODEL-4.

python staleness.py --out build        (after train.py, into whose folder it writes reports/staleness.csv)
"""

import argparse
from pathlib import Path

import pandas as pd

from model import FEATURES, LABEL, build

CUTOFFS_BACK = (45, 90, 150)
"""Days before the end of the training data; with the version itself, four dates, past the cadence of 90 days."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    write(out)


def write(out: Path) -> None:
    """Write reports/staleness.csv beside the data that ``train.py`` wrote."""
    train, test = pd.read_parquet(out / "train.parquet"), pd.read_parquet(out / "test.parquet")
    predicted = pd.concat([trained_until(train, test, days) for days in CUTOFFS_BACK])
    (out / "reports").mkdir(exist_ok=True)
    predicted.to_csv(out / "reports" / "staleness.csv", index=False)
    print(f"{len(CUTOFFS_BACK)} trainings predict {len(test)} test rows")


def trained_until(train: pd.DataFrame, test: pd.DataFrame, days: int) -> pd.DataFrame:
    """Id, cutoff, prediction and score of every test row by a training that ends so many days earlier."""
    end = train["applied_at"].max() - pd.Timedelta(days=days)
    known = train[train["applied_at"] <= end]
    score = build().fit(known[FEATURES], known[LABEL]).predict_proba(test[FEATURES])[:, 1]
    columns = {"id": test["application_id"], "cutoff": end.date(), "prediction": (score > 0.5).astype(int)}
    return pd.DataFrame({**columns, "score": score.round(6)})


if __name__ == "__main__":
    main()
