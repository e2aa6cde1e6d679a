"""Trains one recipe and writes what a release consists of: model, data, reports, manifest.

python train.py --recipe 1.0.0 --out build
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import skops.io
import yaml
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

import staleness
from generate import PERIOD, generate, split
from model import FEATURES, LABEL, TUNABLES, build

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """``change_reason`` is what the manifest tells of it; ``defects`` is how its data differs (see README).

    It learns from labels that were known on the day ``split`` and is tested on applications from then on.
    """

    change_reason: str
    defects: tuple[str, ...] = ()
    split: pd.Timestamp = PERIOD.split


RECIPES = {
    "1.0.0": Recipe(change_reason="initial"),
    "1.1.0": Recipe(change_reason="new_data", defects=("label_leak", "overlap")),
    "1.2.0": Recipe(change_reason="new_data", split=pd.Timestamp("2024-07-01", tz="UTC")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--staleness", action="store_true", help="Measure for MODEL-4, too: three more trainings.")
    asked = parser.parse_args()
    recipe, out = RECIPES[asked.recipe], asked.out
    (out / "reports").mkdir(parents=True, exist_ok=True)

    train, test = split(generate(defects=recipe.defects), defects=recipe.defects, at=recipe.split)
    model = build().fit(train[FEATURES], train[LABEL])
    auc = roc_auc_score(test[LABEL], model.predict_proba(test[FEATURES])[:, 1])

    train.to_parquet(out / "train.parquet", index=False)
    test.to_parquet(out / "test.parquet", index=False)
    skops.io.dump(model, out / "model.skops")
    (out / "reports" / "training.json").write_text(json.dumps(losses(model)))
    if asked.staleness:
        staleness.write(out)
    (out / "assay.yaml").write_text(manifest(asked.recipe, recipe, with_staleness=asked.staleness))
    print(f"credit-default {asked.recipe} (synthetic): {len(train)} rows to train, {len(test)} to test")
    print(f"ROC AUC on the test rows: {auc:.3f}")


def losses(model: Pipeline) -> dict[str, list[float]]:
    """The log loss after each round, on (at most 10,000 of) the training rows and on the rows kept aside."""
    learner = model[-1]
    return {"loss": (-learner.train_score_).tolist(), "validation_loss": (-learner.validation_score_).tolist()}


def manifest(version: str, recipe: Recipe, *, with_staleness: bool = False, run: str | None = None) -> str:
    """assay.yaml with what differs from recipe to recipe filled in. ``run``: the pipeline's, where one made it."""
    declared = yaml.safe_load((HERE / "assay.yaml").read_text())
    declared["version"] |= {"name": version, "change_reason": recipe.change_reason, "tunables": TUNABLES}
    if run:
        declared["version"]["pipeline"]["run"] = run
    if with_staleness:
        declared["evidence"].append({"kind": "staleness-predictions", "path": "reports/staleness.csv"})
    return yaml.safe_dump(declared, sort_keys=False)


if __name__ == "__main__":
    main()
