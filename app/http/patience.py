"""How long a client may take: uvicorn's HTTP/1.1 protocol, with an end to waiting.

uvicorn by itself waits for ever: for the head of a first request, for the rest of a body, for somebody to take the
answer. Whoever opens sockets and sends next to nothing would hold a connection, a task, in the end a thread. Why
this and no other server: docs/decisions/0026-slow-clients.md.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import ClassVar, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.config import Settings

WINDOW_SECONDS = 5.0
"""Over which the speed of a body is measured."""
UNTAKEN_SECONDS = 30.0
"""The same of an answer; longer, for the kernel takes megabytes at once and says nothing for a while."""
LOOKS_SECONDS = 0.5

_TOO_SLOW = json.dumps(
    {
        "type": "urn:assay:problem:too-slow",
        "title": "too slow",
        "status": 408,
        "detail": "The request arrived too slowly; send it again.",
    }
).encode()
TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_TOO_SLOW), _TOO_SLOW)
)


@dataclass(frozen=True)
class Limits:
    """Seconds for a head and between two requests; bytes a second of a body or an answer, at least."""

    head: float
    idle: float
    slowest: float


def patient(settings: Settings) -> type[HttpToolsProtocol]:
    """The protocol class for ``uvicorn.Config(http=...)``."""
    limits = Limits(settings.header_seconds, settings.idle_seconds, settings.slowest_bytes)
    return type("PatientProtocol", (PatientProtocol,), {"limits": limits})


class PatientProtocol(HttpToolsProtocol):
    """Looks at its connection now and then; what happens in between only leaves notes, which costs little."""

    limits: ClassVar[Limits]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arriving: Literal["head", "body", ""] = "head"
        self._begun = False
        self._unanswered = 0
        self._received = 0
        self._excused = False
        self._untaken: tuple[float, int] | None = None
        self._since = self.loop.time()
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._looking.cancel()
        super().connection_lost(exc)

    # --- what happens ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._excused = self._excused or self.flow.read_paused

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await("head", begun=True)

    def on_headers_complete(self) -> None:
        self._await("body", begun=True)
        self._unanswered += 1
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._await("", begun=False)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._unanswered -= 1
        if not self._arriving:
            self._since = self.loop.time()
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._untaken = None
        super().resume_writing()

    def _await(self, part: Literal["head", "body", ""], *, begun: bool) -> None:
        self._arriving, self._begun = part, begun
        self._new_window(self.loop.time())

    def _new_window(self, now: float) -> None:
        self._since, self._received, self._excused = now, 0, self.flow.read_paused

    # --- now and then ---------------------------------------------------------------------------

    def _look_later(self) -> None:
        self._due = self.loop.time() + LOOKS_SECONDS
        self._looking = self.loop.call_at(self._due, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        self._since += now - self._due  # if this process stood still, that is not the client's fault
        self._look_later()
        if self._answer_is_stuck(now):
            self.transport.abort()
        elif not self.transport.is_closing() and self._is_overdue(now):
            self._cut_off()

    def _is_overdue(self, now: float) -> bool:
        waited = now - self._since
        if self._arriving == "head":
            return waited >= self.limits.head and not self.flow.read_paused
        if self._arriving == "body":
            return self._body_is_too_slow(now, waited)
        return not self._unanswered and waited >= self.limits.idle

    def _body_is_too_slow(self, now: float, waited: float) -> bool:
        if waited < WINDOW_SECONDS:
            return False
        slow = self._received < self.limits.slowest * waited and not self._excused and not self.flow.read_paused
        self._new_window(now)
        return slow

    def _answer_is_stuck(self, now: float) -> bool:
        """Whether bytes lie ready and the client does not take them."""
        ready = self.transport.get_write_buffer_size()
        if not (self.flow.write_paused or self.transport.is_closing()):
            self._untaken = None
            return False
        if self._untaken is None:
            self._untaken = now, ready
            return False
        since, before = self._untaken
        if now - since < UNTAKEN_SECONDS:
            return False
        self._untaken = now, ready
        return before - ready < self.limits.slowest * (now - since)

    def _cut_off(self) -> None:
        """Close, and say why where an answer can still be given."""
        head = self._arriving == "head" and self._begun and not self._unanswered
        body = self._arriving == "body" and self._unanswered == 1 and not self.cycle.response_started
        if head or body:
            self.transport.write(TOO_SLOW)
        self.transport.close()


__all__ = ["PatientProtocol", "patient"]
