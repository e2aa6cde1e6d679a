"""Trains on what the served weeks turned out to be: model, data, reports, manifest, and a record of the run.

python retrain.py --version 1.3.0 --run 7 --reason degraded_accuracy --served build --out build/1.3.0

It stands in summer 2025, when all labels of 2024 are known; those of the weeks that ``traffic.py`` replayed below
``--served`` are read from its files. It learns from a year of applications and is tested on those that came after.
The record, ``run.json``, has a stage for each step, digests of the data, features, parameters and metrics.
"""

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import skops.io
from sklearn.metrics import log_loss, roc_auc_score

from generate import generate
from model import FEATURES, LABEL, TUNABLES, build
from train import Recipe, losses, manifest

TODAY = pd.Timestamp("2025-06-01", tz="UTC")
FIRST_DAY, TEST_DAY = pd.Timestamp("2023-11-01", tz="UTC"), pd.Timestamp("2024-11-01", tz="UTC")
FEWEST_ROWS, LOWEST_AUC = 10_000, 0.75
T = TypeVar("T")


class Run:
    """What the stages did, as the run's record tells it."""

    def __init__(self) -> None:
        self.stages: list[dict[str, Any]] = []

    def stage(self, name: str, role: str, work: Callable[[], T], *outputs: str) -> T:
        """Do a stage's work; one that raises ends the run."""
        done = work()
        self.stages.append({"name": name, "role": role, "state": "succeeded", "outputs": list(outputs)})
        return done


def extract(served: Path) -> pd.DataFrame:
    """All applications; for those that were served, the label that came."""
    applications = generate(known_by=TODAY).set_index("application_id", drop=False)
    for path in sorted(served.rglob("served-*/labels.csv")):
        came = pd.read_csv(path, index_col="application_id")
        applications.loc[came.index, LABEL] = came[LABEL].astype("Int8")
    return applications.reset_index(drop=True)


def validate(applications: pd.DataFrame) -> None:
    """Raises ValueError: there is too little, twice the same, or a feature that is empty."""
    if len(applications) < FEWEST_ROWS or applications["application_id"].duplicated().any():
        raise ValueError(f"{len(applications)} applications, some of them twice or too few")
    if empty := [name for name in FEATURES if applications[name].isna().all()]:
        raise ValueError(f"nothing in {', '.join(empty)}")


def prepare(applications: pd.DataFrame, out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    known = applications.dropna(subset=LABEL).astype({LABEL: "int64"})
    year = known[known["applied_at"].between(FIRST_DAY, TEST_DAY, inclusive="left")].reset_index(drop=True)
    later = known[known["applied_at"] >= TEST_DAY].reset_index(drop=True)
    year.to_parquet(out / "train.parquet", index=False)
    later.to_parquet(out / "test.parquet", index=False)
    return year, later


def accept(metrics: dict[str, float]) -> None:
    """Raises ValueError: the model is not worth being handed on."""
    if metrics["roc_auc"] < LOWEST_AUC:
        raise ValueError(f"ROC AUC {metrics['roc_auc']:.3f} is below {LOWEST_AUC}")


def digest(*paths: Path) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return f"sha256:{found.hexdigest()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", required=True)
    parser.add_argument("--run", required=True, help="the run's name")
    parser.add_argument("--reason", required=True, help="the change reason, as assay.yaml has it")
    parser.add_argument("--served", type=Path, required=True, help="folder below which traffic.py wrote its weeks")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    out, run = asked.out, Run()
    (out / "reports").mkdir(parents=True, exist_ok=True)

    applications = run.stage("extract", "extraction", lambda: extract(asked.served))
    run.stage("validate data", "validation", lambda: validate(applications))
    data = ("train.parquet", "test.parquet")
    train, test = run.stage("prepare", "preparation", lambda: prepare(applications, out), *data)
    model = run.stage("train", "training", lambda: build().fit(train[FEATURES], train[LABEL]), "model.skops")
    chances = model.predict_proba(test[FEATURES])[:, 1]
    metrics = {"roc_auc": roc_auc_score(test[LABEL], chances), "log_loss": log_loss(test[LABEL], chances)}
    run.stage("evaluate", "evaluation", lambda: metrics, "reports/training.json")
    run.stage("validate model", "model_validation", lambda: accept(metrics))

    skops.io.dump(model, out / "model.skops")
    (out / "reports" / "training.json").write_text(json.dumps(losses(model)))
    (out / "assay.yaml").write_text(manifest(asked.version, Recipe(asked.reason), run=asked.run))
    record = {
        "data_digest": digest(out / "train.parquet"),
        "evaluation_digest": digest(out / "test.parquet"),
        "pipeline_digest": digest(*sorted(Path(__file__).parent.glob("*.py"))),
        "stages": run.stages,
        "features": FEATURES,
        "parameters": TUNABLES,
        "metrics": metrics,
    }
    (out / "run.json").write_text(json.dumps(record))
    print(f"credit-default {asked.version} (synthetic): {len(train)} rows to train, {len(test)} to test")
    print(f"ROC AUC on the test rows: {metrics['roc_auc']:.3f}")


if __name__ == "__main__":
    main()
