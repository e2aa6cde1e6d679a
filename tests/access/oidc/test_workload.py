"""``assay`` in a job of CI, with no secret: a real issuer, a real server, the real command line."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx2
import pytest

from app.client import Assay, Problem, ServiceError
from tests.access.oidc.conftest import free_port
from tests.pages.test_browser import serving

pytestmark = pytest.mark.slow


@pytest.fixture
def service(with_oidc, site):
    given = with_oidc(site.url).model_copy(update={"oidc_ci_issuers": [site.url]})
    with serving(given) as running:
        yield running


@pytest.fixture
def job(site, service, monkeypatch):
    """The environment of a job of GitHub Actions."""
    monkeypatch.delenv("ASSAY_TOKEN", raising=False)
    monkeypatch.setenv("ASSAY_URL", service.public_url)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{site.token_url}?api-version=2")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-this-job")


def assay(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def trusted(site, service, secret, **claims):
    with Assay(service.public_url, secret("admin")) as admin:
        admin.trust({"name": "deploy", "issuer": site.url, "claims": claims})


def test_the_command_line_needs_no_secret_in_github_actions(job, site, service, secret):
    admin = {"ASSAY_TOKEN": secret("admin")}
    claims = ("--claim", "repository=acme/credit", "--claim", "ref=refs/heads/*")
    made = assay("trust", "add", "deploy", "--issuer", site.url, *claims, **admin)
    assert made.returncode == 0, made.stderr
    assert "repository=acme/credit, ref=refs/heads/*" in assay("trust", "list", **admin).stdout
    asked = assay("gate", "check", "nothing@1", "-e", "production")
    assert asked.returncode == 64, asked.stderr  # let in, and told that there is no such model
    assert "nothing" in asked.stderr
    assert assay("trust", "revoke", "1", **admin).returncode == 0
    refused = assay("gate", "check", "nothing@1", "-e", "production")
    assert "No trust fits this token" in refused.stderr


def test_one_exchange_serves_many_requests_and_a_late_one_gets_another(job, site, service, secret, monkeypatch):
    trusted(site, service, secret, repository="acme/credit")
    with Assay() as client:
        first = client._json("GET", "me")
        token = client._http.auth._token
        assert first["name"] == "deploy"
        client._json("GET", "me")
        assert client._http.auth._token == token
        client._http.auth._until = float("-inf")
        client._json("GET", "me")
        assert client._http.auth._token != token


def test_any_other_ci_hands_its_token_over(job, site, service, secret, monkeypatch):
    trusted(site, service, secret, repository="acme/credit")
    audience = {"audience": service.public_url}
    token = httpx2.get(site.token_url, params=audience, headers={"Authorization": "bearer of-this-job"})
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_URL")
    monkeypatch.setenv("ASSAY_OIDC_TOKEN", token.json()["value"])
    with Assay() as client:
        assert client._json("GET", "me")["name"] == "deploy"


def test_a_token_for_another_service_is_told_so(job, site, service, secret, monkeypatch):
    trusted(site, service, secret, repository="acme/credit")
    monkeypatch.setenv("ASSAY_OIDC_AUDIENCE", "https://other.example")
    with Assay() as client, pytest.raises(Problem, match=r'aud: it is for "https://other\.example"') as refused:
        client._json("GET", "me")
    assert refused.value.status == 401


def test_a_token_of_assay_s_own_goes_first(job, service, secret):
    with Assay(token=secret("viewer")) as client:
        assert client._json("GET", "me")["role"] == "viewer"


def test_without_an_answer_from_the_ci_there_is_none_and_the_ci_is_named(job, service, monkeypatch):
    given = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{given}/idtoken?secret=1")
    monkeypatch.setattr("app.client.connection.PAUSES", ())
    with Assay() as client, pytest.raises(ServiceError) as failed:
        client._json("GET", "me")
    named = f"{given}, which gives this job its token (ACTIONS_ID_TOKEN_REQUEST_URL), does not answer: "
    assert str(failed.value).startswith(named)
    assert service.public_url not in str(failed.value)
    told = assay("gate", "check", "nothing@1", "-e", "production")
    assert (told.returncode, named in told.stderr) == (3, True), told.stderr


@pytest.mark.parametrize("path", ["/ci-token", "/login/", "/nothing"])
def test_a_ci_that_gives_no_token_is_not_taken_for_the_service(job, site, service, monkeypatch, path):
    address = f"http://127.0.0.1:{site.port}"
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", address + path)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-another-job")
    status = {"/ci-token": 401, "/login/": 200, "/nothing": 404}[path]
    with Assay() as client, pytest.raises(ServiceError, match=f"^{address}, .* gave none: .* {status}"):
        client._json("GET", "me")


def test_a_service_that_is_down_is_named_itself(job, monkeypatch):
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("ASSAY_URL", url)
    monkeypatch.setattr("app.client.connection.PAUSES", ())
    with Assay() as client, pytest.raises(ServiceError, match=f"^{url} does not answer"):
        client._json("GET", "me")
