"""DORA's performance levels, and how the four metrics are defined for software and for models.

Thresholds: Google Cloud and DORA, "Accelerate State of DevOps Report 2023", table of performance levels. What the
report gives as a cluster's typical value is read as its band's limit, and whatever is worse than medium as low.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

REPORT = "DORA, Accelerate State of DevOps Report 2023"
MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK, MONTH = 7 * DAY, 30 * DAY


class Band(StrEnum):
    ELITE = "elite"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


BETTER_THAN_LOW = (Band.ELITE, Band.HIGH, Band.MEDIUM)


@dataclass(frozen=True)
class Twin:
    """A metric of models beside the one of software that it is modelled on. ``bands``: in words, best first."""

    title: str
    of_models: str
    of_software: str
    bands: tuple[str, str, str, str]


TWINS: Mapping[str, Twin] = MappingProxyType(
    {
        "frequency": Twin(
            "Deployment frequency",
            "How often a new version of a model reaches end users: stable or canary traffic in production.",
            "How often an organisation releases to production.",
            ("more than once a day", "once a day to once a week", "once a week to once a month", "less often"),
        ),
        "lead_to_ready": Twin(
            "Lead time, experiment to ready",
            "From the first run of the experiment to the gate's first pass for production.",
            "Has no twin of its own: software needs no experiment before its first commit.",
            ("under a day", "a day to a week", "a week to a month", "longer"),
        ),
        "lead_to_production": Twin(
            "Lead time, commit to production",
            "From the version's commit to the first time that end users got the version.",
            "Lead time for changes: from code committed to code running in production.",
            ("under a day", "a day to a week", "a week to a month", "longer"),
        ),
        "restore": Twin(
            "Time to restore",
            "From the first sign that predictions are wrong or missing until the evidence says that they are not.",
            "Failed deployment recovery time: from the impairment of a service to its recovery.",
            ("under an hour", "under a day", "under a week", "longer"),
        ),
        "failures": Twin(
            "Change failure rate",
            "Share of deployments whose predictions caused an incident, a rollback or a lost A/B test.",
            "Share of changes to production that result in degraded service and need a fix.",
            ("up to 5 %", "up to 10 %", "up to 15 %", "more"),
        ),
    }
)


def words(seconds: float) -> str:
    """A length of time in the largest unit that fits: "4.5 d", "3 h", "12 min", "8 s"."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"


def of_frequency(per_day: float) -> Band:
    """``per_day``: deployments of one model a day."""
    if per_day > 1:
        return Band.ELITE
    return _first(per_day >= 1 / 7, per_day >= 1 / 30, offset=1)


def of_lead_time(seconds: float) -> Band:
    return _first(seconds < DAY, seconds <= WEEK, seconds <= MONTH)


def of_restore(seconds: float) -> Band:
    return _first(seconds < HOUR, seconds < DAY, seconds < WEEK)


def of_failures(share: float) -> Band:
    return _first(share <= 0.05, share <= 0.10, share <= 0.15)


def _first(*reached: bool, offset: int = 0) -> Band:
    """The best band that is reached, from the best on (or from the ``offset``-th)."""
    return next((band for band, yes in zip(BETTER_THAN_LOW[offset:], reached, strict=True) if yes), Band.LOW)
