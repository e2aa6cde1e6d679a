"""Leaving for the issuer, and coming back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.access.oidc import people, service
from app.access.oidc.issuers import Issuer
from app.access.sign_in import To, let_in, sign_in_form
from app.config import Settings
from app.db import utcnow
from app.deps import PUBLIC, SESSION_COOKIE, Config, WriteSession
from app.errors import AssayError, NotFound
from app.http.rates import BY_ADDRESS

router = APIRouter(include_in_schema=False)

MINUTES = 10
"""For a password, and whatever else the issuer asks for."""


def _issuer(request: Request, config: Config) -> Issuer:
    if not config.oidc_issuer:
        raise NotFound("Nobody signs in with an issuer here: ASSAY_OIDC_ISSUER is not set.")
    issuer: Issuer = request.app.state.issuers[config.oidc_issuer]
    return issuer


SignInIssuer = Annotated[Issuer, Depends(_issuer)]
Given = Annotated[str, Query(max_length=4000)]


@router.get("/sign-in/oidc", dependencies=[PUBLIC, BY_ADDRESS])
def leave(issuer: SignInIssuer, config: Config, to: To = "/") -> Response:
    attempt = people.Attempt.new(to)
    try:
        response = RedirectResponse(people.leave(issuer, config, attempt), 303)
    except AssayError as refused:
        return sign_in_form(config, refused.status, problem=refused.detail)
    options = _cookie(config)
    response.set_cookie(value=attempt.cookie, max_age=MINUTES * 60, **options)
    return response


@router.get("/sign-in/oidc/callback", dependencies=[PUBLIC, BY_ADDRESS])
def come_back(
    request: Request,
    issuer: SignInIssuer,
    session: WriteSession,
    config: Config,
    state: Given = "",
    code: Given = "",
    error: Given = "",
    iss: Given = "",
) -> Response:
    """The issuer is asked before the first statement, so that nobody waits for it with a transaction open."""
    options = _cookie(config)
    try:
        attempt = people.Attempt.read(request.cookies.get(options["key"], ""))
        known = people.come_back(issuer, config, attempt, people.Returned(state, code, error, iss))
    except AssayError as refused:
        response = sign_in_form(config, refused.status, problem=refused.detail)
    else:
        earlier = request.cookies.get(SESSION_COOKIE, "")
        secret = service.let_in(session, issuer.url, known, earlier, utcnow())
        response = let_in(attempt.to, secret, config)
    response.delete_cookie(**options)
    return response


def _cookie(config: Settings) -> dict[str, Any]:
    """``__Host-``: no other host of the same domain can plant one."""
    secure = config.public_url.startswith("https:")
    key = "__Host-assay_sign_in" if secure else "assay_sign_in"
    return {"key": key, "secure": secure, "httponly": True, "samesite": "lax", "path": "/"}
