"""SQL on tokens and the audit log."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select, update
from sqlmodel.sql.expression import SelectOfScalar

from app.tables import AuditLog, Token, Watcher


def token_by_digest(session: Session, digest: str, kinds: Collection[str]) -> Token | None:
    return session.exec(select(Token).where(Token.digest == digest, col(Token.kind).in_(kinds))).one_or_none()


def api_tokens() -> SelectOfScalar[Token]:
    return select(Token).where(Token.kind == "api")


def audit_log(since: datetime | None, actor: str | None, action: str | None) -> SelectOfScalar[AuditLog]:
    query = select(AuditLog)
    if since is not None:
        query = query.where(AuditLog.at >= since)
    if actor is not None:
        query = query.where(AuditLog.actor == actor)
    if action is not None:
        query = query.where(AuditLog.action == action)
    return query


def watchers(session: Session, what: str, as_of: datetime) -> Sequence[Watcher]:
    query = select(Watcher).where(Watcher.what == what, Watcher.first_at <= as_of)
    return session.exec(query.order_by(col(Watcher.last_at).desc())).all()


def watched(session: Session, what: str, actor: str, now: datetime) -> None:
    """Move the last time on, never back."""
    same = (col(Watcher.what) == what) & (col(Watcher.actor) == actor) & (col(Watcher.last_at) < now)
    session.exec(update(Watcher).where(same).values(last_at=now))


def consume(session: Session, token_id: int, now: datetime) -> bool:
    """Mark a one-time code as used. Of several callers at once exactly one gets True."""
    used = session.exec(
        update(Token).where(col(Token.id) == token_id, col(Token.revoked_at).is_(None)).values(revoked_at=now)
    )
    return bool(used.rowcount == 1)


def note_use(session: Session, token_id: int, now: datetime, every: timedelta) -> None:
    """Set ``last_used_at``, unless somebody did so within the last ``every``."""
    stale = or_(col(Token.last_used_at).is_(None), col(Token.last_used_at) <= now - every)
    session.exec(update(Token).where(col(Token.id) == token_id, stale).values(last_used_at=now))


def revoke_sessions_of(session: Session, origin: str, now: datetime) -> None:
    """End the browser sessions that were opened with the token ``origin`` ("token/12")."""
    session.exec(
        update(Token)
        .where(col(Token.kind) == "session", col(Token.created_by) == origin, col(Token.revoked_at).is_(None))
        .values(revoked_at=now)
    )
