"""Tokens that a person makes for the command line, out of a browser's session: as themselves, and for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from app.access import queries, service
from app.access.identity import Identity
from app.access.service import Holder
from app.errors import FieldError, Forbidden, Invalid, NotFound
from app.tables import Token

MOST_DAYS = 30


def make(session: Session, identity: Identity, days: int, most_days: int = MOST_DAYS) -> tuple[Token, str]:
    """A token with the name, role, scopes and teams of the session that asks, and its secret, shown this once.

    Raises:
        Forbidden: it is no browser's session, or one that was opened with a token, which serves as well.
        Invalid: not 1 to ``MOST_DAYS`` days, or ``most_days`` where that is less.
    """
    own, most = _persons(session, identity), min(MOST_DAYS, most_days)
    if not 1 <= days <= most:
        raise Invalid(f"days: must be 1 to {most}", [FieldError("days", f"must be 1 to {most}")])
    holder = Holder(own.name, own.role, own.scopes, own.bound)
    return service.create(session, holder, timedelta(days=days), own.name)


def named(session: Session, identity: Identity) -> Sequence[Token]:
    """API tokens that stand for ``identity``, whoever made them, newest first."""
    return queries.api_tokens_of(session, identity.name)


def end(session: Session, identity: Identity, token_id: int) -> None:
    """Revoke one of them. Raises NotFound for anybody else's."""
    if token_id not in {one.id for one in named(session, identity)}:
        raise NotFound(f"You have no token {token_id}.")
    service.revoke(session, token_id, identity.name)


def _persons(session: Session, identity: Identity) -> Token:
    """The session of somebody who signed in as a person."""
    own = session.get_one(Token, identity.token_id)
    kind, _, number = own.created_by.partition("/")
    opener = session.get(Token, int(number)) if kind == "token" and number.isdecimal() else None
    if own.kind != "session" or (opener is not None and opener.kind == "api"):
        raise Forbidden("This is for people who signed in with a link or their issuer: use the token at hand.")
    return own
