"""Replays what the lender's system served in some weeks: what was asked and answered, and later what came true.

python traffic.py --model build/1.0.0/model.skops --from 2024-10-07 --days 7 --out build/week-41

No application from 2024-10-03 on is in the training or test data of any recipe: its label is known 90 days later at
the earliest. (``retrain.py``, months later, learns from them.) Written are

- ``predictions.parquet``: application_id, applied_at, the features as the serving system saw them, the answer and
  its probability. What ``assay predictions push`` takes;
- ``recomputed.parquet``: the same features by the training pipeline, which ``rounding`` and ``unit_change`` spare;
- ``labels.csv``: application_id, defaulted, label_at. What ``assay labels push`` takes, months later;
- ``request.json``: the last application as a request to a server of the Open Inference Protocol.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import skops.io
from sklearn.pipeline import Pipeline

from generate import generate
from model import CATEGORIES, FEATURES

FIRST_DAY = pd.Timestamp("2024-10-03", tz="UTC")
YEARS_LATER = pd.Timestamp("2027-01-01", tz="UTC")
DEFECTS = ("unit_change", "rounding", "label_shift")


class Traffic(NamedTuple):
    """One row an application in each table, oldest first."""

    predictions: pd.DataFrame
    recomputed: pd.DataFrame
    labels: pd.DataFrame


def replay(model: Pipeline, start: pd.Timestamp, days: int, defects: Iterable[str] = ()) -> Traffic:
    """What ``model`` answered from ``start`` on.

    Raises:
        ValueError: some of those applications may be in the data of a recipe, or there are none.
    """
    if start < FIRST_DAY:
        raise ValueError(f"{start:%Y-%m-%d} is before {FIRST_DAY:%Y-%m-%d}: such applications trained or tested it")
    sound, served = (
        _between(generate(defects=names, known_by=YEARS_LATER), start, days) for names in ((), tuple(defects))
    )
    if served.empty:
        raise ValueError(f"nobody applied in the {days} days from {start:%Y-%m-%d} on")
    probability = model.predict_proba(served[FEATURES])[:, 1]
    answered = served[["application_id", "applied_at", *FEATURES]].assign(
        prediction=(probability >= 0.5).astype(int), probability=probability
    )
    return Traffic(
        answered, sound[["application_id", *FEATURES]], served[["application_id", "defaulted", "label_at"]]
    )


def _between(frame: pd.DataFrame, start: pd.Timestamp, days: int) -> pd.DataFrame:
    asked = frame["applied_at"].between(start, start + pd.Timedelta(days=days), inclusive="left")
    return frame[asked].reset_index(drop=True)


def request(application: pd.Series) -> dict[str, Any]:
    """An inference request of one row: a tensor a feature; what is missing is null."""
    return {
        "id": f"{application['application_id']}-again",
        "inputs": [_tensor(n, application[n]) for n in FEATURES],
    }


def _tensor(name: str, value: Any) -> dict[str, Any]:
    datatype = "BYTES" if name in CATEGORIES else "INT64" if isinstance(value, int | np.integer) else "FP64"
    plain = None if pd.isna(value) else value if datatype == "BYTES" else value.item()
    return {"name": name, "datatype": datatype, "shape": [1], "data": [plain]}


def load(path: Path) -> Pipeline:
    """The model that train.py wrote: a file of our own, so its types are trusted."""
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="model.skops, as train.py wrote it")
    parser.add_argument("--from", dest="start", required=True, help="first day, such as 2024-10-07")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--defect", choices=DEFECTS, action="append", default=[])
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    asked = parser.parse_args()
    traffic = replay(load(asked.model), pd.Timestamp(asked.start, tz="UTC"), asked.days, asked.defect)
    asked.out.mkdir(parents=True, exist_ok=True)
    traffic.predictions.to_parquet(asked.out / "predictions.parquet", index=False)
    traffic.recomputed.to_parquet(asked.out / "recomputed.parquet", index=False)
    (asked.out / "request.json").write_text(json.dumps(request(traffic.predictions.iloc[-1])))
    traffic.labels.to_csv(asked.out / "labels.csv", index=False)
    spoiled = f", with {', '.join(asked.defect)}" if asked.defect else ""
    print(f"{len(traffic.predictions)} synthetic applications of {asked.days} days from {asked.start} on{spoiled}")


if __name__ == "__main__":
    main()
