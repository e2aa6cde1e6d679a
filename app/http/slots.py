"""How many requests may be busy writing at once."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import Unavailable
from app.http.bodies import is_upload
from app.http.doors import SAFE_METHODS
from app.http.problems import problem_response

WRITES = 12
UPLOADING = 12
PREDICTING = 40
"""Together well below the threads that run routes. Predictions wait for models, not for the database's lock."""


class Crowded(Unavailable):
    """Too many prediction requests wait already; try again."""

    slug = "busy"


class WriteSlots:
    """ASGI middleware: further writes wait outside of the thread pool.

    A route that waits for the database's write lock holds a thread. The one that has the lock needs another
    thread to check its answer before it commits: with all of them waiting, nobody would get on.
    Predictions wait for models, which may be slow for long: who waited too long is told to come back.
    """

    def __init__(self, app: ASGIApp, patience: float) -> None:
        self.app = app
        self.patience = patience
        self.writes = anyio.CapacityLimiter(WRITES)
        self.predictions = anyio.CapacityLimiter(PREDICTING)
        self.uploads = anyio.CapacityLimiter(UPLOADING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        slots = self._slots(scope)
        try:
            with anyio.fail_after(self.patience if slots is self.predictions else None):
                await slots.acquire()
        except TimeoutError:
            await problem_response(Crowded())(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            slots.release()

    def _slots(self, scope: Scope) -> anyio.CapacityLimiter:
        if is_upload(scope):
            return self.uploads
        return self.predictions if scope["path"].endswith("/infer") else self.writes
