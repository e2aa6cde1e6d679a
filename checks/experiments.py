"""The evidence a check may ask for that experiment and pipeline tools recorded. No I/O happens here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks.evidence import HandedIn


@dataclass(frozen=True)
class Parameter:
    """``low`` to ``high`` was searched (None: unknown), evenly in the logarithm if ``log``.

    Beyond ``least`` and ``most`` a value makes no sense; None: there is no such limit.
    """

    name: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Trial:
    """``state``: complete (it has a value then), pruned (stopped early for doing worse), failed or running."""

    id: str
    state: str
    value: float | None
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Trials(HandedIn):
    """A search for hyperparameters. ``direction`` of ``metric``: maximize or minimize.

    ``chosen``: the parameters of what was registered, None where the tool does not know them.
    """

    tool: str = ""
    study: str = ""
    metric: str = ""
    direction: str = "maximize"
    parameters: tuple[Parameter, ...] = ()
    trials: tuple[Trial, ...] = ()
    chosen: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Stage:
    """``state``: succeeded, failed, skipped, running or unknown; ``detail`` says why."""

    name: str
    state: str
    detail: str = ""


@dataclass(frozen=True)
class PipelineRun:
    """``trigger``: schedule, event, ci, manual or unknown. ``state`` as of a stage.

    ``orchestrated``: recorded by what started the run. ``automatic``: whether it was started by other than a hand;
    None where nothing tells.
    """

    id: str
    trigger: str
    orchestrated: bool
    state: str
    stages: tuple[Stage, ...]
    started_at: datetime | None = None
    finished_at: datetime | None = None
    automatic: bool | None = None


@dataclass(frozen=True)
class PipelineRuns(HandedIn):
    tool: str = ""
    pipeline: str = ""
    runs: tuple[PipelineRun, ...] = ()


@dataclass(frozen=True)
class TrainingOutcome:
    """What came out of a training. ``predictions``: by id of a fixed sample, one number or one a class."""

    run: str
    commit: str
    data: str
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    metrics: Mapping[str, float]
    predictions: Mapping[str, float | Sequence[float]]


@dataclass(frozen=True)
class TrainingOutcomes(HandedIn):
    """Two, the newer first: the newest that have commit, data and config in common, else the newest two."""

    outcomes: tuple[TrainingOutcome, ...] = ()
