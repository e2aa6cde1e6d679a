"""A request's body as it arrives, for routes that run in a thread."""

from __future__ import annotations

from collections.abc import Iterator

import anyio.from_thread
from fastapi import Request


def body_of(request: Request) -> Iterator[bytes]:
    """The body, chunk by chunk, pulled from the event loop into this thread."""
    stream = request.stream()

    async def pull() -> bytes:
        return await anext(stream, b"")

    return iter(lambda: anyio.from_thread.run(pull), b"")
