"""Drift of two large data sets: Assay's column profiles against Evidently's DataDriftPreset, in the same run.

Each side runs in a process of its own over the same Parquet files, made by a seeded generator; reading them counts,
importing libraries does not. Assay runs before and after Evidently and its slower run counts, because other work on
the machine comes and goes. Prints wall-clock and processor time, peak memory, and the worst difference of the two
distances in any column. ``--rows 200000`` for a quick look.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ROWS = 1_000_000
NUMBERS, CATEGORIES = 24, 6
FASTER, MEMORY_MB, APART = 25, 700, 0.005


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--side", choices=("assay", "evidently", "data"))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.side == "data":
        make(given.folder, given.rows)
    elif given.side:
        print(json.dumps({"assay": assay, "evidently": evidently}[given.side](given.folder)))
    else:
        compare(given.rows)


def compare(rows: int) -> None:
    with TemporaryDirectory() as folder:
        child("data", rows, folder)
        runs = [json.loads(child(side, rows, folder)) for side in ("assay", "evidently", "assay")]
    ours, theirs = max(runs[::2], key=lambda run: float(run["seconds"])), runs[1]
    print(f"{rows} rows x {NUMBERS + CATEGORIES} columns x 2 sets; Evidently {version('evidently')}")
    for name, side in (("assay", ours), ("evidently", theirs)):
        print(f"{name:10} {side['seconds']:7.2f} s  {side['cpu']:7.2f} s CPU  {side['peak_mb']:6.0f} MB")
    ratio = theirs["seconds"] / ours["seconds"]
    print(f"ratio      {ratio:7.1f}    (at least {FASTER} is due, under {MEMORY_MB} MB)")
    for measure in ("wasserstein", "jensen_shannon"):
        apart = {c: abs(ours[measure][c] - value) for c, value in theirs[measure].items()}
        worst = max(apart, key=lambda column: apart[column])
        print(f"{measure}: {len(apart)} columns, worst difference {apart[worst]:.1e} in {worst} (limit {APART})")


def child(side: str, rows: int, folder: str) -> str:
    command = [sys.executable, "-m", "benchmarks.drift", "--side", side, "--rows", str(rows), "--folder", folder]
    environment = {**os.environ, "DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def make(folder: Path, rows: int) -> None:
    for seed, name in enumerate(("reference", "serving")):
        frame(rows, seed).to_parquet(folder / f"{name}.parquet")


def frame(rows: int, seed: int) -> pd.DataFrame:
    """Normal, skewed, discrete, constant and mostly missing numbers, and categories; drifting a bit."""
    import numpy as np
    import pandas as pd

    rng, shift = np.random.default_rng(seed), 0.05 * seed
    columns: dict[str, Any] = {}
    for i in range(NUMBERS):
        kinds = (
            lambda i=i: rng.normal(10 * i + shift * i, 3, rows),
            lambda i=i: rng.lognormal(shift, 0.5 + i / 12, rows),
            lambda i=i: rng.poisson(2 + i + shift * i, rows),
            lambda i=i: np.where(rng.random(rows) < 0.6, np.nan, rng.gamma(2, 1 + shift * i, rows)),
            lambda: np.where(rng.random(rows) < 0.8, 0.0, rng.exponential(100, rows)),
            lambda i=i: np.full(rows, float(i)) if i < 6 else rng.integers(0, 3 + i // 2, rows),
        )
        columns[f"number {i}"] = kinds[i % len(kinds)]()
    for i in range(CATEGORIES):
        names = np.array([f"value {k}" for k in range(3 + 8 * i)])
        weights = 1.0 / np.arange(1 + seed * i / 10, len(names) + 1 + seed * i / 10)[: len(names)]
        columns[f"category {i}"] = rng.choice(names, rows, p=weights / weights.sum())
    return pd.DataFrame(columns)


def columns_of(prefix: str) -> list[str]:
    number = NUMBERS if prefix == "number" else CATEGORIES
    return [f"{prefix} {i}" for i in range(number)]


def assay(folder: Path) -> dict[str, Any]:
    import duckdb  # noqa: F401 - imported before the clock starts, as are Evidently's libraries
    import pandas as pd  # noqa: F401
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401

    from app.engines.distances import coarse, jensen_shannon, wasserstein
    from app.engines.duck import Side, profiles
    from checks.evidence import Feature

    started, cpu = time.perf_counter(), time.process_time()
    features = [Feature(name, kind) for kind in ("number", "category") for name in columns_of(kind)]
    sides = [Side([(folder / f"{name}.parquet", "parquet")]) for name in ("reference", "serving")]
    found = profiles(*sides, features, folder)
    pairs = {name: (found.reference[name], found.serving[name]) for name in found.reference}
    measured = {
        "wasserstein": {name: wasserstein(*pair) for name, pair in pairs.items()},
        "jensen_shannon": {name: jensen_shannon(*pair) for name, pair in pairs.items()},
    }
    assert all(coarse(serving, reference).rows for reference, serving in pairs.values())
    return {**spent(started, cpu), **measured}


def evidently(folder: Path) -> dict[str, Any]:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    started, cpu = time.perf_counter(), time.process_time()
    definition = DataDefinition(numerical_columns=columns_of("number"), categorical_columns=columns_of("category"))
    reference, serving = (
        Dataset.from_pandas(pd.read_parquet(folder / f"{name}.parquet"), definition)
        for name in ("reference", "serving")
    )
    Report([DataDriftPreset()]).run(serving, reference).dict()
    return spent(started, cpu) | _distances(reference.as_dataframe(), serving.as_dataframe())


def _distances(reference: pd.DataFrame, serving: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Evidently's own functions, column by column: which of the two the preset takes depends on the column."""
    import numpy as np
    from evidently.legacy.calculations.stattests.jensenshannon import _jensenshannon
    from evidently.legacy.calculations.stattests.wasserstein_distance_norm import _wasserstein_distance_norm
    from evidently.legacy.core import ColumnType

    found: dict[str, dict[str, float]] = {"wasserstein": {}, "jensen_shannon": {}}
    for name in reference.columns:
        kind = ColumnType.Numerical if name.startswith("number") else ColumnType.Categorical
        sides = [side[name].replace([-np.inf, np.inf], np.nan).dropna() for side in (reference, serving)]
        found["jensen_shannon"][name] = float(_jensenshannon(*sides, kind, 0.1)[0])
        if kind is ColumnType.Numerical:
            found["wasserstein"][name] = float(_wasserstein_distance_norm(*sides, kind, 0.1)[0])
    return found


def spent(started: float, cpu: float) -> dict[str, Any]:
    """Seconds on the clock and of the processor since then, and the peak of resident memory (MB)."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu, "peak_mb": peak}


if __name__ == "__main__":
    main()
