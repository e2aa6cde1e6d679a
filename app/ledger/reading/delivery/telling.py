"""The delivery metrics in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.ledger.reading.delivery.bands import Band, words
from app.ledger.reading.delivery.metrics import Metrics
from app.ledger.reading.delivery.numbers import Durations

NAMED = 3
"""Subjects that are named of those that were left out for one reason."""


@dataclass(frozen=True)
class Told:
    """``text``: the number and what it is of, None where there is none; ``size``: it alone, to draw it.
    ``reason``: why there is none; ``notes``: what does not count, and why.
    """

    text: str | None
    size: float | None
    band: Band | None
    reason: str
    notes: tuple[str, ...] = ()


def tell(metrics: Metrics) -> Mapping[str, Told]:
    """By the keys of ``bands.TWINS``."""
    return {
        "frequency": _frequency(metrics),
        "lead_to_ready": _duration(metrics.lead_to_ready),
        "lead_to_production": _duration(metrics.lead_to_production),
        "restore": _restore(metrics),
        "failures": _failures(metrics),
    }


def _frequency(one: Metrics) -> Told:
    found = one.frequency
    if found.per_week is None:
        return Told(None, None, None, found.reason)
    text = f"{found.per_week:.2g} a week ({_count(found.deployments, 'deployment')})"
    return Told(text, float(found.deployments), found.band, found.reason)


def _duration(found: Durations) -> Told:
    notes = tuple(f"{_named(one.subjects)}: {one.why}" for one in found.left_out)
    if found.median is None:
        return Told(None, None, None, found.reason, notes)
    p90 = f", p90 {words(found.p90)}" if found.p90 is not None else ""
    return Told(f"median {words(found.median)}{p90} (n = {found.n})", found.median, found.band, "", notes)


def _restore(one: Metrics) -> Told:
    found, parts = one.restore.total, one.restore.parts
    notes = tuple(f"{what}: nothing tells when it was detected" for what in one.restore.undetected)
    if one.restore.open:
        notes = (f"{_count(one.restore.open, 'episode')} open, in no mean", *notes)
    if found.mean is None or parts is None:
        return Told(None, None, None, found.reason, notes)
    split = ", ".join(f"{name} {words(seconds)}" for name, seconds in parts.items() if seconds)
    return Told(f"mean {words(found.mean)} (n = {found.n}): {split}", found.mean, found.band, "", notes)


def _failures(one: Metrics) -> Told:
    found = one.failures
    kinds = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in found.by_kind.items())
    unwatched = f"left out, for nothing watches production: {_count(found.unwatched, 'deployment')}"
    notes = (*([f"by what showed it: {kinds}"] if kinds else ()), *([unwatched] if found.unwatched else ()))
    if found.share is None:
        return Told(None, None, None, found.reason, notes)
    text = f"{found.share:.0%} ({found.failed} of {found.deployments} deployments)"
    return Told(text, found.share, found.band, "", notes)


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _named(subjects: tuple[str, ...]) -> str:
    more = len(subjects) - NAMED
    return ", ".join(subjects[:NAMED]) + (f" and {more} more" if more > 0 else "")
