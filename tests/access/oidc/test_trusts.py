"""Pipelines get in by what a trusted issuer says of them, and by nothing else."""

from __future__ import annotations

import time

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.access import teams
from app.access.oidc.conditions import GITHUB, GITLAB, flaws, misfits
from app.config import Settings
from app.main import create_app
from app.tables import AuditLog, Token, Trust
from tests.access.oidc.liar import FORGERIES, GOOD, OTHER, signed

HERE = "https://assay.example"
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}
OF_THE_JOB = {"repository": "acme/credit", "ref": "refs/heads/main", "environment": "production"}


@pytest.fixture
def assay(settings, liar):
    """A client without a token, at an Assay to which the liar is a trusted issuer of pipelines."""
    given = {"public_url": f"{HERE}/", "oidc_ci_issuers": [liar.url], "outgoing_allowed_hosts": ["127.0.0.1"]}
    configured = Settings(**settings.model_dump(exclude=set(given)) | given)
    with TestClient(create_app(configured)) as opened:
        yield opened


@pytest.fixture
def trust(assay, liar, secret):
    """``trust(repository="acme/*")``: written by an administrator; the answer."""
    headers = {"Authorization": f"Bearer {secret('admin')}"}

    def write(name="deploy of credit", issuer="", teams=(), scopes=None, **claims):
        body = {
            "name": name,
            "issuer": issuer or liar.url,
            "claims": claims,
            "teams": list(teams),
            "scopes": scopes,
        }
        return assay.post("/api/v1/trusts", json=body, headers=headers)

    return write


def exchange(assay, token, **more):
    return assay.post("/api/v1/token", data=EXCHANGE | {"subject_token": token} | more)


def me(assay, answer):
    return assay.get("/api/v1/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})


@pytest.mark.parametrize("name", GOOD)
def test_a_good_token_is_exchanged_for_one_of_ours(assay, liar, trust, name):
    assert trust(repository="acme/credit").status_code == 201
    answer = exchange(assay, GOOD[name](liar.claims(HERE, **OF_THE_JOB)))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    who = me(assay, answer).json()
    assert (who["name"], who["role"], who["automatic"]) == ("deploy of credit", "ci", True)
    assert sorted(body["scope"].split()) == who["scopes"]


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_one_is_not(assay, liar, trust, name):
    forge, why = FORGERIES[name]
    trust(repository="acme/credit")
    token = forge(liar.claims(HERE, **OF_THE_JOB))
    answer = exchange(assay, token)
    assert answer.status_code == 401, answer.text
    assert answer.json()["detail"].startswith(why)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(token) < 30 or token[:30] not in answer.text
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"repository": "acme/other"}, 'repository ("acme/other")'),
        ({"repository": "acme/credit/../other"}, "repository ("),
        ({"repository": "evil/acme/credit"}, "repository ("),
        ({"repository": "acme/credit\n"}, "repository ("),
        ({"repository": "ACME/credit"}, "repository ("),
        ({"repository": ["acme/credit"]}, "repository ("),
        ({"repository": None}, "repository (missing)"),
        ({"ref": "refs/heads/evil/main"}, 'ref ("refs/heads/evil/main")'),
        ({"environment": "staging", "ref": "refs/tags/v1"}, 'ref ("refs/tags/v1"), environment ("staging")'),
    ],
)
def test_a_good_token_of_another_pipeline_is_told_which_claims_do_not_fit(assay, liar, trust, changes, told):
    trust(repository="acme/credit", ref="refs/heads/*", environment="production")
    assert exchange(assay, signed(liar.claims(HERE, **OF_THE_JOB))).status_code == 200
    answer = exchange(assay, signed(liar.claims(HERE, **{**OF_THE_JOB, **changes})))
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith(f"No trust fits this token: {told}")


def test_a_token_that_others_could_pass_on_is_refused(assay, liar, trust):
    trust(repository="acme/credit")
    answer = exchange(assay, signed(liar.claims([HERE, "https://other.example"], **OF_THE_JOB)))
    assert (answer.status_code, answer.json()["detail"][:5]) == (401, "aud: ")


