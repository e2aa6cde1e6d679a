"""Sign-in of people in a browser, by a code that works once or by an API token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.access import service
from app.db import utcnow
from app.deps import PUBLIC, SESSION_COOKIE, CanRead, Config, WriteSession
from app.errors import NotAuthenticated
from app.http.html import render, wants_html

router = APIRouter(include_in_schema=False)

Code = Annotated[str, Form(max_length=200)]


@router.get("/sign-in", dependencies=[PUBLIC])
def sign_in_page(code: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Uses nothing up: mail scanners and browsers fetch links before anybody clicks."""
    return render("sign_in.html", code=code, problem=None)


@router.post("/sign-in", dependencies=[PUBLIC])
def sign_in(request: Request, code: Code, session: WriteSession, config: Config) -> Response:
    try:
        _, secret = service.sign_in(session, code.strip(), utcnow())
    except NotAuthenticated as refused:
        if not wants_html(request):
            raise
        return render("sign_in.html", 401, code="", problem=refused.detail)
    response = RedirectResponse("/", 303)
    secure = config.public_url.startswith("https:")
    life = int(service.SESSION_LIFE.total_seconds())
    response.set_cookie(SESSION_COOKIE, secret, max_age=life, secure=secure, httponly=True, samesite="lax")
    return response


@router.post("/sign-out")
def sign_out(request: Request, session: WriteSession, _: CanRead) -> Response:
    service.sign_out(session, request.cookies.get(SESSION_COOKIE, ""), utcnow())
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(SESSION_COOKIE)
    return response
