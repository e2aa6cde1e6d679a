"""Who asks: roles, and the scopes that each role carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

Scope = Literal[
    "read",
    "register",
    "evidence",
    "audit",
    "gate",
    "deploy",
    "predict",
    "attest",
    "accept",
    "alerts",
    "policy",
    "rows:forget",
    "rows:read",
    "admin",
]
TeamRole = Literal["viewer", "client", "ci", "reviewer", "owner"]
Role = Literal["viewer", "client", "ci", "reviewer", "owner", "admin"]

SCOPES: frozenset[str] = frozenset(get_args(Scope))
GRANTED: frozenset[str] = frozenset({"rows:forget", "rows:read"})
"""May be named when a token is made, whatever its role."""

ROLE_SCOPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "viewer": frozenset({"read"}),
        "client": frozenset({"predict"}),
        "ci": frozenset({"read", "register", "evidence", "audit", "gate", "deploy", "predict"}),
        "reviewer": frozenset({"read", "evidence", "audit", "attest", "accept", "gate", "alerts"}),
        "owner": frozenset(
            {"read", "register", "evidence", "audit", "attest", "gate", "deploy", "predict", "alerts"}
        ),
        "admin": SCOPES - {"rows:read"},  # held by no role: whoever reads people's rows was named for it
    }
)

TEAM_ROLES: tuple[TeamRole, ...] = get_args(TeamRole)
"""What one can be in a team; an administrator is the organisation's."""
MEMBER = "member"
"""The role of a person who is what the teams say, in each of them another perhaps."""


def scopes_of(role: str) -> frozenset[str]:
    """What ``role`` carries; of a member at most, whatever the team. Nothing for a role that there is not."""
    if role == MEMBER:
        return frozenset().union(*(ROLE_SCOPES[one] for one in TEAM_ROLES))
    return ROLE_SCOPES.get(role, frozenset())


@dataclass(frozen=True)
class Reach:
    """What somebody who is bound to teams may do to whose: scopes by the id of a team that has models and
    pipelines, and of single models.
    """

    teams: Mapping[int, frozenset[str]]
    models: Mapping[int, frozenset[str]] = field(default_factory=dict)

    @property
    def scopes(self) -> frozenset[str]:
        """What may be done to anything at all."""
        return frozenset().union(*self.teams.values(), *self.models.values())

    def teams_with(self, scope: str) -> list[int]:
        return sorted(one for one, scopes in self.teams.items() if scope in scopes)

    def models_with(self, scope: str) -> list[int]:
        return sorted(one for one, scopes in self.models.items() if scope in scopes)


@dataclass(frozen=True)
class Identity:
    """Somebody who was let in. ``token_id`` is None for the service's own parts, such as the scheduler.

    ``reach`` None: the whole organisation. Else it says which scopes hold where, and ``scopes`` are all of them.
    """

    name: str
    role: str
    scopes: frozenset[str]
    token_id: int | None = None
    reach: Reach | None = None

    @property
    def automatic(self) -> bool:
        """True when no person was involved, so that the rubric counts what was done as automated."""
        return self.role == "ci"

    def may(self, scope: str) -> bool:
        return scope in self.scopes


SCHEDULER = Identity("scheduler", "ci", ROLE_SCOPES["ci"])
"""Acts when a schedule is due; nobody can sign in as it."""
