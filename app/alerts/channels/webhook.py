"""Standard Webhooks 1.0 (standardwebhooks.com): JSON with an id, a time, and an HMAC-SHA256 signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time

from app.alerts.channels.message import Address, Message, Receipt, Wires
from app.alerts.channels.posting import post

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def send(message: Message, to: Address, wires: Wires) -> Receipt:
    """Raises NotDelivered."""
    content = body(message)
    return post(to.target, content, signed(message.id, content, to.secret or ""), wires)


def body(message: Message) -> bytes:
    data = {
        **message.data,
        "alert_id": message.alert_id,
        "severity": message.severity,
        "title": message.title,
        "lines": message.lines,
        "url": message.url,
        "model": message.model,
        "environment": message.environment,
    }
    told = {"type": message.event, "timestamp": message.at.isoformat(), "data": data}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def signed(message_id: str, content: bytes, secret: str) -> dict[str, str]:
    """The three headers. The time is that of this attempt: receivers refuse what is older than minutes."""
    now = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    mac = hmac.new(key, f"{message_id}.{now}.".encode() + content, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
