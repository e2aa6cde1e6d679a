"""Sign-in of people in a browser, by a code that works once or by an API token."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.access import service
from app.config import Settings
from app.db import utcnow
from app.deps import PUBLIC, SESSION_COOKIE, CanRead, Config, WriteSession
from app.errors import NotAuthenticated
from app.http.html import render, wants_html
from app.http.rates import BY_ADDRESS

router = APIRouter(include_in_schema=False)

LONGEST = 2000
Code = Annotated[str, Form(max_length=200)]
To = Annotated[str, Query(max_length=LONGEST, description="The page that was asked for before signing in.")]


@router.get("/sign-in", dependencies=[PUBLIC, BY_ADDRESS])
def sign_in_page(config: Config, code: Annotated[str, Query(max_length=200)] = "", to: To = "/") -> Response:
    """Uses nothing up: mail scanners and browsers fetch links before anybody clicks."""
    return sign_in_form(config, code=code, to=to)


@router.post("/sign-in", dependencies=[PUBLIC, BY_ADDRESS])
def sign_in(
    request: Request,
    code: Code,
    session: WriteSession,
    config: Config,
    to: Annotated[str, Form(max_length=LONGEST)] = "/",
) -> Response:
    try:
        _, secret = service.sign_in(session, code.strip(), utcnow())
    except NotAuthenticated as refused:
        if not wants_html(request):
            raise
        return sign_in_form(config, 401, to=to, problem=refused.detail)
    return let_in(to, secret, config)


@router.post("/sign-out")
def sign_out(request: Request, session: WriteSession, _: CanRead) -> Response:
    service.sign_out(session, request.cookies.get(SESSION_COOKIE, ""), utcnow())
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(SESSION_COOKIE)
    return response


def sign_in_form(
    config: Settings, status: int = 200, *, code: str = "", to: str = "/", problem: str | None = None
) -> Response:
    issuer = urlsplit(config.oidc_issuer).netloc
    return render("sign_in.html", status, code=code, to=to, problem=problem, issuer=issuer)


def let_in(to: str, secret: str, config: Settings) -> Response:
    """On to a page of ours, with the cookie of the session."""
    response = RedirectResponse(own_path(to), 303)
    secure = config.public_url.startswith("https:")
    life = int(service.SESSION_LIFE.total_seconds())
    response.set_cookie(SESSION_COOKIE, secret, max_age=life, secure=secure, httponly=True, samesite="lax")
    return response


def own_path(to: str) -> str:
    """``to`` when it is a page of ours, else the first page: nobody is sent elsewhere after signing in."""
    plain = to.isascii() and to.isprintable() and to.startswith("/")
    return to if plain and to[1:2] not in {"/", "\\"} else "/"
