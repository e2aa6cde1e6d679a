"""Messages as tools sign them."""

import base64
import copy
import hashlib
import hmac
import json
import time
import uuid
from functools import cache
from pathlib import Path

GITHUB = Path(__file__).with_name("github")
REPOSITORY = "bank/credit"
SHA = "c0ffee" + "0" * 34


@cache
def _published(name):
    return json.loads((GITHUB / name).read_text())


def schema(event):
    """The published JSON schema of a GitHub event."""
    whole = _published("schemas.json")
    names = [name for name in (f"{event}$event", f"{event}_event") if name in whole["definitions"]]
    return whole | {"$ref": f"#/definitions/{names[0]}"}


def example(event, number=0, **changes):
    """A published example of a GitHub event of ``bank/credit``; ``changes``: values by path, parted by ``__``."""
    body = copy.deepcopy(_published("examples.json")[event][number])
    body["repository"]["full_name"] = REPOSITORY
    for path, value in changes.items():
        *way, last = path.split("__")
        place = body
        for part in way:
            place = place[int(part) if part.isdigit() else part]
        place[last] = value
    return body


def github(secret, event, body, delivery=None, content_type="application/json"):
    """(headers, content) of a delivery."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {
        "Content-Type": content_type,
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest(),
    }, content


def standard(secret, body, message_id=None, at=None):
    """By Standard Webhooks."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message_id, at = message_id or f"msg_{uuid.uuid4()}", str(int(time.time() if at is None else at))
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{_mac(key, message_id, at, content)}",
    }, content


def gitlab(secret, event, body, message_id=None):
    """By the older secret token."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {
        "Content-Type": "application/json",
        "X-Gitlab-Event": event,
        "X-Gitlab-Token": secret,
        "X-Gitlab-Event-UUID": str(uuid.uuid4()),
        "Idempotency-Key": message_id or str(uuid.uuid4()),
    }, content


def mlflow(secret, entity, action, data, message_id=None, at=None):
    """As mlflow/webhooks/delivery.py signs."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    content = json.dumps({"entity": entity, "action": action, "timestamp": now, "data": data}).encode()
    message_id, at = message_id or str(uuid.uuid4()), str(int(time.time() if at is None else at))
    return {
        "Content-Type": "application/json",
        "X-MLflow-Delivery-Id": message_id,
        "X-MLflow-Timestamp": at,
        "X-MLflow-Signature": f"v1,{_mac(secret.encode(), message_id, at, content)}",
    }, content


def _mac(key, message_id, at, content):
    signed = f"{message_id}.{at}.".encode() + content
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
