"""A signed webhook (Standard Webhooks 1.0); its id is the request's, by which a receiver knows a repetition."""

from __future__ import annotations

import json

from app.alerts.channels import Wires
from app.alerts.channels.posting import post
from app.alerts.channels.webhook import signed
from app.training.senders.call import Call, Started

TYPE = "training.requested"


def send(call: Call, wires: Wires) -> Started:
    """Raises NotDelivered."""
    content = body(call)
    return Started(post(call.target["url"], content, signed(call.key, content, call.secret or ""), wires))


def body(call: Call) -> bytes:
    told = {"type": TYPE, "timestamp": call.at.isoformat(), "data": dict(call.document)}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
