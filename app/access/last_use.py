"""Notes when a token was last used, after the answer went out, so that nobody waits for it."""

from __future__ import annotations

import logging

import anyio
import anyio.to_thread
from sqlalchemy.exc import OperationalError
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access import service
from app.access.identity import Identity
from app.db import Database, utcnow

logger = logging.getLogger(__name__)


class LastUse:
    """ASGI middleware around everything that authenticates."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self.database = database
        self.limiter = anyio.CapacityLimiter(1)  # never a thread of those that run routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
        state = scope.get("state", {})
        if state.get("use_is_due"):
            await anyio.to_thread.run_sync(self._note, state["identity"], limiter=self.limiter)

    def _note(self, identity: Identity) -> None:
        try:
            with self.database.write() as session:
                service.note_use(session, identity, utcnow())
        except (OperationalError, TimeoutError):
            logger.warning("could not note the use of a token", extra={"assay.token.id": identity.token_id})
