"""All computable tests of a version beside deepchecks' full suite: ``python -m benchmarks.whole_audit``.

100,000 rows of 30 numbers to train on and as many to test on, boosted trees, 20,000 logged predictions. Each side
runs in a process of its own, one after the other. Ours is what the worker's child runs, without reports of others;
theirs is ``full_suite`` on the same two tables with the same predictions.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier

from app.audits.providers import Evidence
from app.config import Settings
from app.engines import deepchecks
from app.engines.deepchecks import files
from benchmarks.faults.attempts import attempt_of, findings
from benchmarks.faults.run import computed_tests
from benchmarks.faults.surroundings import surrounded
from benchmarks.faults.worlds import END, ORGANISATION, World, declared_by_data
from checks.evidence import Declaration, Holdout, HoldoutPredictions, TrainingData
from checks.methods.cohorts import labelled

ROWS, FEATURES, SERVED, SEED = 100_000, 30, 20_000, 28


def world() -> World:
    """Seeded: ten columns tell the label, ten repeat them, ten are noise."""
    values, label = make_classification(
        2 * ROWS + SERVED, FEATURES, n_informative=10, n_redundant=10, flip_y=0.05, random_state=SEED
    )
    frame = pd.DataFrame(values, columns=[f"x{n}" for n in range(FEATURES)])
    days = np.random.default_rng(SEED).random(len(frame)) * 60
    frame = frame.assign(
        bought=label,
        id=[f"R{n:06d}" for n in range(len(frame))],
        known_at=(END - pd.to_timedelta(10 + days, unit="D")).as_unit("us"),
        site=np.random.default_rng(SEED + 1).choice(["A", "B"], len(frame)),
    )
    manifest = declared_by_data("whole-audit", frame, "bought", list(frame.columns[:FEATURES]))
    train, test, served = frame[:ROWS], frame[ROWS : 2 * ROWS], frame[2 * ROWS :]
    model = HistGradientBoostingClassifier(random_state=SEED)
    model.fit(train[list(frame.columns[:FEATURES])], train["bought"])
    parts = [part.reset_index(drop=True) for part in (train, test, served)]
    made = World("whole-audit", manifest, *parts, model, facts={"organisation": ORGANISATION})
    return surrounded(made.serving(made.served))


def ours() -> None:
    warnings.simplefilter("ignore")
    prepared = world()
    began = time.monotonic()
    found = findings(prepared, computed_tests())
    for test, one in found.items():
        print(f"{test} {one.verdict} in {one.seconds:.1f} s")
    told("Assay, all computable tests", time.monotonic() - began, resource.RUSAGE_SELF)
    concluded = sum(one.verdict in {"pass", "fail"} for one in found.values())
    print(f"{concluded} of these {len(found)} tests came to a conclusion", flush=True)


def theirs() -> None:
    files.SUITE_ROWS = ROWS
    prepared = world()
    with tempfile.TemporaryDirectory() as name:
        evidence = Evidence(attempt_of(prepared, ["MODEL-6"], Path(name)))
        declared, train, test, made = (
            evidence.get(kind).value for kind in (Declaration, TrainingData, Holdout, HoldoutPredictions)
        )
        before = prepared.model.predict_proba(train.frame[declared.feature_names])
        learned = HoldoutPredictions(
            prepared.model.predict(train.frame[declared.feature_names]), before, made.classes
        )
        request = deepchecks.Request(declared, labelled(declared, train, learned), labelled(declared, test, made))
        began = time.monotonic()
        deepchecks.run(Settings().engines_folder, request, seconds=1_200)
    told("deepchecks, full_suite alone", time.monotonic() - began, resource.RUSAGE_CHILDREN)


def told(what: str, seconds: float, who: int) -> None:
    print(f"{what}: {seconds:.1f} s, {resource.getrusage(who).ru_maxrss / 1024:.0f} MB at most", flush=True)


def main() -> None:
    sides = {"ours": ours, "theirs": theirs}
    if len(sys.argv) > 1:
        sides[sys.argv[1]]()
        return
    for side in sides:
        subprocess.run([sys.executable, "-m", "benchmarks.whole_audit", side], check=True)


if __name__ == "__main__":
    main()
