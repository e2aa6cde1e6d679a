"""Tokens and sign-in: made, checked, revoked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlmodel import Session

from app.access import queries, teams, tokens
from app.access.audit_log import record
from app.access.identity import GRANTED, MEMBER, ROLE_SCOPES, Identity, scopes_of
from app.config import Settings
from app.db import utcnow
from app.errors import FieldError, Forbidden, Invalid, NotAuthenticated, NotFound
from app.tables import Token

MAX_NAME = 100
MAX_DAYS = 365
MAX_SIGN_IN_MINUTES = 24 * 60
SESSION_LIFE = timedelta(hours=12)
USE_NOTED_EVERY = timedelta(minutes=1)
"""Coarse, so that reading does not become writing."""


@dataclass(frozen=True)
class Holder:
    """Whom a token will stand for. ``scopes``: a part of what the role carries, and those that are granted by name
    alone; None for all that the role carries.

    ``bound``: to the teams in which ``name`` is a member; the role "member" has nothing beside what they give.
    """

    name: str
    role: str
    scopes: Collection[str] | None = None
    bound: bool = False

    def granted(self) -> list[str]:
        """The scopes, sorted. Raises ``Invalid`` where a field does not make sense."""
        if not (self.name.isprintable() and 0 < len(self.name.strip()) <= MAX_NAME):
            raise _invalid("name", f"must be 1 to {MAX_NAME} printable characters")
        allowed = scopes_of(self.role)
        if not allowed:
            raise _invalid("role", f"no such role; there are {', '.join(ROLE_SCOPES)}")
        if self.bound and self.role == "admin":
            raise _invalid("role", "an administrator is the organisation's, and bound to no team")
        if self.scopes is None:
            return sorted(allowed)
        if not self.scopes:
            raise _invalid("scopes", "name at least one, or leave the field out for all that the role carries")
        if extra := set(self.scopes) - allowed - GRANTED:
            raise _invalid("scopes", f"the role {self.role} does not carry {', '.join(sorted(extra))}")
        return sorted(set(self.scopes))


@dataclass(frozen=True)
class Lifetime:
    """How long tokens hold, in days: where nobody says, and at most."""

    usual: int = 90
    most: int = MAX_DAYS

    @classmethod
    def by(cls, settings: Settings) -> Self:
        return cls(min(settings.token_days, settings.token_most_days), settings.token_most_days)

    def of(self, days: int | None) -> timedelta:
        """Raises Invalid."""
        days = self.usual if days is None else days
        if not 1 <= days <= self.most:
            raise _invalid("days", f"must be between 1 and {self.most}")
        return timedelta(days=days)


def create_token(
    session: Session,
    *,
    name: str,
    role: str,
    scopes: Collection[str] | None = None,
    days: int | None = None,
    created_by: str,
    kind: str = "api",
    bound: bool = False,
    lifetime: Lifetime | None = None,
    creator: Identity | None = None,
) -> tuple[Token, str]:
    """A new token and its secret, which is not kept and cannot be shown again.

    ``scopes``: a part of what the role carries; None for all of it. Raises Invalid, and Forbidden where ``creator``
    does not have all that it would give.
    """
    life = (lifetime or Lifetime()).of(days)
    return create(session, Holder(name, role, scopes, bound), life, created_by, kind=kind, creator=creator)


def create(
    session: Session,
    holder: Holder,
    life: timedelta,
    created_by: str,
    *,
    kind: str = "api",
    creator: Identity | None = None,
) -> tuple[Token, str]:
    """As above. Raises Invalid, Forbidden."""
    if creator is not None and (more := set(holder.granted()) - creator.scopes):
        raise Forbidden(f"A token gives no more than whoever makes it has: not {', '.join(sorted(more))}.")
    token, secret = _create(session, holder, kind, life, created_by)
    _note(session, created_by, f"{kind}_token.create", token)
    return token, secret


def create_sign_in_link(
    session: Session,
    settings: Settings,
    *,
    name: str,
    role: str | None = None,
    minutes: int = 10,
    created_by: str,
) -> str:
    """An address that lets one person sign in, once, within ``minutes``.

    Whoever is in a team is what the teams say, of ``role`` at most where one is given; anybody else has ``role`` in
    the whole organisation, by default viewer. Administrators are bound to no team.
    """
    bound = role != "admin" and teams.is_member(session, name)
    role = role or (MEMBER if bound else "viewer")
    if not 1 <= minutes <= MAX_SIGN_IN_MINUTES:
        raise _invalid("minutes", f"must be between 1 and {MAX_SIGN_IN_MINUTES}")
    token, secret = _create(
        session, Holder(name, role, bound=bound), "sign_in", timedelta(minutes=minutes), created_by
    )
    _note(session, created_by, "sign_in_token.create", token)
    return f"{settings.public_url.rstrip('/')}/sign-in?code={secret}"


def sign_in(session: Session, secret: str, now: datetime) -> tuple[Identity, str]:
    """Exchange a sign-in code, which is used up, or an API token for a browser's session: identity and secret."""
    token = _valid(session, secret, now, {"sign_in", "api"})
    if token.kind == "sign_in" and not queries.consume(session, _id(token), now):
        raise NotAuthenticated("This sign-in code was used already; ask for a new one.")
    life = min(SESSION_LIFE, token.expires_at - now) if token.kind == "api" else SESSION_LIFE
    holder = Holder(token.name, token.role, token.scopes, token.bound)
    return open_session(session, holder, life, _subject(token))


