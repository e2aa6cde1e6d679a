"""A webhook's receiver: keeps what it got, verifies it, and answers as it is told."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

SECRET = "whsec_" + "c2VjcmV0" * 5


class Receiver:
    """``got``: (webhook-id, payload) of what was verified. ``answers``: (status, headers), the last always."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict]] = []
        self.bodies: list[bytes] = []
        self.heads: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, str]]] = [(200, {})]
        self.pause = 0.0
        self.verify = True
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(dict(self.headers), content)
                time.sleep(receiver.pause)
                status, headers = receiver.answers[0]
                if len(receiver.answers) > 1:
                    receiver.answers.pop(0)
                self.send_response(status)
                for name, value in ({"X-Request-Id": "r-7", "Content-Length": "2"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_arguments: object) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:  # the sender was killed
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, headers: dict[str, str], content: bytes) -> None:
        self.bodies.append(content)
        self.heads.append(headers)
        if self.verify:
            self.got.append((headers["webhook-id"], Webhook(SECRET).verify(content, headers)))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
