"""The words that all readings share."""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(frozen=True)
class Judged:
    """``missing``: what the evidence lacks or speaks against; ``remedy``: what to do next. Empty where met."""

    status: Status
    proofs: tuple[Proof, ...] = ()
    missing: str = ""
    remedy: str = ""

    @property
    def holds(self) -> bool:
        return self.status is Status.MET


def met(*proofs: Proof) -> Judged:
    return Judged(Status.MET, proofs)


def lacking(missing: str, remedy: str, *proofs: Proof) -> Judged:
    """The evidence speaks against it."""
    return Judged(Status.MISSING, proofs, missing, remedy)


def unknown(missing: str, remedy: str, *proofs: Proof) -> Judged:
    """There is no evidence, or too little."""
    return Judged(Status.UNKNOWN, proofs, missing, remedy)


def worst(parts: Iterable[Judged]) -> Judged:
    """All of them at once: missing where any is, else unknown where any is."""
    judged = list(parts)
    proofs = tuple(proof for part in judged for proof in part.proofs)
    for status in (Status.MISSING, Status.UNKNOWN):
        if bad := [part for part in judged if part.status is status]:
            return Judged(status, proofs, "; ".join(part.missing for part in bad), bad[0].remedy)
    return Judged(Status.MET, proofs)
