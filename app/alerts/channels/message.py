"""What a channel is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import outgoing

Receipt = dict[str, Any]
"""What proves that a message arrived: the receiver's ``status`` and what it said beside. JSON-ready."""


@dataclass(frozen=True)
class Message:
    """``id`` is the same whenever the message is sent again. ``data``: whatever else the alert holds."""

    id: str
    alert_id: int
    event: str
    severity: str
    title: str
    lines: tuple[str, ...]
    url: str
    model: str | None
    environment: str | None
    at: datetime
    data: Mapping[str, Any]

    @property
    def about(self) -> str:
        """Severity, event, model and environment, as far as there are any."""
        return " · ".join(filter(None, (self.severity, self.event, self.model, self.environment)))


@dataclass(frozen=True)
class Address:
    """Where a message goes. ``secret`` signs webhooks."""

    target: str
    secret: str | None = None


@dataclass(frozen=True)
class Wires:
    """What channels send through. ``seconds``: for one message."""

    http: outgoing.Client
    smtp_url: str
    smtp_from: str
    seconds: float


class NotDelivered(Exception):
    """The receiver did not take the message.

    Attributes:
        permanent: sending it again would not help.
        gone: the receiver wants no further messages.
        retry_after: seconds that the receiver asks to be left alone.
    """

    def __init__(
        self, why: str, *, permanent: bool = False, gone: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(why)
        self.permanent, self.gone, self.retry_after = permanent, gone, retry_after
