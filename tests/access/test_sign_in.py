"""Sign-in of people: a link that works once, a cookie that scripts and other sites cannot use."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.access import queries, service
from app.db import utcnow
from app.errors import Invalid
from app.main import create_app
from app.tables import Token

pytestmark = pytest.mark.both_databases

HTML = {"Accept": "text/html"}
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def link(database, settings):
    def make(role="viewer", **given):
        with database.write() as session:
            return service.create_sign_in_link(
                session, settings, name="ada", role=role, created_by="tests", **given
            )

    return make


def code_in(link):
    return parse_qs(urlsplit(link).query)["code"][0]


def sign_in(client, code):
    return client.post("/sign-in", data={"code": code}, headers=HTML | SAME_ORIGIN, follow_redirects=False)


def test_the_link_leads_to_a_button_and_the_button_to_a_session(client, link, settings):
    browser, address = client(None), link("owner")
    assert address.startswith(settings.public_url + "/sign-in?code=asy_")
    page = browser.get(address.removeprefix(settings.public_url), headers=HTML)
    assert page.status_code == 200
    assert page.text.count("<button") == 1
    assert code_in(address) in page.text
    answer = sign_in(browser, code_in(address))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    me = browser.get("/api/v1/me").json()
    assert (me["name"], me["role"], me["automatic"]) == ("ada", "owner", False)


def test_looking_at_the_link_uses_nothing_up(client, link):
    address = link()
    for _ in range(5):
        assert client(None).get(f"/sign-in?code={code_in(address)}").status_code == 200
        client(None).head(f"/sign-in?code={code_in(address)}")
    assert sign_in(client(None), code_in(address)).status_code == 303


def test_a_code_works_once(client, link):
    code = code_in(link())
    assert sign_in(client(None), code).status_code == 303
    again = sign_in(client(None), code)
    assert again.status_code == 401
    assert "used already" in again.text
    assert "set-cookie" not in again.headers


def test_of_many_who_race_for_a_code_one_wins(app, link, database):
    code = code_in(link())
    with TestClient(app) as client, ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: sign_in(client, code).status_code, range(32)))
    assert sorted(statuses) == [303] + [401] * 31
    with database.read() as session:
        assert len(session.exec(select(Token).where(Token.kind == "session")).all()) == 1


def test_using_a_code_up_succeeds_once_whatever_the_database_locks(database, link):
    link()
    with database.write() as session:
        token = session.exec(select(Token).where(Token.kind == "sign_in")).one()
        assert [queries.consume(session, token.id, utcnow()) for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize(("url", "secure"), [("https://assay.example", True), ("http://127.0.0.1:8321", False)])
def test_the_cookie_is_kept_from_scripts_and_other_sites(settings, link, url, secure):
    app = create_app(settings.model_copy(update={"public_url": url}))
    with TestClient(app) as client:
        cookie = sign_in(client, code_in(link())).headers["set-cookie"].lower()
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", f"max-age={12 * 3600}"} <= parts
    assert ("secure" in parts) is secure
    assert not any(part.startswith("domain") for part in parts)


def test_a_code_expires(client, link, database):
    code = code_in(link(minutes=10))
    with database.write() as session:
        token = session.exec(select(Token).where(Token.kind == "sign_in")).one()
        assert token.expires_at - token.created_at == timedelta(minutes=10)
        token.expires_at = utcnow()
    assert sign_in(client(None), code).status_code == 401


@pytest.mark.parametrize("minutes", [0, 24 * 60 + 1])
def test_a_link_lives_for_a_day_at_most(link, minutes):
    assert link(minutes=24 * 60)
    with pytest.raises(Invalid):
        link(minutes=minutes)


def test_an_api_token_signs_in_as_well_and_with_its_own_scopes(client, database):
    with database.write() as session:
        _, secret = service.create_token(
            session, name="ada", role="admin", scopes=["read", "gate"], created_by="tests"
        )
    browser = client(None)
    assert sign_in(browser, f"  {secret}\n").status_code == 303
    assert browser.get("/api/v1/me").json()["scopes"] == ["gate", "read"]


def test_a_session_does_not_outlive_the_token_that_opened_it(client, database):
    with database.write() as session:
        token, secret = service.create_token(session, name="ada", role="viewer", created_by="tests")
        token.expires_at = utcnow() + timedelta(minutes=5)
    sign_in(client(None), secret)
    with database.read() as session:
        opened = session.exec(select(Token).where(Token.kind == "session")).one()
    assert opened.expires_at - utcnow() <= timedelta(minutes=5)


def test_a_session_cannot_sign_in_another(client, link):
    browser = client(None)
    sign_in(browser, code_in(link()))
    assert sign_in(client(None), browser.cookies["assay_session"]).status_code == 401


@pytest.mark.parametrize(
    "code", ["", "nonsense", "asy_" + "0" * 72, "<script>alert(1)</script>", "'; drop table token"]
)
def test_a_wrong_code_gets_a_page_that_says_so(client, code):
    answer = sign_in(client(None), code)
    assert answer.status_code in {401, 422}
    assert "<script>" not in answer.text
    assert "set-cookie" not in answer.headers


def test_what_a_link_carries_is_escaped(client):
    page = client(None).get("/sign-in", params={"code": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_whoever_is_no_browser_gets_a_problem(client):
    answer = client(None).post("/sign-in", data={"code": "x"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_browser_s_session_reads_the_api_and_changes_nothing_there(client, link):
    browser = client(None)
    sign_in(browser, code_in(link("admin")))
    assert browser.get("/api/v1/tokens").status_code == 200
    answer = browser.post("/api/v1/tokens", json={"name": "x", "role": "ci"}, headers=SAME_ORIGIN)
    assert answer.status_code == 401
    bearer = client("admin").headers["Authorization"]
    answer = browser.post(
        "/api/v1/tokens", json={"name": "x", "role": "ci"}, headers=SAME_ORIGIN | {"Authorization": bearer}
    )
    assert answer.status_code == 201


def test_signing_out_ends_the_session_for_good(client, link):
    browser = client(None)
    sign_in(browser, code_in(link()))
    cookie = {"Cookie": f"assay_session={browser.cookies['assay_session']}"}
    assert client(None).get("/api/v1/me", headers=cookie).status_code == 200
    answer = browser.post("/sign-out", headers=SAME_ORIGIN, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "assay_session" not in browser.cookies
    assert client(None).get("/api/v1/me", headers=cookie).status_code == 401


def test_pages_send_those_without_a_session_to_sign_in(app, client):
    from app.deps import CanAdmin, CanRead

    @app.get("/a-page")
    def page(_: CanRead) -> str:
        return "in"

    @app.get("/admin-page")
    def admin_page(_: CanAdmin) -> str:
        return "in"

    answer = client(None).get("/a-page", headers=HTML, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=%2Fa-page")
    assert client(None).get("/a-page").status_code == 401
    assert client(None).get("/api/v1/me", headers=HTML, follow_redirects=False).status_code == 401
    refused = client("viewer").get("/admin-page", headers=HTML)
    assert refused.status_code == 403
    assert "text/html" in refused.headers["content-type"]
    assert "scope" in refused.text
