"""Foreign hosts, other sites' pages, and what browsers are told."""

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from app.http.doors import is_cross_site
from app.main import create_app

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
OWN = "http://testserver"

# (Sec-Fetch-Site, Origin, Cookie) -> let through?
MATRIX = [
    ("same-origin", None, None, True),
    ("same-origin", OWN, "a=b", True),
    ("none", None, "a=b", True),
    ("cross-site", None, None, False),
    ("cross-site", OWN, None, False),
    ("cross-site", "https://evil.example", "a=b", False),
    ("same-site", "http://other.testserver", "a=b", False),
    ("same-site", None, None, False),
    ("", None, None, False),
    ("nonsense", None, None, False),
    (None, OWN, None, True),
    (None, OWN, "a=b", True),
    (None, "http://TESTSERVER", "a=b", True),
    (None, "https://evil.example", None, False),
    (None, "https://evil.example", "a=b", False),
    (None, "http://testserver.evil.example", "a=b", False),
    (None, "http://eviltestserver", "a=b", False),
    (None, "http://testserver:8080", "a=b", False),
    (None, "http://testserver@evil.example", "a=b", False),
    (None, "http://evil.example#testserver", "a=b", False),
    (None, "null", "a=b", False),
    (None, "null", None, False),
    (None, "", "a=b", False),
    (None, None, None, True),
    (None, None, "assay_session=x", False),
    (None, None, "anything=x", False),
]


def headers_of(site, origin, cookie):
    given = {"Sec-Fetch-Site": site, "Origin": origin, "Cookie": cookie}
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(("site", "origin", "cookie", "allowed"), MATRIX)
def test_changes_asked_for_by_another_site_are_refused(client, site, origin, cookie, allowed):
    for sender in (client(None), client("admin")):
        for method in UNSAFE:
            answer = sender.request(method, "/api/v1/tokens/99999", headers=headers_of(site, origin, cookie))
            refused = answer.status_code == 403 and "another site" in answer.json()["detail"]
            assert refused is not allowed, (method, answer.text)


@pytest.mark.parametrize(("site", "origin", "cookie", "allowed"), MATRIX)
def test_sign_in_is_a_change_too(client, site, origin, cookie, allowed):
    answer = client(None).post("/sign-in", data={"code": "x"}, headers=headers_of(site, origin, cookie))
    assert (answer.status_code != 403) is allowed


def test_reading_from_elsewhere_is_no_change(client):
    headers = headers_of("cross-site", "https://evil.example", None)
    assert client("viewer").get("/api/v1/me", headers=headers).status_code == 200


def test_a_header_sent_twice_counts_as_its_worse_value():
    twice = Headers(raw=[(b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site")])
    assert is_cross_site(twice)
    origins = [(b"host", b"a"), (b"origin", b"http://a"), (b"origin", b"http://b")]
    assert is_cross_site(Headers(raw=origins))
    assert not is_cross_site(Headers(raw=origins[:2]))


def test_an_unknown_method_is_no_way_around(client):
    answer = client("admin").request("FETCH", "/api/v1/tokens", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


# --- hosts --------------------------------------------------------------------------------------

GOOD_HOSTS = ["testserver", "TestServer", "testserver:80", "127.0.0.1", "127.0.0.1:8321", "assay.example:443"]
BAD_HOSTS = [
    "evil.example",
    "testserver.evil.example",
    "eviltestserver",
    "evil.example:80",
    "testserver@evil.example",
    "evil.example@testserver",
    "testserver:80@evil.example",
    "testserver/evil",
    "testserver:evil",
    "testserver:999999",
    "testserver, evil.example",
    "testserver evil.example",
    "",
    ":80",
    "[::1",
    "[::ffff:127.0.0.1]",
    "2130706433",
    "127.1",
    "*",
]


@pytest.fixture
def named(settings):
    with TestClient(create_app(settings.model_copy(update={"public_url": "https://Assay.example"}))) as client:
        yield client


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_hosts_that_are_answered(named, host):
    assert named.get("/sign-in", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_hosts_that_are_not(named, host):
    for path in ("/sign-in", "/api/v1/me", "/", "/static/x", "/metrics", "/health"):
        answer = named.get(path, headers={"Host": host})
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
        assert answer.json()["type"] == "urn:assay:problem:bad-host"


def test_forwarded_hosts_are_not_listened_to(named):
    answer = named.get("/sign-in", headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
    assert answer.status_code == 200
    assert "evil" not in answer.text + str(answer.headers)


def test_probes_reach_the_process_by_any_address(named):
    assert named.get("/health/live", headers={"Host": "10.1.2.3:8321"}).status_code == 200
    assert named.get("/health/../sign-in", headers={"Host": "10.1.2.3"}).status_code in {400, 404}


def test_a_star_lets_every_host_in(settings):
    with TestClient(create_app(settings.model_copy(update={"allowed_hosts": ["*"]}))) as client:
        assert client.get("/sign-in", headers={"Host": "whatever.example"}).status_code == 200


@pytest.mark.slow
def test_hosts_on_the_wire(server):
    def status(*lines):
        return server.send("\r\n".join([*lines, "Connection: close", "", ""]).encode()).split(b" ")[1]

    assert status("GET /sign-in HTTP/1.1", "Host: 127.0.0.1") == b"200"
    assert status("GET /sign-in HTTP/1.1") == b"400"
    assert status("GET /sign-in HTTP/1.0") == b"400"
    assert status("GET /sign-in HTTP/1.1", "Host: evil.example") == b"400"
    assert status("GET /sign-in HTTP/1.1", "Host: 127.0.0.1", "Host: evil.example") == b"400"
    assert status("GET /sign-in HTTP/1.1", "Host: evil.example", "Host: 127.0.0.1") == b"400"
    assert status("GET http://127.0.0.1/sign-in HTTP/1.1", "Host: evil.example") == b"400"


# --- headers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/sign-in", "/api/v1/me", "/nope", "/health/live", "/static/nope", "/metrics"])
def test_every_answer_carries_the_security_headers(client, path):
    headers = client("viewer").get(path).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]
    assert headers.get("cache-control") == (None if path.startswith("/static/") else "no-store")


def test_refusals_at_the_door_carry_them_too(client):
    for answer in (
        client(None).get("/", headers={"Host": "evil.example"}),
        client(None).post("/sign-in", headers={"Sec-Fetch-Site": "cross-site"}),
        client(None).post("/sign-in", headers={"Content-Length": "99999999"}),
    ):
        assert answer.status_code in {400, 403, 413}
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_route_may_choose_stricter_headers(app, client):
    from fastapi import Response

    from app.deps import CanRead

    @app.get("/strict")
    def strict(_: CanRead) -> Response:
        return Response(headers={"Content-Security-Policy": "sandbox", "Cache-Control": "max-age=60"})

    headers = client("viewer").get("/strict").headers
    assert headers.get_list("content-security-policy") == ["sandbox"]
    assert headers["cache-control"] == "max-age=60"
