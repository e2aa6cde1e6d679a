"""The evidence a check may ask for of the system around a version: changes, speed, practised rollbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class DependencyChange:
    """A fingerprint that changed, and the first receipt that somebody was told (None: nobody yet)."""

    name: str
    kind: str
    seen_at: datetime
    planted: bool
    told_at: datetime | None = None
    receipt: str | None = None


@dataclass(frozen=True)
class DependencyHistory:
    """``watched``: kind by name of all that has a fingerprint. ``changes`` of the last 90 days, newest first."""

    watched: Mapping[str, str]
    changes: tuple[DependencyChange, ...]


@dataclass(frozen=True)
class Performance:
    """One version in operation. ``latency_ms``: (n,) in the window; ``per_second``: answered in the busiest minute.

    ``training_seconds`` and ``training_memory_mb`` as CI handed them in.
    """

    version: str
    latency_ms: np.ndarray | None = field(default=None, repr=False)
    per_second: float | None = None
    training_seconds: tuple[float, ...] = ()
    training_memory_mb: tuple[float, ...] = ()


@dataclass(frozen=True)
class PerformanceHistory:
    """The version beside the one that served before it, and the 95th percentile of latency by day (ISO date)
    of the last 14 days, whatever version served.
    """

    current: Performance
    previous: Performance | None
    daily_p95_ms: Mapping[str, float]


@dataclass(frozen=True)
class Drill:
    """A rollback tried for practice. Seconds are None where that half did not end."""

    started_at: datetime
    environment: str
    there: str
    back: str
    there_seconds: float | None
    back_seconds: float | None
    requests: int
    failed_requests: int
    error: str | None
    automatic: bool


@dataclass(frozen=True)
class RollbackDrills:
    """Of this model, newest first. Missing when there was none."""

    drills: tuple[Drill, ...]
