"""The evidence of how a version was first let serve: by the serving runtime, and as a canary. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from checks.evidence import Predictions

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ServedHoldout:
    """What the version answers to the holdout as requests, in a process like the gateway's.

    ``asked``: (n,) positions of the rows sent, 10,000 at most; ``answered``: (m,) those that got an answer, in the
    order of ``predictions``; the others were refused. ``problem``: why it could not be loaded or fell silent.
    """

    asked: np.ndarray = field(repr=False)
    answered: np.ndarray = field(repr=False)
    predictions: Predictions | None = None
    problem: str | None = None


@dataclass(frozen=True)
class RoleTraffic:
    """What the gateway recorded of one traffic role. ``errors``: requests that got no answer, among ``requests``;
    ``latency_ms``: (n,) one an answered request.
    """

    requests: int
    errors: int
    latency_ms: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class CanaryTraffic:
    """The version as canary in an environment, from ``start`` to ``end``, and at the same time whatever was stable
    there (None: nothing was). Missing when it was no canary there in the last 90 days.
    """

    environment: str
    start: datetime
    end: datetime
    canary: RoleTraffic
    stable: RoleTraffic | None
