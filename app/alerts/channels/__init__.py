"""The ways by which people are told. A channel sends one message, and gives a receipt or says why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.alerts.channels import email, slack, webhook
from app.alerts.channels.message import Address, Message, NotDelivered, Receipt, Wires

CHANNELS: Mapping[str, Callable[[Message, Address, Wires], Receipt]] = {
    "webhook": webhook.send,
    "email": email.send,
    "slack": slack.send,
}

__all__ = ["CHANNELS", "Address", "Message", "NotDelivered", "Receipt", "Wires"]
