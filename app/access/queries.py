"""SQL on tokens and the audit log."""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Text, bindparam, cast
from sqlalchemy import select as sa_select
from sqlmodel import Session, SQLModel, col, delete, func, or_, select, update
from sqlmodel.sql.expression import SelectOfScalar

from app.access.chain import Link, Stored
from app.tables import AuditLog, Token, Watcher

_TOKEN = select(Token).where(
    Token.digest == bindparam("digest"), col(Token.kind).in_(bindparam("kinds", expanding=True))
)
"""Every request asks it, so it is written once."""


def token_by_digest(session: Session, digest: str, kinds: Collection[str]) -> Token | None:
    return session.exec(_TOKEN, params={"digest": digest, "kinds": list(kinds)}).one_or_none()


def api_tokens() -> SelectOfScalar[Token]:
    return select(Token).where(Token.kind == "api")


def api_tokens_of(session: Session, name: str) -> Sequence[Token]:
    """Newest first, revoked and expired ones too."""
    return session.exec(api_tokens().where(Token.name == name).order_by(col(Token.id).desc())).all()


def audit_log(since: datetime | None, actor: str | None, action: str | None) -> SelectOfScalar[AuditLog]:
    query = select(AuditLog)
    if since is not None:
        query = query.where(AuditLog.at >= since)
    if actor is not None:
        query = query.where(AuditLog.actor == actor)
    if action is not None:
        query = query.where(AuditLog.action == action)
    return query


READ_AT_ONCE = 1_000
"""Entries of the audit log in memory while all of it is read."""


def stored_entries(session: Session) -> Generator[Stored]:
    """Every entry of the audit log, oldest first, byte by byte as the database holds it."""
    table = SQLModel.metadata.tables["audit_log"]
    as_stored = LargeBinary if session.get_bind().dialect.name == "sqlite" else Text  # that reads text of any kind
    raw = {name: cast(table.c[name], as_stored) for name in ("actor", "action", "subject", "details", "previous")}
    at = cast(table.c.at, LargeBinary) if as_stored is LargeBinary else table.c.at
    query = sa_select(table.c.id, at, *raw.values(), cast(table.c.digest, as_stored)).order_by(table.c.id)
    with session.connection().execute(query, execution_options={"yield_per": READ_AT_ONCE}) as found:
        for row in found:
            yield _stored(*row)


def _stored(sequence: int, at: datetime | bytes, *raw: str | bytes) -> Stored:
    try:
        actor, action, subject, details, previous, digest = map(_text, raw)
        link = Link(sequence, _moment(at), actor, action, subject, _json(details), previous)
    except ValueError as error:
        return Stored(sequence, "", None, str(error))
    return Stored(sequence, digest, link)


def _text(raw: str | bytes) -> str:
    return raw if isinstance(raw, str) else raw.decode()


def _moment(raw: datetime | bytes) -> datetime:
    """PostgreSQL keeps a time, SQLite text, which could say the same in other ways."""
    if isinstance(raw, datetime):
        return raw
    moment = datetime.fromisoformat(raw.decode())
    if raw.decode() != moment.strftime("%Y-%m-%d %H:%M:%S.%f"):
        raise ValueError(f"its time is written as {raw.decode()!r}")
    return moment.replace(tzinfo=UTC)


def _json(text: str) -> Any:
    """Raises ValueError where ``text`` says the same in another way than it is written."""
    value = json.loads(text)
    if json.dumps(value) != text:
        raise ValueError("its details are written in another way")
    return value


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


def tokens_named(session: Session, name: str) -> Sequence[Token]:
    """API tokens of that name, or the one of that id; the oldest first."""
    same = col(Token.name) == name
    if name.isdecimal() and len(name) < 19:
        same = or_(same, col(Token.id) == int(name))
    return session.exec(select(Token).where(Token.kind == "api", same).order_by(col(Token.id))).all()


def end_sessions_of(session: Session, origin: str, at: datetime) -> None:
    """Browser sessions that were opened with the token ``origin`` ("token/12") last until then at most."""
    longer = (col(Token.kind) == "session", col(Token.created_by) == origin, col(Token.expires_at) > at)
    session.exec(update(Token).where(*longer).values(expires_at=at))


def revoke_opened_by(session: Session, origin: str, now: datetime) -> None:
    """End the browser sessions and the exchanged tokens that ``origin`` ("token/12", "trust/3") let in."""
    session.exec(
        update(Token)
        .where(
            col(Token.kind).in_(("session", "exchanged")),
            col(Token.created_by) == origin,
            col(Token.revoked_at).is_(None),
        )
        .values(revoked_at=now)
    )


PASSING = ("exchanged", "session", "sign_in")
"""Kinds of tokens that let somebody in for a while, are in no list, and become many."""


def _ended(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Never the newest token: SQLite would give its id again, and the audit log names tokens by id."""
    newest = select(func.max(Token.id)).scalar_subquery()
    return (col(Token.kind).in_(PASSING), col(Token.expires_at) < before, col(Token.id) < newest)


def passing_tokens_ended(session: Session, before: datetime) -> bool:
    return session.exec(select(Token.id).where(*_ended(before)).limit(1)).first() is not None


def purge_passing_tokens(session: Session, before: datetime) -> dict[str, int]:
    """Delete those that ended before then. How many, by kind."""
    ended = _ended(before)
    counted = session.exec(select(Token.kind, func.count()).where(*ended).group_by(col(Token.kind))).all()
    session.exec(delete(Token).where(*ended))
    return dict(sorted(counted))
