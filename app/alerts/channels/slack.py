"""Incoming webhooks as Slack has them, and Mattermost and others after it: ``{text, blocks}``."""

from __future__ import annotations

import json
from typing import Any

from app.alerts.channels.message import Address, Message, Receipt, Wires
from app.alerts.channels.posting import post

LONGEST_SECTION = 3000
SIGNS = {"info": "\N{INFORMATION SOURCE}", "warning": "\N{WARNING SIGN}", "critical": "\N{CROSS MARK}"}


def send(message: Message, to: Address, wires: Wires) -> Receipt:
    """Raises NotDelivered."""
    return post(to.target, json.dumps(body(message)).encode(), {}, wires)


def body(message: Message) -> dict[str, Any]:
    title = f"{SIGNS[message.severity]} {_escaped(message.title)}"
    lines = "\n".join(f"• {_escaped(line)}" for line in message.lines)
    about = f"{_escaped(message.about)} · <{message.url}|open>"
    texts = [f"*{title}*", *([lines] if lines else [])]
    blocks = [{"type": "section", "text": _markdown(_cut(text))} for text in texts]
    return {"text": title, "blocks": [*blocks, {"type": "context", "elements": [_markdown(about)]}]}


def _markdown(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _escaped(text: str) -> str:
    """Nobody's text becomes a link, a mention or a channel-wide call."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str) -> str:
    """What fits into a section, ending between two lines where it has several."""
    if len(text) <= LONGEST_SECTION:
        return text
    kept = text[: LONGEST_SECTION - 2]
    return f"{kept[: kept.rfind(chr(10))] if chr(10) in kept else kept}\n…"
