"""``/connections``: which tools tell the ledger, and what of it does not count, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from app.config import Settings
from app.connections import service
from app.connections.schemas import ConnectionOut, MessageOut
from app.ledger import service as ledger
from app.ledger.schemas import EventOut
from app.paging import PageParams

NEWEST = PageParams(limit=20)


@dataclass(frozen=True)
class ConnectionsView:
    """``refused``: messages that were refused or set aside, each with its connection; ``aside``: events that name
    what nobody registered.
    """

    connections: Sequence[ConnectionOut]
    next_cursor: str | None
    refused: Sequence[tuple[str, MessageOut]]
    aside: Sequence[EventOut]
    more_aside: bool


def connections(session: Session, settings: Settings, params: PageParams) -> ConnectionsView:
    listed = service.list_connections(session, params, settings)
    aside = ledger.list_events(session, {}, NEWEST, aside=True)
    return ConnectionsView(
        connections=listed.items,
        next_cursor=listed.next_cursor,
        refused=service.untaken(session, NEWEST.limit),
        aside=aside.items,
        more_aside=aside.next_cursor is not None,
    )
