"""How many requests may be busy writing at once."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.bodies import is_upload
from app.http.doors import SAFE_METHODS

WRITES = 12
UPLOADING = 12
PREDICTING = 40
"""Together well below the threads that run routes. Predictions wait for models, not for the database's lock."""


class WriteSlots:
    """ASGI middleware: further writes wait outside of the thread pool.

    A route that waits for the database's write lock holds a thread. The one that has the lock needs another
    thread to check its answer before it commits: with all of them waiting, nobody would get on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.writes = anyio.CapacityLimiter(WRITES)
        self.predictions = anyio.CapacityLimiter(PREDICTING)
        self.uploads = anyio.CapacityLimiter(UPLOADING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        async with self._slots(scope):
            await self.app(scope, receive, send)

    def _slots(self, scope: Scope) -> anyio.CapacityLimiter:
        if is_upload(scope):
            return self.uploads
        return self.predictions if scope["path"].endswith("/infer") else self.writes
