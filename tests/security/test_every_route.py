"""What holds for every route that there is, and not only for those that somebody thought of."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from app.http.doors import SAFE_METHODS
from tests.pages.story import plant
from tests.security.api_fuzz import examples

HTML = {"Accept": "text/html"}
SECRET = "do-not-tell-7f3a"
UNSAFE_AT_LEAST = 40


def routes(app):
    """(method, path template) of every API route and page."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            yield from ((method, str(context.path)) for method in context.methods)


def filled(path, value):
    return re.sub(r"\{[^}]*\}", value, path)


# --- changes asked for by another site -------------------------------------------------------------

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]
OWN = [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {}]


def refused_as_foreign(answer):
    return answer.status_code == 403 and "another site" in answer.json()["detail"]


def test_no_route_changes_anything_for_another_site(app, client, database):
    """With an administrator's token, so that nothing else stands in the way; GET routes change nothing anyway."""
    unsafe = [(method, path) for method, path in routes(app) if method not in SAFE_METHODS]
    assert len(unsafe) > UNSAFE_AT_LEAST
    admin = client("admin")
    for method, path in unsafe:
        for headers in FOREIGN:
            answer = admin.request(method, filled(path, "1"), headers=headers)
            assert refused_as_foreign(answer), (method, path, headers)
        for headers in OWN:
            answer = admin.request(method, filled(path, "999999"), headers=headers, follow_redirects=False)
            assert not refused_as_foreign(answer), (method, path, headers)


# --- names and paths -------------------------------------------------------------------------------

CLIMBING = [
    "../../../../../../../{secret}",
    "..\\..\\..\\..\\..\\..\\{secret}",
    "/{secret}",
    "//{secret}",
    "//proc/self/cwd/../../../../../../../{secret}",
    "/proc/self/environ",
    "\\..\\..\\{secret}",
    "x#/../../{secret}",
    "#/../{secret}",
    "?/../{secret}",
    "..;/..;/{secret}",
    "....//....//{secret}",
    "file:///{secret}",
    "x/../../{secret}\0.json",
    ".",
    "..",
]


def encoded(text):
    """Dots too: clients resolve those that are left."""
    return quote(text, safe="").replace(".", "%2E")


WRITTEN = {"once": encoded, "twice": lambda text: quote(encoded(text), safe="")}
"""How often a path is encoded; "twice" is meant for a server that decodes what was decoded."""
NOWHERE = {404, 405, 422}
INDIFFERENT = {f"/environments/{{environment}}/v2{more}" for more in ("", "/health/live", "/health/ready")}
"""Answer alike whatever the environment is called."""


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text(SECRET)
    return path


def tree(folder):
    """Every file outside of the database, and what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "assay.sqlite3" not in path.name
    }


@pytest.mark.slow
@pytest.mark.parametrize("encoding", WRITTEN)
def test_no_name_in_an_address_is_a_path(app, client, database, blobs, secret_file, tmp_path, encoding):
    plant(database, blobs)
    admin = client("admin")
    document = admin.get("/api/v1/openapi.json").json()
    bodies = {(path, method): body for path, method, body in examples(document)}
    before, asked, wrong = tree(tmp_path), 0, {}
    for method, path in routes(app):
        if "{" not in path or method in {"HEAD", "OPTIONS"}:
            continue
        for climbing in CLIMBING:
            name = WRITTEN[encoding](climbing.format(secret=str(secret_file).lstrip("/")))
            answer = admin.request(
                method, filled(path, name), json=bodies.get((path, method.lower())), follow_redirects=False
            )
            asked += 1
            if (answer.status_code not in NOWHERE and path not in INDIFFERENT) or SECRET in answer.text:
                wrong[method, path, climbing] = (answer.status_code, answer.text[:300])
    assert wrong == {}
    assert asked > 1000
    assert tree(tmp_path) == before


def test_a_name_that_is_there_is_found(client, database, blobs):
    """Positive control of the above."""
    ids = plant(database, blobs)
    admin = client("admin")
    for path in ("/api/v1/models/credit-default", f"/findings/{ids['DATA-2']}", "/checks/DATA-1"):
        assert admin.get(path).status_code == 200, path


# --- pages -----------------------------------------------------------------------------------------


def directives(policy):
    return {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.strip()}


def test_every_page_and_every_error_forbids_inline_scripts(app, client, database, blobs):
    """Scripts come from files of ours alone, which is stricter than a nonce. Reports have a cage of their own."""
    ids = plant(database, blobs)
    reader, shown = client("viewer"), set()
    for method, path in routes(app):
        if method != "GET":
            continue
        for value in ("credit-default", "1.1.0", "DATA-1", "production", str(ids["DATA-2"]), "1", "none"):
            answer = reader.get(filled(path, value), headers=HTML)
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            shown.add((path, answer.status_code))
            policy = directives(answer.headers["content-security-policy"])
            assert policy["default-src"] == ["'none'"], path
            assert policy["script-src"] == ["'self'"], path
            assert policy["style-src"] == ["'self'"], path
            assert policy["base-uri"] == policy["frame-ancestors"] == ["'none'"], path
            assert not re.search(r"<script(?![^>]* src=)", answer.text), path
    assert len({path for path, status in shown if status == 200}) > 10
    assert {status for _, status in shown} >= {200, 404, 422}
