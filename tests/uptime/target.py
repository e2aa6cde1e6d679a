"""A server that does as it is told: answers, fails, hangs, breaks off, goes away and comes back on its port."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Target:
    """``status`` and ``content`` are what it answers; ``pause`` how long it waits before that (s)."""

    def __init__(self) -> None:
        self.status, self.content, self.pause = 200, b'{"status": "ready"}', 0.0
        self.breaks_off = False
        self.asked: list[dict[str, str]] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()
        self.url = f"http://127.0.0.1:{self.port}/health"

    def start(self) -> None:
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                target.asked.append(dict(self.headers))
                time.sleep(target.pause)
                self.send_response(target.status)
                self.send_header("Content-Length", str(len(target.content) + target.breaks_off))
                self.end_headers()
                self.wfile.write(target.content)

            def log_message(self, *_arguments: object) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:  # the prober gave up
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
