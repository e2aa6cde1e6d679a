"""A world as the files of an attempt at an audit, judged in this process by what the worker's child runs."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import skops.io

import checks
from app.audits.attempt import (
    Attempt,
    CanaryFacts,
    DataFile,
    EarlierSubject,
    File,
    Found,
    HandedInFile,
    Operated,
    Operation,
    RoleFacts,
    Span,
    Subject,
    Traffic,
)
from app.audits.providers import Evidence
from app.audits.providing.contract import Provided
from app.audits.runner import run_check
from app.catalog.manifest import Manifest
from app.config import Settings
from app.engines.prediction_log import write_labels
from benchmarks.faults.worlds import END, START, Canary, World
from checks.contract import Missing
from checks.serving import Report, WeakSegments

ENVIRONMENT = "production"


def findings(world: World, tests: Sequence[str]) -> dict[str, Found]:
    """What the checks of these tests find in the world, under their default thresholds."""
    known = checks.discover()
    with in_a_folder() as folder:
        attempt = attempt_of(world, tests, folder)
        evidence = _WithoutReports(attempt)
        return {test: run_check(known[test], evidence, {}) for test in tests}


class _WithoutReports(Evidence):
    """Reports of other libraries are attached to findings and decide nothing; weak segments are slow to find, and
    only ever add to what MODEL-6 judges.
    """

    def get(self, kind: type) -> Provided:
        if issubclass(kind, Report | WeakSegments):
            raise Missing("a report", "not made here")
        return super().get(kind)


def attempt_of(world: World, tests: Sequence[str], folder: Path) -> Attempt:
    """Everything written into ``folder``, as a worker would have gathered it from database and store."""
    given: dict[str, Any] = {
        "checks": list(tests),
        "subject": Subject(**_subject(world.manifest, world.model, folder / "model.skops")),
        "moment": END.to_pydatetime(),
        "datasets": {role: _table(getattr(world, role), folder / f"{role}.parquet") for role in ("train", "test")},
        "traffic": _traffic(world, folder),
        "handed_in": _handed_in(world, folder),
        "operation": _operation(world, folder),
        "canary": _canary(world.canary, folder) if world.canary else None,
        "engines": str(Settings().engines_folder),
        "earlier": [_earlier(world, *one, folder, incumbent=not n) for n, one in enumerate(world.earlier)],
    }
    return Attempt(**(given | dict(world.facts)))


def _subject(manifest: Mapping[str, Any], model: Any, path: Path) -> dict[str, Any]:
    skops.io.dump(model, path)
    estimator = model[-1] if hasattr(model, "steps") else model
    content = Manifest.model_validate(manifest).content
    artifact = File(path=str(path), format="skops", digest=_digest(path))
    return {"manifest": content, "model_class": type(estimator).__name__, "artifact": artifact}


def _earlier(world: World, name: str, model: Any, folder: Path, *, incumbent: bool) -> EarlierSubject:
    manifest = {**world.manifest, "version": {**world.manifest["version"], "name": name}}
    subject = _subject(manifest, model, folder / f"model-{name}.skops")
    return EarlierSubject(**subject, name=name, incumbent=incumbent)


def _traffic(world: World, folder: Path) -> Traffic | None:
    if world.log.empty:
        return None
    labels = folder / "labels.parquet"
    known = world.served[[world.id, world.label]].dropna()
    ids, values = known.iloc[:, 0].astype(str), known[world.label].tolist()
    written = write_labels(dict(zip(ids, values, strict=True)), labels)
    return Traffic(
        environment=ENVIRONMENT,
        start=START.to_pydatetime(),
        end=END.to_pydatetime(),
        batches=[_file(world.log, folder / "log.parquet")],
        labels=File(path=str(labels), format="parquet", digest=written) if len(known) else None,
    )


def _operation(world: World, folder: Path) -> Operation:
    def operated(version: str, logs: Sequence[pd.DataFrame], runs: Sequence[bytes]) -> Operated:
        batches = [_file(log, folder / f"{version}-{n}.parquet") for n, log in enumerate(logs) if len(log)]
        return Operated(version=version, batches=batches, training_runs=[_bytes(run, folder) for run in runs])

    current = operated("1.0.0", [world.log], world.training_runs[0])
    previous = operated("0.9.0", [world.previous_log], world.training_runs[1])
    return Operation(
        window_start=START.to_pydatetime(),
        window_end=END.to_pydatetime(),
        drills=list(world.drills),
        current=current,
        previous=previous,
        all_batches=[*current.batches, *previous.batches],
    )


def _canary(canary: Canary, folder: Path) -> CanaryFacts:
    def role(name: str, log: pd.DataFrame, errors: int) -> RoleFacts:
        batch = _file(log, folder / f"{name}.parquet")
        return RoleFacts(requests=len(log) + errors, errors=errors, batches=[batch])

    return CanaryFacts(
        environment=ENVIRONMENT,
        spans=[Span(start=START.to_pydatetime(), end=END.to_pydatetime())],
        canary=role("canary", canary.log, canary.errors),
        stable=role("stable", canary.stable_log, canary.stable_errors),
    )


def _bytes(content: bytes, folder: Path) -> HandedInFile:
    path = folder / hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    return _handed("training-run", path)


def _handed_in(world: World, folder: Path) -> dict[str, list[HandedInFile]]:
    found: dict[str, list[HandedInFile]] = {}
    if not world.recomputed.empty:
        path = folder / "recomputed.parquet"
        world.recomputed.to_parquet(path, index=False)
        found["recomputed-features"] = [_handed("recomputed-features", path)]
    for kind, files in world.handed_in.items():
        for number, content in enumerate(files):
            path = folder / f"{kind}-{number}"
            path.write_bytes(content)
            found.setdefault(kind, []).append(_handed(kind, path))
    return found


def _handed(kind: str, path: Path) -> HandedInFile:
    return HandedInFile(path=str(path), format=kind, digest=_digest(path))


def _table(frame: pd.DataFrame, path: Path) -> DataFile:
    frame.to_parquet(path, index=False)
    return DataFile(path=str(path), format="parquet", digest=_digest(path))


def _file(frame: pd.DataFrame, path: Path) -> File:
    frame.to_parquet(path, index=False)
    return File(path=str(path), format="parquet", digest=_digest(path))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def in_a_folder() -> Iterator[Path]:
    """A folder of its own, which is the working directory meanwhile: checks leave their exhibits there."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(before)
