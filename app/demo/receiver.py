"""The demo's own receiver of webhooks: checks each signature, keeps what was told, once a message."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HIGHEST_BYTES = 1024 * 1024


class Receiver:
    """Where it listens, the secret that messages must be signed with (set it first), and what arrived."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hooks/assay"
        self.secret = ""
        self._told: dict[str, dict[str, Any]] = {}
        self._arrived = threading.Condition()

    def take(self, message_id: str, timestamp: str, signature: str, content: bytes) -> bool:
        """Keep a message unless it is here already. False when the signature is wrong."""
        signed = f"{message_id}.{timestamp}.".encode() + content
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        if not any(hmac.compare_digest(expected, one) for one in signature.split()):
            return False
        with self._arrived:
            self._told.setdefault(message_id, json.loads(content))
            self._arrived.notify_all()
        return True

    def wait_for(self, event: str, about: str, seconds: float) -> dict[str, Any] | None:
        """The newest message of ``event`` that names ``about`` anywhere; None when none comes in time."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                found = [
                    told for told in self._told.values() if told["type"] == event and about in json.dumps(told)
                ]
                left = deadline - time.monotonic()
                if found or left <= 0:
                    return found[-1] if found else None
                self._arrived.wait(left)


@contextmanager
def listening(port: int) -> Iterator[Receiver]:
    """A receiver that listens on 127.0.0.1 as long as the block lasts."""
    receiver = Receiver(port)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(min(int(self.headers.get("content-length", 0)), HIGHEST_BYTES))
            signed = [self.headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature")]
            self.send_response(204 if receiver.take(signed[0], signed[1], signed[2], content) else 401)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet: what arrives is part of the story."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
