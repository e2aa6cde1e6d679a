"""``/account``: who is signed in, what they may do where, and their tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from app.access import own_tokens, rotation, teams
from app.access.identity import Identity
from app.access.own_tokens import MOST_DAYS
from app.db import utcnow
from app.tables import Token


@dataclass(frozen=True)
class AccountView:
    """``teams`` None: the whole organisation. ``secret``: of a token that was made by this very request."""

    name: str
    role: str
    scopes: Sequence[str]
    teams: Sequence[Mapping[str, str]] | None
    tokens: Sequence[tuple[Token, str]]
    secret: str | None
    most_days: int = MOST_DAYS


def of(session: Session, identity: Identity, secret: str | None = None) -> AccountView:
    now = utcnow()
    return AccountView(
        name=identity.name,
        role=identity.role,
        scopes=sorted(identity.scopes),
        teams=None if identity.reach is None else teams.memberships(session, identity.name),
        tokens=[(one, rotation.state_of(one, now)) for one in own_tokens.named(session, identity)],
        secret=secret,
    )
