"""Quality estimated without labels: Assay's CBPE and DLE against NannyML's, on the same rows in the same run.

A model is trained, labelled rows are the reference, and further rows are served whose inputs have moved; their
labels are known here alone. NannyML runs in the environment that ``make peers`` installs. Prints what is true, both
estimates and their difference (of an error metric as a share of it), beside the error that Assay states for its
own; ends with 1 where they are further apart than ``LIMITS`` allows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ROWS, SEED = 20_000, 28
LIMITS = {"binary": 0.01, "multiclass": 0.01, "regression": 0.03}
PEER = Path(__file__).parents[1] / ".peers" / "bin" / "python"
METRICS = {
    "binary": ("roc_auc", "accuracy", "f1"),
    "multiclass": ("roc_auc", "accuracy"),
    "regression": ("mae", "rmse"),
}
SHIFTS = {"none": 0.0, "moderate": 0.5, "strong": 1.0}
CLASSES = ("a", "b", "c")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path, help="The other side: a folder with the data.")
    folder = parser.parse_args().peer
    if folder:
        print(json.dumps({case.stem: theirs(case) for case in sorted(folder.glob("*.parquet"))}))
        return
    if not PEER.exists():
        raise SystemExit("NannyML is not installed: make peers")
    with TemporaryDirectory() as scratch:
        made = {f"{task}-{shift}": data(task, SHIFTS[shift]) for task in METRICS for shift in SHIFTS}
        for case, frame in made.items():
            frame.to_parquet(Path(scratch) / f"{case}.parquet", index=False)
        environment = os.environ | {"NML_DISABLE_USAGE_LOGGING": "1"}
        command = [str(PEER), "-W", "ignore", __file__, "--peer", scratch]
        answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        compare(made, json.loads(answer.stdout.splitlines()[-1]))


def compare(made: dict[str, pd.DataFrame], theirs: dict[str, dict[str, float]]) -> None:
    print(f"{ROWS} labelled and {ROWS} served rows a case")
    print(f"{'case':22}{'metric':10}{'true':>8}{'Assay':>8}{'NannyML':>9}{'apart':>8}{'our error':>11}")
    worst = dict.fromkeys(METRICS, 0.0)
    for case, frame in made.items():
        task = case.split("-")[0]
        for metric in METRICS[task]:
            true, own, error = ours(case, frame, metric)
            other = theirs[case][metric]
            apart = abs(own - other) / (abs(true) if task == "regression" else 1)
            worst[task] = max(worst[task], apart)
            print(f"{case:22}{metric:10}{true:8.4f}{own:8.4f}{other:9.4f}{apart:8.4f}{error:11.4f}")
    for task, limit in LIMITS.items():
        print(f"worst difference, {task}: {worst[task]:.4f} (limit {limit})")
    if any(worst[task] > limit for task, limit in LIMITS.items()):
        raise SystemExit(1)


def data(task: str, shift: float) -> pd.DataFrame:
    """Features x0 to x3, ``y``, ``pred``, ``proba`` (binary) or ``proba_<class>``, and whether ``served``."""
    import numpy as np
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    rng = np.random.default_rng(SEED)
    x = rng.normal(0, 1, (3 * ROWS, 4))
    x[2 * ROWS :, 0] += shift
    frame = pd.DataFrame(x, columns=[f"x{n}" for n in range(4)])
    signal = x[:, 0] + 0.7 * x[:, 1] * x[:, 2] - 0.5 * x[:, 3]
    trained, rest = slice(0, ROWS), slice(ROWS, None)
    if task == "regression":
        y = signal + rng.normal(0, 1, len(x)) * np.exp(0.4 * x[:, 0])  # where x0 is large, errors are
        model = HistGradientBoostingRegressor(random_state=SEED, max_iter=100).fit(x[trained], y[trained])
        found = frame.assign(y=y, pred=model.predict(x))
    else:
        cuts = (0.0,) if task == "binary" else (-0.7, 0.7)
        place = np.digitize(signal + rng.logistic(0, 0.7, len(x)), cuts)
        y = place if task == "binary" else np.array(CLASSES)[place]
        chosen = HistGradientBoostingClassifier(random_state=SEED, max_iter=60, max_leaf_nodes=8)
        model = chosen.fit(x[trained], y[trained])
        proba = model.predict_proba(x)
        names = ["", "proba"] if task == "binary" else [f"proba_{name}" for name in CLASSES]
        columns = {name: proba[:, n] for n, name in enumerate(names) if name}
        found = frame.assign(y=y, pred=model.predict(x), **columns)
    return found.assign(served=np.arange(len(x)) >= 2 * ROWS)[rest].reset_index(drop=True)


def ours(case: str, frame: pd.DataFrame, metric: str) -> tuple[float, float, float]:
    """What is true, what Assay estimates, and how far it says to err."""
    from checks.evidence import Declaration, Feature, Predictions, Task
    from checks.methods.estimation import estimate
    from checks.methods.metrics import quality, unsigned
    from checks.methods.served import Answers

    task = Task(case.split("-", maxsplit=1)[0])
    features = tuple(Feature(f"x{n}", "number") for n in range(4))
    classes: tuple[Any, ...] = {"binary": (0, 1), "multiclass": CLASSES}.get(task.value, ())
    declared = Declaration(case, "1", task, "y", features, metric, schema_declared=True, positive=1)

    def answers(rows: pd.DataFrame) -> Answers:
        proba = None
        if task is Task.BINARY:
            proba = rows.assign(other=1 - rows["proba"])[["other", "proba"]].to_numpy()
        if task is Task.MULTICLASS:
            proba = rows[[f"proba_{name}" for name in CLASSES]].to_numpy()
        return Answers(rows, Predictions(rows["pred"].to_numpy(), proba, classes), rows["y"].to_numpy(), 0)

    reference, served = (answers(frame[frame["served"] == side].reset_index(drop=True)) for side in (False, True))
    found = estimate(declared, reference, served)
    true = quality(declared, served.truth, served.predicted)
    return unsigned(metric, true), unsigned(metric, found.quality), found.error


def theirs(path: Path) -> dict[str, float]:
    """What NannyML estimates, over all served rows at once."""
    import pandas as pd
    from nannyml import CBPE, DLE

    frame, task = pd.read_parquet(path), path.stem.split("-")[0]
    metrics = list(METRICS[task])
    common = {"metrics": metrics, "y_pred": "pred", "y_true": "y", "chunk_size": ROWS}
    if task == "regression":
        estimator = DLE(feature_column_names=[f"x{n}" for n in range(4)], **common)
    else:
        proba = "proba" if task == "binary" else {name: f"proba_{name}" for name in CLASSES}
        estimator = CBPE(y_pred_proba=proba, problem_type=f"classification_{task}", **common)
    estimator.fit(frame[~frame["served"]].drop(columns="served"))
    found = estimator.estimate(frame[frame["served"]].drop(columns=["served", "y"]))
    table = found.filter(period="analysis").to_df()
    return {metric: float(table[metric, "value"].iloc[0]) for metric in metrics}


if __name__ == "__main__":
    main()
