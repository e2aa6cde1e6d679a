"""Events as they are, in the envelope of Standard Webhooks, for tools that are none of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from app.connections.translating import Payload, read
from app.ledger.events import Event
from app.ledger.schemas import EventsIn


class Envelope(Payload):
    type: Literal["ledger.events"]
    data: EventsIn


def events(body: Mapping[str, Any]) -> list[Event]:
    """Raises Invalid: something in it is no event."""
    return read(Envelope, body, "a message of the type ledger.events").data.events
