"""Trains one recipe and writes what a release consists of: model, data, manifest.

python train.py --recipe 1.0.0 --out build
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import skops.io
import yaml
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import Pipeline

from data import FEATURES, LABEL, load, split
from model import ridge, tree

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """``change_reason`` is what the manifest tells of it."""

    change_reason: str
    build: Callable[..., Pipeline]
    tunables: dict[str, Any]


RECIPES = {
    "1.0.0": Recipe(change_reason="initial", build=ridge, tunables={"alpha": 1.0}),
    "1.1.0": Recipe(change_reason="new_approach", build=tree, tunables={"max_depth": None}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    recipe, out = RECIPES[asked.recipe], asked.out
    (out / "reports").mkdir(parents=True, exist_ok=True)

    train, test = split(load())
    model = recipe.build(**recipe.tunables).fit(train[FEATURES], train[LABEL])
    errors = [mean_absolute_error(rows[LABEL], model.predict(rows[FEATURES])) for rows in (train, test)]

    train.to_parquet(out / "train.parquet", index=False)
    test.to_parquet(out / "test.parquet", index=False)
    skops.io.dump(model, out / "model.skops")
    (out / "assay.yaml").write_text(manifest(asked.recipe, recipe))
    print(f"diabetes-progression {asked.recipe}: {len(train)} rows to train, {len(test)} to test")
    print(f"mean absolute error: {errors[0]:.1f} in training, {errors[1]:.1f} in test")


def manifest(version: str, recipe: Recipe) -> str:
    """assay.yaml with what differs from recipe to recipe filled in."""
    declared = yaml.safe_load((HERE / "assay.yaml").read_text())
    declared["version"] |= {"name": version, "change_reason": recipe.change_reason, "tunables": recipe.tunables}
    return yaml.safe_dump(declared, sort_keys=False)


if __name__ == "__main__":
    main()
