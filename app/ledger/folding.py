"""What was told of one thing in several events, as one: whatever order they came in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import groupby
from typing import Any, TypeVar

from app.ledger.events import FINAL, CIRunEvent, CommitEvent, Happened, PipelineRunEvent, RegisteredVersionEvent

E = TypeVar("E", bound=Happened)


def runs(events: Iterable[PipelineRunEvent]) -> list[PipelineRunEvent]:
    """One event a run, with its newest state and all that was ever told of it; ``at``: when it got that state."""
    return _folded(events, lambda one: (one.pipeline or "", one.experiment or "", one.run))


def ci_runs(events: Iterable[CIRunEvent]) -> list[CIRunEvent]:
    return _folded(events, lambda one: (one.repository, one.run))


def commits(events: Iterable[CommitEvent]) -> list[CommitEvent]:
    """One event for a commit on a branch, whoever told of it."""
    return _folded(events, lambda one: (one.repository, one.branch, one.commit))


def registered_versions(events: Iterable[RegisteredVersionEvent]) -> list[RegisteredVersionEvent]:
    """One event a version of a registry; ``at``: when it was last told of."""
    return _folded(events, lambda one: (one.registry, one.model, one.name, one.number))


def newest(events: Iterable[E], identity: Callable[[E], Hashable]) -> list[E]:
    """The newest event of each thing."""
    found: dict[Hashable, E] = {}
    for event in sorted(events, key=lambda one: (one.at, one.id)):
        found[identity(event)] = event
    return list(found.values())


def _folded(events: Iterable[E], identity: Callable[[E], tuple[str, ...]]) -> list[E]:
    ordered = sorted(events, key=lambda one: (identity(one), getattr(one, "state", "") in FINAL, one.at, one.id))
    return sorted(
        (_merged(list(group)) for _, group in groupby(ordered, identity)), key=lambda one: (one.at, one.id)
    )


def _merged(events: list[E]) -> E:
    """Later words over earlier ones; what a later event leaves out stays. A start that is told to be after the end
    is not believed.
    """
    if len(events) == 1:
        return events[0]
    told: dict[str, Any] = {}
    for event in events:
        told |= event.model_dump(exclude_defaults=True)
    if "started_at" in told and told["started_at"] > told.get("finished_at", told["started_at"]):
        del told["started_at"]
    return type(events[0]).model_validate(told)
