"""Which deployments reached end users, and when their versions served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.alerts.events import is_production
from app.ledger.history import DeploymentFact

REACHES_USERS = frozenset({"stable", "canary"})
RETURNS = frozenset({"rollback", "drill"})
"""Kinds of deployments by which a version comes back that was there before."""


@dataclass(frozen=True)
class Stay:
    """``outcome``: how it ended, None while it serves."""

    started_at: datetime
    ended_at: datetime | None
    outcome: str | None

    def covers(self, at: datetime) -> bool:
        return self.started_at <= at and (self.ended_at is None or at < self.ended_at)


@dataclass(frozen=True)
class Rollout:
    """A version that a production environment's users got: one deployment, over changes of role and returns.

    ``stays``: when it served, oldest first; a rollback or a drill may bring it back later. ``first``: the version
    had not been in production before.
    """

    id: int
    model: str
    version: str
    environment: str
    started_at: datetime
    stays: tuple[Stay, ...]
    first: bool

    @property
    def rolled_back_at(self) -> datetime | None:
        return next((stay.ended_at for stay in self.stays if stay.outcome == "rolled_back"), None)

    def serves(self, at: datetime) -> bool:
        return any(stay.covers(at) for stay in self.stays)


@dataclass
class _Place:
    """What is known of one version in one environment while its deployments are read."""

    rollouts: list[list[DeploymentFact]] = field(default_factory=list)

    def add(self, row: DeploymentFact) -> None:
        last = self.rollouts[-1][-1] if self.rollouts else None
        if last is not None and (row.kind in RETURNS or _changed_role(last, row)):
            self.rollouts[-1].append(row)
        elif row.kind not in RETURNS:
            self.rollouts.append([row])


def _changed_role(before: DeploymentFact, after: DeploymentFact) -> bool:
    return before.outcome == "role" and before.ended_at == after.started_at


def in_production(deployments: Iterable[DeploymentFact]) -> list[DeploymentFact]:
    """Those that answer end users, oldest first."""
    found = (one for one in deployments if one.role in REACHES_USERS and is_production(one.environment))
    return sorted(found, key=lambda one: (one.started_at, one.id))


def rollouts(deployments: Iterable[DeploymentFact]) -> tuple[Rollout, ...]:
    """The deployments of one model that count, oldest first.

    A canary that becomes stable is the deployment that it was; a rollback and a drill are none.
    """
    places: dict[tuple[str, str], _Place] = defaultdict(_Place)
    for row in in_production(deployments):
        places[row.environment, row.version].add(row)
    groups = [rows for place in places.values() for rows in place.rollouts]
    seen: set[str] = set()
    found = []
    for rows in sorted(groups, key=lambda group: (group[0].started_at, group[0].id)):
        found.append(_rollout(rows, first=rows[0].version not in seen))
        seen.add(rows[0].version)
    return tuple(found)


def _rollout(rows: Sequence[DeploymentFact], *, first: bool) -> Rollout:
    row = rows[0]
    stays = tuple(Stay(one.started_at, one.ended_at, one.outcome) for one in rows)
    return Rollout(row.id, row.model, row.version, row.environment, row.started_at, stays, first)
