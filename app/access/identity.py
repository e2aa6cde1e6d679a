"""Who asks: roles, and the scopes that each role carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    "admin",
]
Role = Literal["viewer", "client", "ci", "reviewer", "owner", "admin"]

SCOPES: frozenset[str] = frozenset(get_args(Scope))

ROLE_SCOPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "viewer": frozenset({"read"}),
        "client": frozenset({"predict"}),
        "ci": frozenset({"read", "register", "evidence", "audit", "gate", "deploy", "predict"}),
        "reviewer": frozenset({"read", "evidence", "audit", "attest", "accept", "gate", "alerts"}),
        "owner": frozenset(
            {"read", "register", "evidence", "audit", "attest", "gate", "deploy", "predict", "alerts"}
        ),
        "admin": SCOPES,
    }
)


@dataclass(frozen=True)
class Identity:
    """Somebody who was let in. ``token_id`` is None for the service's own parts, such as the scheduler."""

    name: str
    role: str
    scopes: frozenset[str]
    token_id: int | None = None

    @property
    def automatic(self) -> bool:
        """True when no person was involved, so that the rubric counts what was done as automated."""
        return self.role == "ci"

    def may(self, scope: str) -> bool:
        return scope in self.scopes


SCHEDULER = Identity("scheduler", "ci", ROLE_SCOPES["ci"])
"""Acts when a schedule is due; nobody can sign in as it."""
