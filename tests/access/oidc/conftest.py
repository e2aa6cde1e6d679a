"""A real issuer, and one that lies; both on this machine."""

from __future__ import annotations

import re
import socket
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.main import create_app
from tests.access.oidc.issuer_site import Site
from tests.access.oidc.liar import Liar

CALLBACK = "http://testserver/sign-in/oidc/callback"
SECRET = "of-the-client"
PASSWORD = "correct horse 1"
ROLES = {"ml-admins": "admin", "reviewers": "reviewer", "everybody": "viewer"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def person(name, *groups, email=None):
    return {"name": name, "email": email or f"{name}@acme.example", "groups": groups, "password": PASSWORD}


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The issuer: two clients, one of them public, and three people."""
    running = Site(tmp_path_factory.mktemp("issuer"), free_port())
    running.plant(
        clients=[
            {"id": "assay", "secret": SECRET, "uris": [CALLBACK]},
            {"id": "assay-public", "uris": [CALLBACK]},
        ],
        people=[
            person("ada", "everybody", "ml-admins"),
            person("bob", "reviewers"),
            person("eve", "strangers"),
        ],
    )
    yield running
    running.stop()


@pytest.fixture
def with_oidc(settings):
    """``with_oidc(issuer, **changes)``: the test's settings, for signing in with that issuer."""

    def make(issuer: str, **changes) -> Settings:
        given = {
            "public_url": "http://testserver",
            "outgoing_allowed_hosts": ["127.0.0.1"],
            "oidc_issuer": issuer,
            "oidc_client_id": "assay",
            "oidc_client_secret": SECRET,
            "oidc_roles": ROLES,
        }
        return Settings(**settings.model_dump(exclude=set(given)) | given | changes)

    return make


@pytest.fixture
def browser(with_oidc, site):
    """A browser at an Assay whose people sign in with the issuer."""
    with TestClient(create_app(with_oidc(site.url)), headers={"Accept": "text/html"}) as opened:
        yield opened


class AtIssuer:
    """Somebody's browser at the issuer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._http = httpx2.Client(follow_redirects=False, timeout=30)

    def follow(self, address: str) -> str:
        """Log in, and give the address that the issuer sends the browser back to."""
        answer = self._http.get(address)
        while not (answer.is_redirect and "/sign-in/oidc/callback" in answer.headers["location"]):
            if answer.is_redirect:
                answer = self._http.get(answer.url.join(answer.headers["location"]))
                continue
            assert answer.status_code == 200, answer.text
            hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.text)[1]
            form = {"username": self.name, "password": PASSWORD, "csrfmiddlewaretoken": hidden}
            answer = self._http.post(answer.url, data=form, headers={"Referer": str(answer.url)})
        return answer.headers["location"]


def leave(browser, to="/"):
    """Where the browser is sent for signing in."""
    answer = browser.get("/sign-in/oidc", params={"to": to}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def sign_in(browser, name, to="/"):
    """The answer to coming back from the issuer as that person."""
    return browser.get(AtIssuer(name).follow(leave(browser, to)), follow_redirects=False)


def query(address):
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@pytest.fixture
def liar():
    issuer = Liar()
    yield issuer
    issuer.close()
