"""What a sender is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.alerts.channels import Receipt


@dataclass(frozen=True)
class Call:
    """``key`` is the request's id, the same with every attempt; ``document`` is what the pipeline is told.

    ``target``: as ``app.training.schemas`` reads it. ``attempt`` counts from 1.
    """

    key: str
    attempt: int
    at: datetime
    target: Mapping[str, Any]
    secret: str | None
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Started:
    """``run``: the receiver's own id of the run, where it tells one."""

    receipt: Receipt
    run: str | None = None
