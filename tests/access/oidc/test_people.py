"""People sign in with a real issuer (django-oauth-toolkit, which demands PKCE), and are who they are there."""

import base64
import hashlib
import json

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.main import create_app
from app.tables import AuditLog, Person, Token
from tests.access.oidc.conftest import CALLBACK, SECRET, AtIssuer, leave, person, query, sign_in

pytestmark = pytest.mark.slow


def me(browser):
    return browser.get("/api/v1/me", headers={"Accept": "application/json"}).json()


def people(database):
    with database.read() as session:
        return session.exec(select(Person).order_by(Person.id)).all()


def test_a_person_signs_in_and_gets_the_role_of_the_first_group_that_is_mapped(browser, database):
    answer = sign_in(browser, "ada", "/models/x?as_of=2026-01-01")
    assert (answer.status_code, answer.headers["location"]) == (303, "/models/x?as_of=2026-01-01")
    (ada,) = people(database)
    assert (me(browser)["name"], me(browser)["role"], me(browser)["automatic"]) == (ada.name, "admin", False)
    assert ada.name == f"ada (person {ada.id})"
    with database.read() as session:
        noted = session.exec(select(AuditLog).order_by(AuditLog.id)).all()[-2:]
    assert [(row.actor, row.action) for row in noted] == [
        (ada.name, "person.register"),
        (ada.name, "session_token.create"),
    ]
    assert noted[0].details == {"iss": ada.issuer, "sub": ada.subject}


def test_a_public_client_needs_no_secret(with_oidc, site):
    settings = with_oidc(site.url, oidc_client_id="assay-public", oidc_client_secret="")
    with TestClient(create_app(settings)) as browser:
        assert sign_in(browser, "bob").status_code == 303
        assert me(browser)["role"] == "reviewer"


def test_a_wrong_secret_gets_nobody_in(with_oidc, site):
    with TestClient(create_app(with_oidc(site.url, oidc_client_secret="guessed"))) as browser:
        answer = sign_in(browser, "bob")
    assert answer.status_code == 401
    assert "invalid_client" in answer.text


def test_who_has_no_role_gets_a_page_that_says_so(browser, database):
    answer = sign_in(browser, "eve")
    assert answer.status_code == 403
    assert "none of your groups there (groups) has a role in Assay" in answer.text
    assert "assay_session" not in answer.headers.get("set-cookie", "")
    assert people(database) == []


def test_the_same_person_comes_back_under_the_same_name(browser, database):
    for _ in range(2):
        sign_in(browser, "ada")
    assert len(people(database)) == 1


def test_who_takes_over_a_name_and_an_address_is_another_person(browser, database, site):
    site.plant(people=[person("mallory", "reviewers", email="carol@acme.example")])
    sign_in(browser, "mallory")
    first = me(browser)["name"]
    site.plant(people=[person("mallory", "reviewers", email="carol@acme.example")])
    sign_in(browser, "mallory")
    second = me(browser)["name"]
    assert first != second
    assert [row.name for row in people(database)] == [first, second]


def test_what_is_asked_of_the_issuer(browser):
    asked = query(leave(browser))
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == CALLBACK
    assert asked["code_challenge_method"] == "S256"
    kept = json.loads(base64.urlsafe_b64decode(browser.cookies["assay_sign_in"].strip('"')))
    digest = hashlib.sha256(kept["verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert (asked["state"], asked["nonce"]) == (kept["state"], kept["nonce"])
    assert len({kept["state"], kept["nonce"], kept["verifier"], *query(leave(browser)).values()}) > 6


def test_the_issuer_holds_us_to_the_verifier(browser, site):
    """The control of PKCE: with the code and the secret, and without what the browser kept, there is no token."""
    address = AtIssuer("bob").follow(leave(browser))
    form = {"grant_type": "authorization_code", "code": query(address)["code"], "redirect_uri": CALLBACK}
    stolen = httpx2.post(f"{site.url}/token/", data=form | {"code_verifier": "x" * 43}, auth=("assay", SECRET))
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


def test_a_code_works_once_and_in_the_browser_that_asked_for_it(browser, with_oidc, site):
    address = AtIssuer("bob").follow(leave(browser))
    with TestClient(create_app(with_oidc(site.url))) as thief:
        assert thief.get(address, follow_redirects=False).status_code == 401
        leave(thief)
        mixed = thief.get(address, follow_redirects=False)
        assert (mixed.status_code, "state:" in mixed.text) == (401, True)
    kept = browser.cookies["assay_sign_in"]
    assert browser.get(address, follow_redirects=False).status_code == 303
    assert "assay_sign_in" not in browser.cookies
    assert browser.get(address, follow_redirects=False).status_code == 401
    again = browser.get(address, headers={"Cookie": f"assay_sign_in={kept}"}, follow_redirects=False)
    assert again.status_code == 401
    assert "invalid_grant" in again.text


def test_signing_in_ends_the_session_before_and_signing_out_the_last(browser, database):
    sign_in(browser, "ada")
    first = browser.cookies["assay_session"]
    sign_in(browser, "ada")
    second = browser.cookies["assay_session"]
    assert first != second
    for cookie, status in ((first, 401), (second, 200)):
        assert browser.get("/api/v1/me", headers={"Cookie": f"assay_session={cookie}"}).status_code == status
    browser.post("/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
    assert browser.get("/api/v1/me", headers={"Cookie": f"assay_session={second}"}).status_code == 401
    with database.read() as session:
        sessions = session.exec(select(Token).where(Token.kind == "session")).all()
    assert all(row.revoked_at for row in sessions)


@pytest.mark.parametrize(
    "to",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "x",
     "/\t/evil.example", "/a\r\nSet-Cookie: x=y", "http:evil.example", "/ä", ""],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(browser, to):
    assert sign_in(browser, "bob", to).headers["location"] == "/"


def test_a_page_that_was_asked_for_is_come_back_to(browser):
    away = browser.get("/models/x?environment=a&b=c", follow_redirects=False).headers["location"]
    assert away == "/sign-in?to=%2Fmodels%2Fx%3Fenvironment%3Da%26b%3Dc"
    page = browser.get(away).text
    assert 'href="/sign-in/oidc?to=/models/x%3Fenvironment%3Da%26b%3Dc"' in page


def test_what_the_issuer_refuses_is_said(browser):
    state = query(leave(browser))["state"]
    refused = browser.get(f"/sign-in/oidc/callback?error=access_denied<script>&state={state}")
    assert refused.status_code == 401
    assert "access_denied" in refused.text
    assert "<script>&" not in refused.text


def test_without_an_issuer_there_is_no_such_way_in(client):
    anonymous = client(None)
    assert anonymous.get("/sign-in/oidc").status_code == 404
    assert anonymous.get("/sign-in/oidc/callback").status_code == 404
    assert "/sign-in/oidc" not in anonymous.get("/sign-in").text


def test_over_https_no_other_host_can_plant_the_cookie(with_oidc, site):
    settings = with_oidc(site.url, public_url="https://testserver")
    with TestClient(create_app(settings), base_url="https://testserver") as browser:
        cookie = browser.get("/sign-in/oidc", follow_redirects=False).headers["set-cookie"].lower()
    parts = {part.strip() for part in cookie.split(";")}
    assert cookie.startswith("__host-assay_sign_in=")
    assert {"secure", "httponly", "samesite=lax", "path=/", "max-age=600"} <= parts
    assert not any(part.startswith("domain") for part in parts)
