"""What routes ask for: sessions, settings, the blob store, and who is asking."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyCookie, HTTPBearer
from sqlmodel import Session

from app.access import service
from app.access.identity import Identity, Scope
from app.access.view import VIEW, View, view_of
from app.config import Settings
from app.db import Database, utcnow
from app.errors import Forbidden, NotAuthenticated
from app.evidence.blobs import BlobStore

SESSION_COOKIE = "assay_session"
BEARER, SESSION = frozenset({"api", "exchanged"}), frozenset({"session"})
"""Kinds of tokens that are let in by the header, and by the cookie."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description='"Authorization: Bearer asy_..."')
_cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    scheme_name="session",
    description="A browser's session; good for pages, and for GET under /api.",
)


# These are async so that none of them takes a thread.


async def _database(request: Request) -> Database:
    """As whoever asks may see it: the guard, which is asked first, says who that is."""
    database: Database = request.app.state.db
    view: View | None = getattr(request.state, "view", None)
    return database if view is None else database.telling(**{VIEW: view})


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _blobs(request: Request) -> BlobStore:
    blobs: BlobStore = request.app.state.blobs
    return blobs


Db = Annotated[Database, Depends(_database)]
Config = Annotated[Settings, Depends(_settings)]
Blobs = Annotated[BlobStore, Depends(_blobs)]


def _read_session(database: Db) -> Iterator[Session]:
    with database.read() as session:
        yield session


def _write_session(database: Db) -> Iterator[Session]:
    # The transaction begins with the route's first statement, so no lock is held while a route waits for a thread.
    with database.write() as session:
        yield session


ReadSession = Annotated[Session, Depends(_read_session, scope="function")]
WriteSession = Annotated[Session, Depends(_write_session, scope="function")]
"""Commits when the route has returned, before the answer is sent. A route takes one of the two sessions, never
both: its own open read would block its write."""

IdempotencyKeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Sent again under the same key, the request is answered with what it created the first time.",
    ),
]
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]
"""A path parameter that fits into the database's integers."""


# --- who is asking ------------------------------------------------------------------------------


def public() -> None:
    """Marks a route that anybody may call."""


def badge() -> None:
    """Marks a route that anybody may call while badges are public, else whoever may read."""


def identify(request: Request) -> Identity:
    """Whoever sent this request. Raises ``NotAuthenticated``; asks the database once a request."""
    known: Identity | None = getattr(request.state, "identity", None)
    if known is None:
        secret, kinds = _credential(request)
        now = utcnow()
        with request.app.state.db.read() as session:
            known = service.authenticate(session, secret, now, kinds)
            request.state.use_is_due = service.use_is_due(session, known, now)
        request.state.identity = known
    return known


def _credential(request: Request) -> tuple[str, frozenset[str]]:
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated
        return secret.strip(), BEARER
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie is None:
        raise NotAuthenticated
    if request.method not in SAFE_METHODS and request.url.path.startswith("/api/"):
        raise NotAuthenticated("A browser's session changes nothing here: send a token; /account makes one.")
    return cookie, SESSION


async def _who(request: Request) -> Identity:
    known: Identity | None = getattr(request.state, "identity", None)
    if known is None:
        known = await run_in_threadpool(identify, request)
    return known


def _refuse_without(identity: Identity, scope: str) -> None:
    if not identity.may(scope):
        raise Forbidden(f'This needs the scope "{scope}", which {identity.name} does not have.')


class Needs:
    """The dependency behind ``needs``; the guard finds a route's scope through it."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(
        self,
        request: Request,
        _token: Annotated[Any, Security(_bearer)],
        _session: Annotated[Any, Security(_cookie)],
    ) -> Identity:
        identity = await _who(request)
        _refuse_without(identity, self.scope)
        return identity


@cache
def needs(scope: Scope) -> Needs:
    """A dependency that lets in whoever carries ``scope`` and gives their ``Identity``."""
    return Needs(scope)


PUBLIC = Depends(public)
BADGE_ACCESS = Depends(badge)

CanRead = Annotated[Identity, Depends(needs("read"))]
CanRegister = Annotated[Identity, Depends(needs("register"))]
CanPushEvidence = Annotated[Identity, Depends(needs("evidence"))]
CanAudit = Annotated[Identity, Depends(needs("audit"))]
CanGate = Annotated[Identity, Depends(needs("gate"))]
CanDeploy = Annotated[Identity, Depends(needs("deploy"))]
CanPredict = Annotated[Identity, Depends(needs("predict"))]
CanAttest = Annotated[Identity, Depends(needs("attest"))]
CanAccept = Annotated[Identity, Depends(needs("accept"))]
CanHandleAlerts = Annotated[Identity, Depends(needs("alerts"))]
CanWritePolicy = Annotated[Identity, Depends(needs("policy"))]
CanForgetRows = Annotated[Identity, Depends(needs("rows:forget"))]
CanReadRows = Annotated[Identity, Depends(needs("rows:read"))]
CanAdmin = Annotated[Identity, Depends(needs("admin"))]


def access_of(route: Any) -> str | None:
    """What ``route`` asks for: a scope, "public", "badge", or None when its author forgot to say."""
    waiting = [getattr(route, "dependant", None)]
    while waiting:
        dependant = waiting.pop()
        if dependant is None:
            continue
        if isinstance(dependant.call, Needs):
            return dependant.call.scope
        if dependant.call is public or dependant.call is badge:
            return str(dependant.call.__name__)
        waiting.extend(dependant.dependencies)
    return None


async def guard(request: Request) -> None:
    """Dependency of the whole application, asked before any other.

    A route that does not say who may call it can be called by nobody.
    """
    access = access_of(request.scope.get("route"))
    if access == "public":
        return
    if access == "badge" and request.app.state.settings.public_badges and not _has_credential(request):
        request.state.view = View("read", unowned=True)
        return
    identity = await _who(request)
    if access is None:
        raise Forbidden("This route does not say which scope it needs, so it is closed.")
    scope = "read" if access == "badge" else access
    _refuse_without(identity, scope)
    if identity.reach is not None and not (scope == "read" and request.app.state.settings.organisation_reads):
        request.state.view = view_of(identity.reach, scope)


def _has_credential(request: Request) -> bool:
    return "authorization" in request.headers or SESSION_COOKIE in request.cookies