def test_an_issuer_that_is_not_trusted_is_not_even_asked(assay, liar, trust):
    trust(repository="acme/credit")
    token = signed(liar.claims(HERE, iss=f"{liar.url}/", **OF_THE_JOB), OTHER)
    answer = exchange(assay, token)
    assert (answer.status_code, answer.json()["detail"][:5]) == (401, "iss: ")
    assert liar.calls == []


def test_without_any_trust_nobody_gets_in(assay, liar):
    assert exchange(assay, signed(liar.claims(HERE, **OF_THE_JOB))).status_code == 403


def test_fewer_scopes_but_never_more(assay, liar, trust):
    trust(repository="acme/credit", scopes=["read", "gate"])
    token = signed(liar.claims(HERE, **OF_THE_JOB))
    assert exchange(assay, token).json()["scope"] == "gate read"
    fewer = exchange(assay, token, scope="gate")
    assert fewer.json()["scope"] == "gate"
    assert me(assay, fewer).status_code == 403
    for scope in ("deploy", "admin", "gate nonsense"):
        assert exchange(assay, token, scope=scope).status_code == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"grant_type": "password"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"subject_token": "x" * 20_000},
    ],
)
def test_other_requests_are_no_exchange(assay, liar, changes):
    body = EXCHANGE | {"subject_token": signed(liar.claims(HERE))} | changes
    assert assay.post("/api/v1/token", data=body).status_code == 422
    assert "x" * 500 not in assay.post("/api/v1/token", data=body).text


def test_what_the_audit_log_says_of_an_exchange(assay, liar, trust, database):
    trust(repository="acme/credit")
    token = signed(liar.claims(HERE, sha="abc", run_id="17", note="private", **OF_THE_JOB))
    exchange(assay, token)
    with database.read() as session:
        last = session.exec(select(AuditLog).order_by(AuditLog.id.desc())).first()
    assert (last.actor, last.action) == ("deploy of credit", "exchanged_token.create")
    assert last.details["claims"] == {"repository": "acme/credit", "sub": "s1", "sha": "abc", "run_id": "17"}


def test_revoking_a_trust_ends_what_it_let_in(assay, liar, trust, secret):
    made = trust(repository="acme/credit").json()
    token = signed(liar.claims(HERE, **OF_THE_JOB))
    inside = exchange(assay, token)
    assert me(assay, inside).status_code == 200
    admin = {"Authorization": f"Bearer {secret('admin')}"}
    for _ in range(2):
        assert assay.delete(f"/api/v1/trusts/{made['id']}", headers=admin).status_code == 204
    assert me(assay, inside).status_code == 401
    assert exchange(assay, token).status_code == 403
    listed = assay.get("/api/v1/trusts", headers=admin).json()["items"]
    assert [(one["name"], one["revoked_at"] is None) for one in listed] == [("deploy of credit", False)]
    assert trust(repository="acme/credit").status_code == 409
    assert assay.delete("/api/v1/trusts/999", headers=admin).status_code == 404


def test_an_exchanged_token_is_no_session_and_signs_nobody_in(assay, liar, trust):
    trust(repository="acme/credit")
    token = exchange(assay, signed(liar.claims(HERE, **OF_THE_JOB))).json()["access_token"]
    assert assay.get("/api/v1/me", headers={"Cookie": f"assay_session={token}"}).status_code == 401
    signed_in = assay.post("/sign-in", data={"code": token}, headers={"Accept": "text/html"})
    assert signed_in.status_code == 401


# --- teams -------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_trust_for_teams_opens_what_is_theirs_and_nothing_once_it_is_in_none(assay, liar, trust, database):
    with database.write() as session:
        teams.create(session, "credit", "tests")
    assert trust(repository="acme/credit", teams=["crdit"]).status_code == 404
    assert trust(repository="acme/credit", teams=["credit"]).json()["bound"] is True
    token = signed(liar.claims(HERE, **OF_THE_JOB))
    assert "gate" in exchange(assay, token).json()["scope"]
    with database.write() as session:
        opened = session.exec(select(Token).where(Token.kind == "exchanged")).one()
        assert opened.bound
        teams.remove(session, "credit", "deploy of credit", "tests")
    assert exchange(assay, token).json()["scope"] == ""