def open_session(
    session: Session, holder: Holder, life: timedelta, origin: str, kind: str = "session", **details: Any
) -> tuple[Identity, str]:
    """A browser's session for somebody who proved who they are, or ("exchanged") a token for a pipeline that did;
    ``origin`` says how. Identity and secret.
    """
    opened, secret = _create(session, holder, kind, life, origin)
    _note(session, holder.name, f"{kind}_token.create", opened, **details)
    return _identity(session, opened), secret


def sign_out(session: Session, secret: str, now: datetime) -> None:
    """End a browser's session. Does nothing for a secret that is no session's."""
    token = queries.token_by_digest(session, tokens.digest(secret), {"session"})
    if token is not None and queries.consume(session, _id(token), now):
        record(session, token.name, "session_token.revoke", _subject(token))


def authenticate(
    session: Session, secret: str, now: datetime, kinds: Collection[str] = frozenset({"api"})
) -> Identity:
    """Whose secret this is. Raises ``NotAuthenticated``."""
    return _identity(session, _valid(session, secret, now, kinds))


def use_is_due(session: Session, identity: Identity, now: datetime) -> bool:
    """Whether this use should be noted. Costs no query in the session that authenticated."""
    token = session.get(Token, identity.token_id)
    return token is not None and (token.last_used_at is None or token.last_used_at <= now - USE_NOTED_EVERY)


def note_use(session: Session, identity: Identity, now: datetime) -> None:
    """Set the token's last use, unless somebody did so within the last minute."""
    if identity.token_id is not None:
        queries.note_use(session, identity.token_id, now, USE_NOTED_EVERY)


def revoke(session: Session, token_id: int, actor: str) -> None:
    """From now on the token opens nothing. Revoking twice is fine. Raises ``NotFound``."""
    token = session.get(Token, token_id)
    if token is None or token.kind != "api":
        raise NotFound(f"There is no token {token_id}.")
    if token.revoked_at is None:  # sessions that were opened with it end with it
        token.revoked_at = utcnow()
        queries.revoke_opened_by(session, _subject(token), token.revoked_at)
        before = {"role": token.role, "scopes": token.scopes, "expires_at": token.expires_at.isoformat()}
        record(session, actor, "api_token.revoke", _subject(token), name=token.name, before=before, after=None)


def _create(session: Session, holder: Holder, kind: str, life: timedelta, origin: str) -> tuple[Token, str]:
    secret = tokens.new_secret()
    now = utcnow()
    token = Token(
        digest=tokens.digest(secret),
        kind=kind,
        name=holder.name,
        role=holder.role,
        scopes=holder.granted(),
        bound=holder.bound or holder.role == MEMBER,
        created_by=origin,
        created_at=now,
        expires_at=now + life,
    )
    session.add(token)
    session.flush()
    return token, secret


def _note(session: Session, actor: str, action: str, token: Token, **details: Any) -> None:
    details |= {"name": token.name, "role": token.role, "scopes": token.scopes, "bound": token.bound}
    record(session, actor, action, _subject(token), expires_at=token.expires_at.isoformat(), **details)


def _valid(session: Session, secret: str, now: datetime, kinds: Collection[str]) -> Token:
    token = None
    if tokens.well_formed(secret):
        token = queries.token_by_digest(session, tokens.digest(secret), kinds)
    if token is None:
        raise NotAuthenticated("This token is not known here.")
    if token.revoked_at is not None:
        used = token.kind == "sign_in"
        raise NotAuthenticated("This sign-in code was used already." if used else "This token was revoked.")
    if token.expires_at <= now:
        raise NotAuthenticated("This token has expired.")
    return token


def _identity(session: Session, token: Token) -> Identity:
    # A role that lost a scope since must not live on in old tokens.
    scopes = frozenset(token.scopes) & (scopes_of(token.role) | GRANTED)
    if not token.bound:
        return Identity(token.name, token.role, scopes, token.id)
    reach = teams.reach_of(session, token.name, scopes)
    return Identity(token.name, token.role, reach.scopes, token.id, reach)


def _subject(token: Token) -> str:
    return f"token/{token.id}"


def _id(token: Token) -> int:
    if token.id is None:
        raise ValueError("the token is not stored yet")
    return token.id


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", [FieldError(field, message)])
