"""A person who signed in makes tokens for the command line, and they count as that person."""

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from app.access import own_tokens, service, teams
from app.db import utcnow
from app.errors import Forbidden, Invalid
from app.tables import AuditLog, Token

pytestmark = pytest.mark.both_databases

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(client, database, settings):
    def open_one(name="ada", **given):
        with database.write() as session:
            link = service.create_sign_in_link(session, settings, name=name, created_by="tests", **given)
        one = client(None)
        code = link.partition("code=")[2]
        assert one.post("/sign-in", data={"code": code}, headers=SAME_ORIGIN).status_code == 200
        return one

    return open_one


def made(browser, days=1):
    answer = browser.post("/account/tokens", data={"days": days}, headers=SAME_ORIGIN)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    return re.search(r'id="secret">(asy_\w+)<', answer.text)[1]


def test_a_token_made_on_the_page_is_the_person(browser, client):
    ada = browser(role="reviewer")
    secret = made(ada)
    me = client(None).get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).json()
    assert (me["name"], me["role"], me["automatic"]) == ("ada", "reviewer", False)
    assert secret not in ada.get("/account").text


def test_it_ends_when_its_owner_says_so_and_nobody_else_can(browser, client, database):
    ada, secret = browser(role="reviewer"), made(browser(role="reviewer"))
    headers = {"Authorization": f"Bearer {secret}"}
    with database.read() as session:
        number = session.exec(select(Token.id).where(Token.kind == "api", Token.name == "ada")).one()
    path = f"/account/tokens/{number}/revocation"
    assert browser("eve", role="owner").post(path, headers=SAME_ORIGIN).status_code == 404
    assert client(None).get("/api/v1/me", headers=headers).status_code == 200
    assert ada.post(path, headers=SAME_ORIGIN).status_code == 200
    assert client(None).get("/api/v1/me", headers=headers).status_code == 401
    with database.read() as session:
        log = session.exec(select(AuditLog.actor).where(AuditLog.action == "api_token.revoke")).all()
    assert log == ["ada"]


def test_another_site_makes_none(browser):
    answer = browser(role="owner").post(
        "/account/tokens", data={"days": 1}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


def test_no_token_makes_a_token(client, database):
    """Else one that leaked, or was to end, would live on in those that it made."""
    with database.write() as session:
        _, secret = service.create_token(session, name="ci", role="ci", created_by="tests")
        _, opened = service.sign_in(session, secret, utcnow())
    by_header = client(None).post(
        "/account/tokens", data={"days": 1}, headers={"Authorization": f"Bearer {secret}"}
    )
    browser = client(None)
    browser.cookies.set("assay_session", opened)
    by_cookie = browser.post("/account/tokens", data={"days": 1}, headers=SAME_ORIGIN)
    assert (by_header.status_code, by_cookie.status_code) == (403, 403)


def test_it_is_bound_to_the_teams_of_the_person(browser, client, database):
    with database.write() as session:
        teams.create(session, "credit", "tests")
        teams.add(session, "credit", "ada", "reviewer", "tests")
    headers = {"Authorization": f"Bearer {made(browser())}"}
    assert client(None).get("/api/v1/me", headers=headers).json()["teams"] == [
        {"team": "credit", "role": "reviewer"}
    ]
    with database.write() as session:
        teams.remove(session, "credit", "ada", "tests")
    assert client(None).get("/api/v1/models", headers=headers).status_code == 403


@pytest.mark.parametrize(("days", "most"), [(0, 30), (31, 90), (8, 7)])
def test_it_does_not_live_long(database, days, most):
    with database.write() as session:
        identity, _ = service.open_session(session, service.Holder("ada", "owner"), timedelta(hours=1), "person/1")
        assert own_tokens.make(session, identity, min(30, most), most)[0].created_by == "ada"
        with pytest.raises(Invalid):
            own_tokens.make(session, identity, days, most)


def test_an_exchanged_token_is_no_person(database):
    with database.write() as session:
        holder = service.Holder("deploy", "ci")
        identity, _ = service.open_session(session, holder, timedelta(hours=1), "trust/1", "exchanged")
        with pytest.raises(Forbidden):
            own_tokens.make(session, identity, 1)
