"""Who is let through to the application at all: known hosts, no cross-site changes; and what browsers are told."""

from __future__ import annotations

import re
from typing import ClassVar
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.config import Settings
from app.errors import AssayError, Forbidden
from app.http.problems import problem_response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
PROBES = "/health/"
"""Probes reach a process by its address, whatever that is, and learn nothing that needs protection."""

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


class BadHost(AssayError):
    """Nothing is served under that host name; ASSAY_ALLOWED_HOSTS lists the names that are answered."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "bad-host"


class Doors:
    """ASGI middleware: foreign hosts are 400, changes asked for by another site's page are 403."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        own = _hostname(urlsplit(settings.public_url).netloc)
        self.hosts = {host.lower() for host in settings.allowed_hosts} | ({own} if own else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._known_host(scope, headers):
            await problem_response(BadHost())(scope, receive, send)
        elif scope.get("method", "GET") not in SAFE_METHODS and is_cross_site(headers):
            refusal = Forbidden("The request comes from a page of another site.")
            await problem_response(refusal)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _known_host(self, scope: Scope, headers: Headers) -> bool:
        if "*" in self.hosts or scope["path"].startswith(PROBES):
            return True
        given = headers.getlist("host")
        return len(given) == 1 and _hostname(given[0]) in self.hosts


def is_cross_site(headers: Headers) -> bool:
    """Whether a browser sent this for a page that is not ours.

    Browsers say so themselves (Sec-Fetch-Site, else Origin). A request with neither header and without a cookie
    comes from no browser, or carries nothing that one would add by itself.
    """
    sites = headers.getlist("sec-fetch-site")
    if sites:
        return any(site.lower() not in {"same-origin", "none"} for site in sites)
    origins = headers.getlist("origin")
    if origins:
        own = headers.get("host", "").lower()
        return any(urlsplit(origin).netloc.lower() != own for origin in origins)
    return "cookie" in headers


def _hostname(host: str) -> str | None:
    match = _HOST.fullmatch(host.lower())
    return match[1] if match else None


class SecurityHeaders:
    """ASGI middleware: headers that every answer carries unless its route chose stricter ones."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)
