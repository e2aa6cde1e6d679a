"""Time to restore: what went wrong together, how long it lasted, and what was done about it when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise

from app.ledger.reading.delivery.practice import Practice
from app.ledger.reading.delivery.rollouts import Rollout, in_production
from app.ledger.reading.delivery.signs import Sign

DEBUGGING, RETRAINING, REDEPLOYING, ROLLBACK = "debugging", "retraining", "redeploying", "rollback"
PARTS = (DEBUGGING, RETRAINING, REDEPLOYING, ROLLBACK)

Step = tuple[datetime, str]
"""From when on something was done, and what."""


@dataclass(frozen=True)
class Episode:
    """Signs of one environment that overlap in time. ``restored_at``: when the last of them was gone, None while
    one lasts. ``seconds``: how long each of the four parts took; they add up to the whole.
    """

    model: str
    environment: str
    signs: tuple[str, ...]
    detected_at: datetime
    restored_at: datetime | None
    seconds: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    def lasted(self, at: datetime) -> bool:
        return self.detected_at <= at and (self.restored_at is None or at <= self.restored_at)


def episodes(practice: Practice, signs: Sequence[Sign], as_of: datetime) -> tuple[Episode, ...]:
    """Of one model, in the order in which they were detected; what is open is split until ``as_of``."""
    found = []
    for environment, here in groupby(sorted(signs, key=lambda one: one.environment), lambda one: one.environment):
        steps = _steps(practice, environment)
        found += [_episode(together, steps, as_of) for together in _overlapping(here)]
    return tuple(sorted(found, key=lambda one: (one.detected_at, one.environment)))


def _overlapping(signs: Iterable[Sign]) -> list[list[Sign]]:
    """Signs that follow each other without a time between them in which all was well."""
    found: list[list[Sign]] = []
    until: datetime | None = None
    for sign in sorted(signs, key=lambda one: one.detected_at):
        if found and (until is None or sign.detected_at <= until):
            found[-1].append(sign)
            until = None if until is None or sign.ended_at is None else max(until, sign.ended_at)
        else:
            found.append([sign])
            until = sign.ended_at
    return found


def _episode(signs: Sequence[Sign], steps: Sequence[Step], as_of: datetime) -> Episode:
    detected_at = min(one.detected_at for one in signs)
    ends = [one.ended_at for one in signs if one.ended_at is not None]
    restored_at = max(ends) if len(ends) == len(signs) else None
    what = tuple(sorted({one.what for one in signs}))
    seconds = split(detected_at, restored_at or as_of, steps)
    return Episode(signs[0].model, signs[0].environment, what, detected_at, restored_at, seconds)


def split(start: datetime, end: datetime, steps: Iterable[Step]) -> Mapping[str, float]:
    """The time from ``start`` to ``end`` by what was done last: debugging until a first step is taken."""
    inside = [(start, DEBUGGING), *((at, part) for at, part in steps if start <= at < end), (end, "")]
    seconds = dict.fromkeys(PARTS, 0.0)
    for (since, part), (until, _) in pairwise(inside):
        seconds[part] += (until - since).total_seconds()
    return seconds


def _steps(practice: Practice, environment: str) -> list[Step]:
    """What was done about a model in an environment, oldest first. A retraining is a pipeline's run, from its
    start; what follows it is redeploying, or debugging again where it failed.
    """
    found: list[Step] = []
    for run in practice.runs:
        if run.pipeline is None or run.started_at is None:
            continue
        found.append((run.started_at, RETRAINING))
        if run.state in {"succeeded", "failed", "cancelled"}:
            found.append((run.finished_at or run.at, REDEPLOYING if run.state == "succeeded" else DEBUGGING))
    found += [
        (row.started_at, ROLLBACK if row.kind == "rollback" else REDEPLOYING)
        for row in in_production(practice.deployments)
        if row.environment == environment and row.kind != "drill"
    ]
    return sorted(found, key=lambda one: (one[0], PARTS.index(one[1])))


def unnoticed(rollouts: Iterable[Rollout], found: Sequence[Episode]) -> list[tuple[datetime, str]]:
    """Rollbacks that no sign came before, with their times: when they were detected is unknown."""
    return [
        (at, f"rollback of {one.model}@{one.version} in {one.environment}")
        for one in rollouts
        if (at := one.rolled_back_at) is not None
        and not any(episode.environment == one.environment and episode.lasted(at) for episode in found)
    ]
