"""The evidence a check may ask for that experiment and pipeline tools recorded. No I/O happens here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
