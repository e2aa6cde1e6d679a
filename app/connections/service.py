"""Rules of connections: who may register one, and how their secrets change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from app.access import audit_log, idempotency
from app.access.identity import Identity
from app.alerts.channels.webhook import new_secret
from app.config import Settings
from app.connections import queries
from app.connections.schemas import ConnectionIn, ConnectionOut, MessageOut, NewConnectionOut, RotationIn
from app.db import database_now
from app.errors import Conflict
from app.paging import Page, PageParams
from app.tables import ToolConnection


def connect(
    session: Session, identity: Identity, given: ConnectionIn, key: str | None, settings: Settings
) -> NewConnectionOut:
    """Let a tool send messages; the same request under the same ``key`` only once.

    Raises:
        Conflict: an open connection has that name.
    """
    known = idempotency.once(session, identity, key, given)
    if known is not None:
        return _with_secret(session, queries.by_id(session, known), settings, None)
    if queries.open_named(session, given.name):
        raise Conflict(f"there is a connection named {given.name!r} already")
    row = ToolConnection(**given.model_dump(), secret=new_secret(), created_by=identity.name)
    session.add(row)
    session.flush()
    audit_log.record(
        session, identity.name, "connection.create", f"connection/{row.name}", **given.model_dump(exclude={"name"})
    )
    idempotency.remember(session, identity, key, given, row.id)
    return _with_secret(session, row, settings, row.secret)


def rotate(
    session: Session, name: str, given: RotationIn, identity: Identity, settings: Settings
) -> NewConnectionOut:
    """Another secret; the one before holds a while longer. Raises NotFound."""
    row = queries.get_open(session, name)
    row.previous_secret, row.secret = row.secret, new_secret()
    row.previous_until = database_now(session) + timedelta(hours=given.overlap_hours)
    session.add(row)
    audit_log.record(
        session,
        identity.name,
        "connection.rotate",
        f"connection/{name}",
        previous_until=row.previous_until.isoformat(),
    )
    return _with_secret(session, row, settings, row.secret)


def disconnect(session: Session, name: str, identity: Identity) -> None:
    """Take no more of its messages. What it told stays. Raises NotFound."""
    row = queries.get_open(session, name)
    row.enabled, row.ended = False, f"removed by {identity.name}"
    session.add(row)
    audit_log.record(session, identity.name, "connection.end", f"connection/{name}")


def show(session: Session, name: str, settings: Settings) -> ConnectionOut:
    """Raises NotFound."""
    return _out(session, [queries.get_open(session, name)], settings)[0]


def list_connections(session: Session, params: PageParams, settings: Settings) -> Page[ConnectionOut]:
    rows, cursor = queries.connections_page(session, params)
    return Page(items=_out(session, rows, settings), next_cursor=cursor)


def list_messages(session: Session, name: str, status: str | None, params: PageParams) -> Page[MessageOut]:
    """Raises NotFound."""
    row = queries.get_open(session, name)
    rows, cursor = queries.messages_page(session, row.id, status, params)
    return Page(items=[MessageOut(**one.model_dump()) for one in rows], next_cursor=cursor)


def untaken(session: Session, most: int) -> list[tuple[str, MessageOut]]:
    """The newest messages of all connections that do not count, each with its connection's name."""
    return [(name, MessageOut(**row.model_dump())) for name, row in queries.untaken(session, most)]


def _with_secret(session: Session, row: ToolConnection, settings: Settings, secret: str | None) -> NewConnectionOut:
    return NewConnectionOut(**_out(session, [row], settings)[0].model_dump(), secret=secret)


def _out(session: Session, rows: Sequence[ToolConnection], settings: Settings) -> list[ConnectionOut]:
    found = queries.counts(session, [row.id for row in rows])
    return [
        ConnectionOut(
            **row.model_dump(exclude={"secret", "previous_secret"}),
            url=f"{settings.public_url}/hooks/{row.name}",
            messages={status: count for status, (count, _) in found.get(row.id, {}).items()},
            last_message_at=max((last for _, last in found.get(row.id, {}).values()), default=None),
        )
        for row in rows
    ]
