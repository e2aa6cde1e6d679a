"""The words that all readings share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """``missing``: the evidence shows that it is not so. ``unknown``: there is no evidence."""

    MET = "met"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Proof:
    """One piece of evidence. ``source``: who told it; ``path``: where to read on in Assay, "" where nowhere."""

    text: str
    at: datetime | None = None
    source: str = ""
    path: str = ""
