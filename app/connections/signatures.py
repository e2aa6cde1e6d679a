"""Who sent a message: each tool's own way of signing. Nothing of a body is read before its signature holds.

GitHub: HMAC of the body alone, as hex. https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
GitLab: its signing token is Standard Webhooks; its older secret token comes as it is.
https://docs.gitlab.com/user/project/integrations/webhooks/
MLflow: as Standard Webhooks, under other names, and the key is the secret's text. mlflow/webhooks/delivery.py
Anything else: Standard Webhooks 1.0. https://github.com/standard-webhooks/standard-webhooks
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.errors import NotAuthenticated

TOLERANCE = timedelta(minutes=5)
"""Between the time that a message was signed and now, either way, where its tool signs the time."""
LONGEST_ID = 250
PREFIX = "whsec_"

Headers = Mapping[str, str]
"""By lower-case name."""


class Unsigned(NotAuthenticated):
    """No connection of that name takes this message: its signature is missing or wrong."""

    slug = "unsigned"


@dataclass(frozen=True)
class Message:
    """``id``: the tool's own, the same whenever it sends the message again. ``event``: what it says it is about."""

    id: str
    event: str
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def authentic(kind: str, headers: Headers, content: bytes, secrets: Iterable[str], now: datetime) -> Message:
    """The message, if one of ``secrets`` signed it just now.

    Raises:
        Unsigned: none of them did, it was signed too long ago, or it has no id.
    """
    if not any(SCHEMES[kind](headers, content, secret) for secret in secrets):
        raise Unsigned
    if (signed_at := _signed_at(kind, headers)) is not None:
        _require_recent(signed_at, now)
    found = next((headers[name] for name in IDS[kind] if headers.get(name)), "")
    if not found or len(found) > LONGEST_ID:
        raise Unsigned(f"A message has an id, in the header {IDS[kind][0]}.")
    return Message(found, headers.get(EVENTS.get(kind, ""), ""), content)


def _signed_at(kind: str, headers: Headers) -> str | None:
    """None where the scheme signs no time: of such a message only its id and its events' own tell a repetition."""
    if kind == "github" or (kind == "gitlab" and "webhook-signature" not in headers):
        return None
    return headers.get("x-mlflow-timestamp" if kind == "mlflow" else "webhook-timestamp", "")


def _require_recent(signed_at: str, now: datetime) -> None:
    seconds = int(signed_at) if signed_at.isdecimal() and len(signed_at) < 12 else 0
    if abs(seconds - now.timestamp()) > TOLERANCE.total_seconds():
        minutes = int(TOLERANCE.total_seconds() // 60)
        raise Unsigned(f"The message was signed at {signed_at}, more than {minutes} minutes from now.")


def _github(headers: Headers, content: bytes, secret: str) -> bool:
    mac = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return _same(headers.get("x-hub-signature-256", ""), f"sha256={mac}")


def _gitlab(headers: Headers, content: bytes, secret: str) -> bool:
    if "webhook-signature" in headers:
        return _standard(headers, content, secret)
    return _same(headers.get("x-gitlab-token", ""), secret)


def _mlflow(headers: Headers, content: bytes, secret: str) -> bool:
    parts = (headers.get(name, "") for name in ("x-mlflow-delivery-id", "x-mlflow-timestamp"))
    return _signed(secret.encode(), parts, content, headers.get("x-mlflow-signature", ""))


def _standard(headers: Headers, content: bytes, secret: str) -> bool:
    parts = (headers.get(name, "") for name in ("webhook-id", "webhook-timestamp"))
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return False
    return _signed(key, parts, content, headers.get("webhook-signature", ""))


def _signed(key: bytes, parts: Iterable[str], content: bytes, given: str) -> bool:
    """``given``: signatures with their versions, parted by spaces; a sender that rotates its key sends two."""
    signed = ".".join(parts).encode() + b"." + content
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(_same(one, expected) for one in given.split(" "))


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


Check = Callable[[Headers, bytes, str], bool]
SCHEMES: Mapping[str, Check] = {"github": _github, "gitlab": _gitlab, "mlflow": _mlflow, "webhook": _standard}
IDS: Mapping[str, tuple[str, ...]] = {
    "github": ("x-github-delivery",),
    # the one that is signed comes first; what a webhook brought about in turn repeats the event's UUID
    "gitlab": ("webhook-id", "idempotency-key", "x-gitlab-event-uuid"),
    "mlflow": ("x-mlflow-delivery-id",),
    "webhook": ("webhook-id",),
}
EVENTS = {"github": "x-github-event", "gitlab": "x-gitlab-event"}
