"""Deny by default: every route there is, asked by everybody who should not get in."""

import re
from datetime import timedelta

import pytest
from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from sqlmodel import select

from app.access import service, tokens
from app.access.identity import SCOPES
from app.db import utcnow
from app.deps import CanGate, access_of, needs
from app.main import _templates, create_app
from app.tables import Token

PUBLIC = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/oidc"),
    ("GET", "/sign-in/oidc/callback"),
    ("POST", "/api/v1/token"),  # closed by its issuer's signature: tests/access/oidc
    ("POST", "/hooks/{name}"),  # closed by its signature: tests/connections
    ("GET", "/v2/health/live"),
    ("GET", "/v2/health/ready"),
    ("GET", "/environments/{environment}/v2/health/live"),
    ("GET", "/environments/{environment}/v2/health/ready"),
}
"""Badges come on top, while ``public_badges`` is set. Static files are no API route."""


def routes(app):
    """(method, path template, what it asks for) of every API route."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            for method in context.methods:
                yield method, context.path, access_of(context.original_route)


def closed(app):
    return [(method, path, scope) for method, path, scope in routes(app) if scope in SCOPES]


def call(client, method, path, **headers):
    filled = re.sub(r"\{[^}]*\}", "999999", path)
    body = {} if method in {"GET", "HEAD"} else {"json": {}}
    return client.request(method, filled, headers=headers, follow_redirects=False, **body).status_code


@pytest.fixture
def secrets(database):
    """Credentials that open nothing, by what is wrong with them."""
    with database.write() as session:
        made = {"name": "x", "role": "admin", "created_by": "tests"}
        revoked, revoked_secret = service.create_token(session, **made)
        service.revoke(session, revoked.id, "tests")
        expired, expired_secret = service.create_token(session, **made)
        expired.expires_at = utcnow() - timedelta(seconds=1)
        _, code = service.create_token(session, **made, kind="sign_in")
        _, browser = service.create_token(session, **made, kind="session")
    return {
        "unknown": tokens.new_secret(),
        "malformed": "asy_1234",
        "empty": "",
        "revoked": revoked_secret,
        "expired": expired_secret,
        "a sign-in code": code,
        "a session's, as bearer": browser,
    }


def test_only_the_named_routes_are_public(app):
    public = {(method, path) for method, path, access in routes(app) if access == "public"}
    assert public == PUBLIC


def test_every_other_route_names_a_scope(app):
    assert {access for _, _, access in routes(app)} <= SCOPES | {"public", "badge"}
    assert len(closed(app)) > 20


def test_only_badges_are_badges(app):
    badges = [path for _, path, access in routes(app) if access == "badge"]
    assert all("badge" in path for path in badges)


def test_nobody_gets_in_without_a_valid_token(app, client, secrets):
    anonymous = client(None)
    answers = {}
    for method, path, _ in closed(app):
        answers[method, path, "none"] = call(anonymous, method, path)
        for name, secret in secrets.items():
            answers[method, path, name] = call(anonymous, method, path, Authorization=f"Bearer {secret}")
        answers[method, path, "basic"] = call(anonymous, method, path, Authorization="Basic YWRtaW46YWRtaW4=")
    assert {key: status for key, status in answers.items() if status != 401} == {}


def test_everything_but_the_one_scope_is_not_enough(app, client, database):
    anonymous, answers = client(None), {}
    with database.write() as session:
        nearly = {
            scope: service.create_token(
                session, name="nearly", role="admin", scopes=SCOPES - {scope}, created_by="tests"
            )[1]
            for scope in SCOPES
        }
    for method, path, scope in closed(app):
        answers[method, path] = call(anonymous, method, path, Authorization=f"Bearer {nearly[scope]}")
    assert {key: status for key, status in answers.items() if status != 403} == {}


def test_the_one_scope_alone_is_enough(app, client, database):
    """The positive control: the same requests are let through, whatever else is wrong with them."""
    anonymous, answers = client(None), {}
    with database.write() as session:
        only = {
            scope: service.create_token(session, name="only", role="admin", scopes=[scope], created_by="tests")[1]
            for scope in SCOPES
        }
    for method, path, scope in closed(app):
        answers[method, path] = call(anonymous, method, path, Authorization=f"Bearer {only[scope]}")
    assert {key: status for key, status in answers.items() if status in {401, 403} or status >= 500} == {}


def test_badges_follow_their_switch(settings, database, secret):
    for public in (True, False):
        app = create_app(settings.model_copy(update={"public_badges": public}))
        paths = [path for _, path, access in routes(app) if access == "badge"]
        with TestClient(app) as client:
            for path in paths:
                assert (call(client, "GET", path) == 401) is not public
                assert call(client, "GET", path, Authorization=f"Bearer {secret('viewer')}") not in {401, 403}


def test_a_route_that_names_no_scope_is_closed(app, client):
    @app.get("/forgotten")
    def forgotten():
        raise AssertionError("must not run")

    @app.get("/minded")
    def minded(_: CanGate) -> str:
        return "in"

    router = APIRouter(dependencies=[Depends(needs("admin"))])

    @router.get("/by-router")
    def by_router() -> str:
        return "in"

    app.include_router(router)
    assert client(None).get("/forgotten").status_code == 401
    assert client("admin").get("/forgotten").status_code == 403
    assert client(None).get("/minded").status_code == 401
    assert client("viewer").get("/minded").status_code == 403
    assert client("ci").get("/minded").json() == "in"
    assert client("ci").get("/by-router").status_code == 403
    assert client("admin").get("/by-router").json() == "in"


def test_what_the_guard_would_not_see_is_refused_at_start(app):
    _templates(app)
    app.add_route("/raw", print)
    with pytest.raises(TypeError, match="/raw"):
        _templates(app)


def test_the_scope_is_named_in_the_refusal(client):
    refused = client("viewer").get("/api/v1/tokens")
    assert refused.status_code == 403
    assert '"admin"' in refused.json()["detail"]
    assert client(None).get("/api/v1/tokens").headers["WWW-Authenticate"] == "Bearer"


def test_a_token_in_the_address_or_in_the_cookie_opens_nothing(client, secret):
    anonymous, token = client(None), secret("admin")
    assert anonymous.get("/api/v1/me", params={"token": token, "access_token": token}).status_code == 401
    assert anonymous.get("/api/v1/me", headers={"Cookie": f"assay_session={token}"}).status_code == 401
    assert anonymous.get("/api/v1/me", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_no_documentation_is_loaded_from_elsewhere(client):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client("admin").get(path).status_code == 404


def test_authentication_notes_nothing_for_those_who_do_not_get_in(client, database):
    client(None).get("/api/v1/me", headers={"Authorization": f"Bearer {tokens.new_secret()}"})
    with database.read() as session:
        assert session.exec(select(Token).where(Token.last_used_at.is_not(None))).all() == []
