"""Trains a version twice by the administrator's command and tells what came out; off unless a pipeline is named."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app import sandbox
from app.audits.attempt import Attempt, Training
from app.audits.providing.files import unchanged
from app.engines import bubblewrap
from app.errors import Invalid
from app.evidence.kinds import MEGABYTE
from app.evidence.training_outcome import OutcomeForm
from checks.contract import Missing
from checks.experiments import TrainingOutcome

JOB, OUTCOME = "job.json", "outcome.json"
MOST_BYTES = 20 * MEGABYTE
LONGEST_WORDS = 300
REMEDY = "see what the command of ASSAY_TRAIN_TWICE says when it is run by hand with the same job.json"


def trained_twice(attempt: Attempt, training: Training) -> tuple[TrainingOutcome, TrainingOutcome]:
    """The outcomes of two trainings of the attempt's version, each in an empty folder, the newer first.

    Raises:
        Missing: the version names no commit, nothing isolates the command, or it gave no outcome.
    """
    commit = attempt.subject.manifest["version"].get("commit")
    if commit is None:
        raise Missing("the commit that the service would train from", "name it in the manifest: version.commit")
    first, second = (_trained(attempt, training, commit, f"service-{number}") for number in (1, 2))
    return second, first


def _trained(attempt: Attempt, training: Training, commit: str, run: str) -> TrainingOutcome:
    inputs = {f"{role}.{attempt.datasets[role].format}": _data(attempt, role) for role in ("train", "test")}
    manifest = attempt.subject.manifest
    config = manifest["version"]["tunables"]
    job = {
        "pipeline": training.pipeline,
        "model": manifest["model"]["name"],
        "version": manifest["version"]["name"],
        "commit": commit,
        "config": config,
        "data": {name.split(".")[0]: f"{bubblewrap.INPUTS}/{name}" for name in inputs},
    }
    with TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        (folder / JOB).write_text(json.dumps(job))
        try:
            bubblewrap.run(
                training.command, read=training.read, inputs=inputs, folder=folder, seconds=training.seconds
            )
        except sandbox.Stopped as stopped:
            words = stopped.tail[-LONGEST_WORDS:].splitlines()[-1:]
            raise Missing(f"the outcome of a training: it {': '.join([str(stopped), *words])}", REMEDY) from None
        given = _outcome(folder / OUTCOME)
    data = attempt.datasets["train"].digest
    return TrainingOutcome(run=run, commit=commit, data=data, config=config, **given)


def _data(attempt: Attempt, role: str) -> Path:
    return unchanged(attempt.datasets[role], role)


def _outcome(path: Path) -> dict[str, Any]:
    """What the command wrote, which may be anything: no links, no pipes, no endless file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise Missing(f"the outcome of a training: it left no file {OUTCOME}", REMEDY) from None
    with os.fdopen(descriptor, "rb") as file:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode) or told.st_size > MOST_BYTES:
            most = f"of at most {MOST_BYTES // MEGABYTE} MB"
            raise Missing(f"the outcome of a training: {OUTCOME} is no file {most}", REMEDY)
        content = file.read(MOST_BYTES)
    try:
        return OutcomeForm.read(content, "the outcome of a training").model_dump()
    except Invalid as error:
        raise Missing(f"the outcome of a training: {OUTCOME}: {error.detail}", REMEDY) from None
