"""All SQL of connections and their messages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.errors import NotFound, nearest
from app.paging import PageParams, paginate
from app.tables import ReceivedMessage, ToolConnection


def open_named(session: Session, name: str) -> ToolConnection | None:
    query = select(ToolConnection).where(ToolConnection.name == name, col(ToolConnection.enabled))
    return session.exec(query).one_or_none()


def get_open(session: Session, name: str) -> ToolConnection:
    """Raises NotFound."""
    if found := open_named(session, name):
        return found
    names = session.exec(select(ToolConnection.name).where(col(ToolConnection.enabled))).all()
    raise NotFound(f"There is no connection {name!r}{nearest(name, names)}.")


def by_id(session: Session, connection_id: int) -> ToolConnection:
    return session.get_one(ToolConnection, connection_id)


def connections_page(session: Session, params: PageParams) -> tuple[list[ToolConnection], str | None]:
    return paginate(session, select(ToolConnection), col(ToolConnection.id), params)


def message(session: Session, connection_id: int, key: str) -> ReceivedMessage | None:
    query = select(ReceivedMessage).where(
        ReceivedMessage.connection_id == connection_id, ReceivedMessage.key == key
    )
    return session.exec(query).one_or_none()


def messages_page(
    session: Session, connection_id: int, status: str | None, params: PageParams
) -> tuple[list[ReceivedMessage], str | None]:
    query = select(ReceivedMessage).where(ReceivedMessage.connection_id == connection_id)
    if status is not None:
        query = query.where(ReceivedMessage.status == status)
    return paginate(session, query, col(ReceivedMessage.id), params)


def untaken(session: Session, most: int) -> list[tuple[str, ReceivedMessage]]:
    """The newest that were refused or set aside, with the connection's name."""
    query = (
        select(ToolConnection.name, ReceivedMessage)
        .join(ReceivedMessage, col(ReceivedMessage.connection_id) == ToolConnection.id)
        .where(col(ReceivedMessage.status).in_(("refused", "set_aside")))
    )
    return list(session.exec(query.order_by(col(ReceivedMessage.id).desc()).limit(most)))


def counts(session: Session, connections: Collection[int]) -> dict[int, dict[str, tuple[int, datetime]]]:
    """Of each connection, by status: how many messages, and when the last of them came."""
    query = (
        select(
            ReceivedMessage.connection_id,
            ReceivedMessage.status,
            func.count(),
            func.max(ReceivedMessage.last_at),
        )
        .where(col(ReceivedMessage.connection_id).in_(connections))
        .group_by(col(ReceivedMessage.connection_id), col(ReceivedMessage.status))
    )
    found: dict[int, dict[str, tuple[int, datetime]]] = {}
    for connection_id, status, count, last in session.exec(query):
        found.setdefault(connection_id, {})[status] = count, last
    return found
