"""Tokens that are to live on: another secret for the same identity, and how long one still holds."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from app.access import queries, service
from app.access.audit_log import record
from app.access.identity import Identity
from app.access.service import Holder, Lifetime
from app.db import utcnow
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.tables import Token

MOST_OVERLAP = timedelta(days=7)
ENDS_SOON = timedelta(days=14)
"""From then on it is said so wherever the token is shown."""


def rotate(
    session: Session,
    token_id: int,
    actor: str,
    *,
    overlap: timedelta = timedelta(days=1),
    days: int | None = None,
    lifetime: Lifetime | None = None,
    creator: Identity | None = None,
) -> tuple[Token, str]:
    """A new secret with the name, role and scopes of a token; the old one, and sessions opened with it, end after
    ``overlap``.

    Returns:
        The new token and its secret, shown this once.

    Raises:
        NotFound: there is no such token.
        Conflict: it holds no more, or was rotated already.
        Invalid: ``overlap`` or ``days`` are out of bounds.
        Forbidden: ``creator`` does not have all that it gives.
    """
    if not timedelta(0) <= overlap <= MOST_OVERLAP:
        hours = int(MOST_OVERLAP.total_seconds() / 3600)
        raise Invalid(f"overlap: at most {hours} hours", [FieldError("overlap_hours", f"must be 0 to {hours}")])
    now = utcnow()
    old = _holding(session, token_id, now)
    holder = Holder(old.name, old.role, old.scopes, old.bound)
    life = (lifetime or Lifetime()).of(days)
    new, secret = service.create(session, holder, life, actor, creator=creator)
    _end(session, old, new, now + overlap, actor)
    return new, secret


def _holding(session: Session, token_id: int, now: datetime) -> Token:
    old = session.get(Token, token_id)
    if old is None or old.kind != "api":
        raise NotFound(f"There is no token {token_id}.")
    if state_of(old, now) in {"revoked", "expired", "replaced"}:
        raise Conflict(f"token {old.id} ({old.name}) is {state_of(old, now)}: create another")
    return old


def _end(session: Session, old: Token, new: Token, at: datetime, actor: str) -> None:
    """Let ``new`` replace ``old``, which holds until then at most, as do the sessions opened with it."""
    before = old.expires_at
    old.replaced_by, old.expires_at = new.id, min(before, at)
    session.add(old)
    session.flush()
    queries.end_sessions_of(session, f"token/{old.id}", old.expires_at)
    after = {"expires_at": old.expires_at.isoformat(), "replaced_by": new.id}
    told = {"name": old.name, "before": {"expires_at": before.isoformat()}, "after": after}
    record(session, actor, "api_token.rotate", f"token/{old.id}", **told)


def named(session: Session, name: str, now: datetime) -> Token:
    """The one token of that name, or of that id, that holds and was not replaced. Raises NotFound, Conflict."""
    found = [one for one in queries.tokens_named(session, name) if one.revoked_at is None and one.expires_at > now]
    current = [one for one in found if one.replaced_by is None]
    if len(current) == 1:
        return current[0]
    if not current:
        raise NotFound(f"no token named {name!r} holds; assay token list shows all")
    ids = ", ".join(str(one.id) for one in current)
    raise Conflict(f"{len(current)} tokens are named {name!r} ({ids}): give the id of one")


def state_of(token: Token, now: datetime) -> str:
    """revoked, expired, replaced (and still good for a while), ends_soon or active."""
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    if token.replaced_by is not None:
        return "replaced"
    return "ends_soon" if token.expires_at - now < ENDS_SOON else "active"
