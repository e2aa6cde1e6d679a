"""Rollback drills, and how fast versions answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.audits.attempt import Attempt, File, Operated, Operation
from app.audits.providing.contract import Provided, Providers, Source
from app.evidence import training_run
from checks.contract import Missing
from checks.operation import Drill, Performance, PerformanceHistory, RollbackDrills
from checks.serving import AT, LATENCY

if TYPE_CHECKING:
    import pandas as pd

TREND_DAYS = 14


def _drills(_source: Source, attempt: Attempt) -> Provided:
    operation = _operation(attempt)
    if not operation.drills:
        raise Missing(
            "a rollback drill", f"run one: assay rollback {_model(attempt)} --environment staging --drill"
        )
    return Provided(RollbackDrills(tuple(Drill(**fact.model_dump()) for fact in operation.drills)))


def _history(_source: Source, attempt: Attempt) -> Provided:
    operation = _operation(attempt)
    start, end = operation.window_start, operation.window_end
    current = _performance(operation.current, start, end)
    previous = operation.previous and _performance(operation.previous, start - timedelta(days=365), end)
    days = latencies(operation.all_batches, end - timedelta(days=TREND_DAYS), end)
    daily = {} if days.empty else days.groupby(days[AT].dt.date.astype(str))[LATENCY].quantile(0.95).to_dict()
    if current.latency_ms is None and not current.training_seconds:
        raise Missing(
            "logged latencies or training runs",
            "serve through the gateway, push logs with latency_ms, or hand in evidence of the kind training-run",
        )
    files = [*operation.current.batches, *(operation.previous.batches if operation.previous else [])]
    inputs = {f"log {number}": file.digest for number, file in enumerate(files[:100], 1)}
    runs = [*operation.current.training_runs, *(operation.previous.training_runs if operation.previous else [])]
    cap = "; ".join(dict.fromkeys(run.cap for run in runs if run.cap)) or None
    history = PerformanceHistory(current, previous or None, {str(k): float(v) for k, v in daily.items()})
    return Provided(history, inputs, cap)


def _operation(attempt: Attempt) -> Operation:
    if attempt.operation is None:
        raise Missing("an environment", "audit with --environment: operation is looked at in one")
    return attempt.operation


def _model(attempt: Attempt) -> str:
    return str(attempt.subject.manifest["model"]["name"])


def _performance(operated: Operated, start: datetime, end: datetime) -> Performance:
    runs = [training_run.parse(open_file(file)) for file in operated.training_runs]
    frame = latencies(operated.batches, start, end)
    return Performance(
        version=operated.version,
        latency_ms=None if frame.empty else frame[LATENCY].to_numpy(dtype=float),
        per_second=None if frame.empty else float(frame[AT].dt.floor("min").value_counts().max()) / 60,
        training_seconds=tuple(run.seconds for run in runs if run.seconds is not None),
        training_memory_mb=tuple(run.memory_mb for run in runs if run.memory_mb is not None),
    )


def open_file(file: File) -> bytes:
    from pathlib import Path

    if file.path is None:
        raise FileNotFoundError(file.problem)
    return Path(file.path).read_bytes()


def latencies(files: Sequence[File], start: datetime, end: datetime) -> pd.DataFrame:
    """Time and latency of every prediction in [start, end) that has one."""
    import pandas as pd
    import pyarrow.parquet as pq

    parts = [pq.read_table(file.path, columns=[AT, LATENCY]).to_pandas() for file in files if file.path is not None]
    if not parts:
        return pd.DataFrame({AT: pd.Series(dtype="datetime64[us, UTC]"), LATENCY: pd.Series(dtype=float)})
    frame = pd.concat(parts).dropna()
    kept: pd.DataFrame = frame[(frame[AT] >= start) & (frame[AT] < end)].sort_values(AT)
    return kept


PROVIDERS: Providers = {RollbackDrills: _drills, PerformanceHistory: _history}
