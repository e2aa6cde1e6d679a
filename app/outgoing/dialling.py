"""One request to addresses that were looked up before. Apart from the client, for httpcore takes long to import."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore2

from app.outgoing.answers import Answer, Failed
from app.outgoing.urls import IP, Target, bracketed

CHUNK = 16 * 1024


@dataclass(frozen=True)
class Request:
    method: str
    target: Target
    headers: Mapping[str, str]
    content: bytes


def exchange(
    request: Request, addresses: Sequence[IP], tls: ssl.SSLContext, *, seconds: float, most_bytes: int
) -> Answer:
    """Send the request to one of ``addresses``, and read the answer. Raises Failed; see ``Client.send``."""
    target = request.target
    backend = _Backend(addresses, time.monotonic() + seconds)
    to = httpcore2.URL(scheme=target.scheme, host=bracketed(target.host), port=target.port, target=target.path)
    headers = list(request.headers.items())
    try:
        with (
            httpcore2.ConnectionPool(ssl_context=tls, network_backend=backend) as pool,
            pool.stream(request.method, to, headers=headers, content=request.content) as response,
        ):
            body, complete = _read(response.iter_stream(), most_bytes)
            told = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in response.headers}
            return Answer(response.status, told, body, complete)
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
        raise Failed(f"{target.host}: {str(error) or type(error).__name__}") from error


def _read(chunks: Iterable[bytes], most: int) -> tuple[bytes, bool]:
    """At most ``most`` bytes, and whether that was all that was to come."""
    content = bytearray()
    try:
        for chunk in chunks:
            content += chunk
            if len(content) > most:
                return bytes(content[:most]), False
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError):
        return bytes(content), False
    return bytes(content), True


class _Backend(httpcore2.NetworkBackend):
    """Dials the addresses that were looked up, whatever host is asked for."""

    def __init__(self, addresses: Sequence[IP], deadline: float) -> None:
        self._addresses, self._deadline = addresses, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        del timeout, local_address
        problem: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in self._addresses:
            try:
                stream = httpcore2.SyncBackend().connect_tcp(
                    str(address), port, _left(self._deadline), socket_options=socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                problem = error
            else:
                return _Stream(stream, self._deadline)
        raise problem


class _Stream(httpcore2.NetworkStream):
    """A connection on which every single step ends at the deadline of them all."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        for start in range(0, len(buffer), CHUNK):
            self._stream.write(buffer[start : start + CHUNK], _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        del timeout
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    """Seconds until the deadline. Raises when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the answer took too long")
    return left
