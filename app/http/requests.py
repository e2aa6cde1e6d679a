"""Around every request: its id, its line in the log, its place in the metrics, and an answer if all else fails."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.problems import handle
from app.log import request_id
from app.metrics import Metrics

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

MASK = "•••"

access_log = logging.getLogger("assay.access")


class Requests:
    """The outermost ASGI middleware. ``templates``: path template by the id of its route object."""

    def __init__(self, app: ASGIApp, metrics: Metrics, templates: Mapping[int, str]) -> None:
        self.app = app
        self.metrics = metrics
        self.templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        current = _request_id(Headers(scope=scope))
        token = request_id.set(current)
        status = 0
        start = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = current
            await send(message)

        try:
            await self._answer(scope, receive, watched)
        finally:
            self._note(scope, status, time.perf_counter() - start)
            request_id.reset(token)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if started:
                raise
            await handle(Request(scope, receive), error)(scope, receive, send)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        route = self.templates.get(id(scope.get("route")), "unmatched")
        self.metrics.answered(method, route, status, seconds)
        identity = scope.get("state", {}).get("identity")
        client, path = scope.get("client"), _logged_path(scope)
        fields = {
            "http.request.method": scope["method"],
            "http.response.status_code": status,
            "url.path": path,
            "event.duration": int(seconds * 1e9),
            "event.dataset": "assay.access",
            "user.name": identity.name if identity else None,
            "client.ip": client[0] if client else None,
        }
        access_log.info("%s %s %d", scope["method"], path, status, extra=fields)


def _logged_path(scope: Scope) -> str:
    """The path, without the id of a prediction, which may name a person."""
    path, prediction = str(scope["path"]), scope.get("path_params", {}).get("prediction_id")
    return path.replace(f"/{prediction}", f"/{MASK}") if prediction else path


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
