"""A listener on loopback that counts who comes, and answers as it is told."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress

import pytest


class Listener:
    """Accepts on 127.0.0.1; every connection gets the ``pieces``, with ``pause`` seconds before each."""

    def __init__(self) -> None:
        self.pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: r1\r\n\r\nok"]
        self.pause = 0.0
        self.tls = None
        self.requests: list[bytes] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                self.requests.append(_request(connection))
                for piece in self.pieces:
                    time.sleep(self.pause)
                    connection.sendall(piece)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _request(connection: socket.socket) -> bytes:
    """Head and content of a request."""
    received = connection.recv(65536)
    length = re.search(rb"(?i)content-length: ([0-9]+)", received)
    while length and len(received.partition(b"\r\n\r\n")[2]) < int(length[1]):
        received += connection.recv(65536)
    return received


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()
