"""The version in the serving runtime, and its time as canary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from app.audits.attempt import Attempt, RoleFacts, Span
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.declared import masks
from app.catalog.manifest import Manifest
from app.config import Settings
from app.errors import AssayError, Invalid
from checks.canaries import CanaryTraffic, RoleTraffic, ServedHoldout
from checks.contract import SEED, Missing
from checks.evidence import Holdout, Predictions, Predictor
from checks.serving import AT, LATENCY

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.serving.runner import Runner

MOST_ROWS = 10_000
ROWS_A_REQUEST = 1_000
Answer = dict[str, Any]


def _served_holdout(source: Source, attempt: Attempt) -> Provided:
    """Ask the model as the gateway does: through the door's validation, by a process of its own."""
    import numpy as np

    from app.serving.runner import Runner

    if attempt.traffic is None:
        raise Missing("an environment", "audit with --environment, where the version is or was a canary")
    artifact, holdout = source.get(Predictor), source.get(Holdout)
    frame, manifest = holdout.value.frame, Manifest.model_validate(attempt.subject.manifest)
    positions = np.arange(len(frame))
    if len(frame) > MOST_ROWS:
        positions = np.sort(np.random.default_rng(SEED).choice(len(frame), MOST_ROWS, replace=False))
    inputs = artifact.inputs | holdout.inputs
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), **attempt.serving)
        runner = Runner(_model(attempt), settings)
        try:
            answers = list(_answers(runner, manifest, frame, positions))
        except AssayError as error:
            return Provided(ServedHoldout(positions, positions[:0], None, error.detail), inputs)
        finally:
            runner.close()
    answered = [rows for rows, _ in answers]
    kept = np.concatenate(answered) if answered else positions[:0]
    return Provided(ServedHoldout(positions, kept, _predictions([answer for _, answer in answers])), inputs)


def _model(attempt: Attempt) -> dict[str, Any]:
    subject = attempt.subject
    if subject.artifact is None or subject.artifact.path is None:
        raise FileNotFoundError("the model's file is gone")
    return {
        "path": subject.artifact.path,
        "format": subject.artifact.format,
        "manifest": subject.manifest,
        "model_class": subject.model_class,
        "masked": masks(attempt),
    }


def _answers(
    runner: Runner, manifest: Manifest, frame: pd.DataFrame, positions: np.ndarray
) -> Iterator[tuple[np.ndarray, Answer]]:
    """Answers with the rows that they are for. A refused request is halved until its bad rows stand alone."""
    from app.serving.rows import tensors_of_rows
    from app.serving.tensors import columns_of

    waiting = [positions[i : i + ROWS_A_REQUEST] for i in range(0, len(positions), ROWS_A_REQUEST)][::-1]
    while waiting:
        rows = waiting.pop()
        tensors = tensors_of_rows(manifest.features, frame.iloc[rows])
        try:
            columns, _ = columns_of(tensors, manifest.features, ROWS_A_REQUEST)
            yield rows, runner.predict(columns)
        except Invalid:
            half = len(rows) // 2
            waiting += [rows[half:], rows[:half]] if half else []


def _predictions(answers: Sequence[Answer]) -> Predictions | None:
    import numpy as np

    if not answers:
        return None
    label = np.array([value for answer in answers for value in answer["label"]])
    proba = [row for answer in answers for row in answer["proba"] or ()]
    return Predictions(label, np.array(proba) if proba else None, tuple(answers[0]["classes"]))


def _canary_traffic(_source: Source, attempt: Attempt) -> Provided:
    facts = attempt.canary
    if facts is None:
        raise Missing("a canary of this version in an environment", "deploy it in the role canary")
    value = CanaryTraffic(
        environment=facts.environment,
        start=facts.spans[0].start,
        end=facts.spans[-1].end,
        canary=_traffic(facts.canary, facts.spans),
        stable=_traffic(facts.stable, facts.spans) if facts.stable else None,
    )
    files = [*facts.canary.batches, *(facts.stable.batches if facts.stable else [])]
    return Provided(value, {f"canary log {number}": file.digest for number, file in enumerate(files[:100], 1)})


def _traffic(role: RoleFacts, spans: Sequence[Span]) -> RoleTraffic:
    """Rows of one request have the same time and the same latency, and count once."""
    import pandas as pd

    from app.audits.providing.operation import latencies

    parts = [latencies(role.batches, span.start, span.end) for span in spans]
    once = pd.concat(parts).drop_duplicates([AT, LATENCY])
    return RoleTraffic(role.requests, role.errors, once[LATENCY].to_numpy(dtype=float))


PROVIDERS: Providers = {ServedHoldout: _served_holdout, CanaryTraffic: _canary_traffic}
