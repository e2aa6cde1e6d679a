"""Trains one recipe and writes what a release consists of: model, data, manifest.

python train.py --recipe 1.0.0 --out build
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import skops.io
import yaml
from sklearn.metrics import roc_auc_score

from data import FEATURES, LABEL, load, split
from model import as_onnx, build

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """``change_reason`` is what the manifest tells of it."""

    change_reason: str
    artifact: str
    tunables: dict[str, float]


RECIPES = {
    "1.0.0": Recipe(change_reason="initial", artifact="model.skops", tunables={"C": 1.0}),
    "1.1.0": Recipe(change_reason="new_approach", artifact="model.onnx", tunables={"C": 0.3}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    recipe, out = RECIPES[asked.recipe], asked.out
    (out / "reports").mkdir(parents=True, exist_ok=True)

    train, test = split(load())
    model = build(**recipe.tunables).fit(train[FEATURES], train[LABEL])
    auc = roc_auc_score(test[LABEL], model.predict_proba(test[FEATURES])[:, 1])

    train.to_parquet(out / "train.parquet", index=False)
    test.to_parquet(out / "test.parquet", index=False)
    stored = as_onnx(model) if recipe.artifact.endswith(".onnx") else skops.io.dumps(model)
    (out / recipe.artifact).write_bytes(stored)
    (out / "assay.yaml").write_text(manifest(asked.recipe, recipe))
    print(f"tumour-malignancy {asked.recipe}: {len(train)} rows to train, {len(test)} to test")
    print(f"ROC AUC on the test rows: {auc:.3f}")


def manifest(version: str, recipe: Recipe) -> str:
    """assay.yaml with what differs from recipe to recipe filled in."""
    declared = yaml.safe_load((HERE / "assay.yaml").read_text())
    declared["version"] |= {"name": version, **vars(recipe)}
    return yaml.safe_dump(declared, sort_keys=False)


if __name__ == "__main__":
    main()