def test_a_trust_that_joins_a_team_later_is_bound_from_then_on(assay, liar, trust, database):
    trust(repository="acme/credit")
    token = signed(liar.claims(HERE, **OF_THE_JOB))
    before = exchange(assay, token)
    with database.write() as session:
        teams.create(session, "credit", "tests")
        teams.add(session, "credit", "deploy of credit", "viewer", "tests")
    assert me(assay, before).json()["scopes"] == ["read"]
    with database.write() as session:
        teams.remove(session, "credit", "deploy of credit", "tests")
    assert exchange(assay, token).json()["scope"] == ""
    with database.read() as session:
        assert session.exec(select(Trust)).one().bound


# --- what may be written ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "path"),
    [
        ({}, "claims"),
        ({"repository": "*"}, "claims.repository"),
        ({"sub": "**"}, "claims.sub"),
        ({"sub": "*/*:*"}, "claims.sub"),
        ({"repository": ""}, "claims.repository"),
        ({"repository": "a***"}, "claims.repository"),
        ({"repository": "a\nb"}, "claims.repository"),
        ({"aud": "https://assay.example"}, "claims.aud"),
        ({"iss": "x"}, "claims.iss"),
    ],
)
def test_a_trust_without_a_condition_that_tells_anything_is_refused(claims, path, trust):
    answer = trust(**claims)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"].removeprefix("body.") == path


def test_a_trust_in_an_issuer_that_the_configuration_does_not_name_is_refused(trust, liar):
    answer = trust(issuer=f"{liar.url}/", repository="acme/credit")
    assert answer.json()["errors"][0]["path"] == "issuer"
    assert f'did you mean "{liar.url}"?' in answer.json()["detail"]


@pytest.mark.parametrize(
    ("issuer", "claims", "good"),
    [
        (GITHUB, {"ref": "refs/heads/main"}, False),
        (GITHUB, {"environment": "production", "actor": "ada"}, False),
        (GITHUB, {"repository": "acme*/credit"}, False),
        (GITHUB, {"repository": "*/credit"}, False),
        (GITHUB, {"repository_owner": "acm*"}, False),
        (GITHUB, {"sub": "repo:**:ref:refs/heads/main"}, False),
        (GITHUB, {"repository": "acme/*"}, True),
        (GITHUB, {"repository_owner_id": "1234", "environment": "production"}, True),
        (GITHUB, {"sub": "repo:acme/*:environment:production"}, True),
        (GITLAB, {"ref_protected": "true"}, False),
        (GITLAB, {"project_path": "acme/**", "ref_protected": "true"}, True),
        ("https://gitlab.acme.example", {"ref_protected": "true"}, True),
    ],
)
def test_where_anybody_can_have_a_token_a_trust_says_whose(issuer, claims, good):
    assert (flaws(issuer, claims) == []) is good


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("acme/*", "acme/credit", True),
        ("acme/*", "acme/credit/x", False),
        ("acme/*", "acme/", True),
        ("acme/**", "acme/credit/x", True),
        ("repo:acme/*:environment:production", "repo:acme/credit:environment:production", True),
        ("repo:acme/*:environment:production", "repo:acme/x:pull_request:environment:production", False),
        ("a.c", "abc", False),
        ("a.c", "a.c", True),
        ("(a|b)+", "(a|b)+", True),
        ("main", "main2", False),
        ("main", "xmain", False),
        ("true", True, True),
        ("true", "true", True),
        ("42", 42, True),
        ("42", 42.0, False),
        ("null", None, False),
        ("main", {"main": 1}, False),
    ],
)
def test_patterns_fit_from_end_to_end(pattern, value, fits):
    assert (misfits({"claim": pattern}, {"claim": value}) == []) is fits


def test_a_pattern_cannot_be_made_to_take_long():
    begun = time.process_time()
    assert misfits({"ref": "a**" * 100 + "b"}, {"ref": "a" * 15_000}) != []
    assert time.process_time() - begun < 5
