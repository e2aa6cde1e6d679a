"""What a thief, or an issuer that lies, may try at sign-in; each attempt beside one that is let in."""

import time

import pytest
from fastapi.testclient import TestClient

from app.access import teams
from app.access.oidc import issuers
from app.access.team_queries import memberships
from app.main import create_app
from tests.access.oidc.conftest import leave, query
from tests.access.oidc.liar import FORGERIES, GOOD, KEY, OTHER, public, signed


@pytest.fixture
def assay(with_oidc, liar):
    with TestClient(create_app(with_oidc(liar.url)), headers={"Accept": "text/html"}) as browser:
        yield browser


def come_back(assay, liar, forge=signed, answer="", **changes):
    """The answer to a sign-in for which the issuer gives the ID token that ``forge`` makes."""
    asked = query(leave(assay))
    claims = liar.claims("assay", **{"nonce": asked["nonce"], "groups": ["everybody"], **changes})
    liar.answer = {"id_token": forge(claims), "access_token": "at"}
    address = f"/sign-in/oidc/callback?code=c&state={asked['state']}{answer}"
    return assay.get(address, follow_redirects=False)


def refused(answer, why):
    assert answer.status_code == 401, answer.text
    assert why.replace('"', "&#34;") in answer.text
    assert "assay_session" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("name", GOOD)
def test_good_tokens_sign_in(assay, liar, name):
    assert come_back(assay, liar, GOOD[name]).status_code == 303
    assert assay.get("/api/v1/me").json()["role"] == "viewer"


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_tokens_do_not(assay, liar, name):
    forge, why = FORGERIES[name]
    refused(come_back(assay, liar, forge), why)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"nonce": "of another sign-in"}, "nonce: "),
        ({"nonce": None}, "nonce: "),
        ({"azp": "another client"}, "azp: "),
        ({"aud": ["assay", "another client"]}, "azp: "),
        ({"aud": ["assay", "another client"], "azp": "another client"}, "azp: "),
    ],
)
def test_a_token_of_another_sign_in_or_for_another_client(assay, liar, changes, why):
    refused(come_back(assay, liar, lambda claims: signed({**claims, **changes})), why)


def test_a_token_for_several_that_was_given_to_us(assay, liar):
    both = {"aud": ["assay", "another client"], "azp": "assay"}
    assert come_back(assay, liar, lambda claims: signed({**claims, **both})).status_code == 303


def test_another_state(assay, liar):
    asked = query(leave(assay))
    refused(assay.get(f"/sign-in/oidc/callback?code=c&state={asked['nonce']}", follow_redirects=False), "state: ")
    refused(assay.get("/sign-in/oidc/callback?code=c", follow_redirects=False), "not begun in this browser")
    assert "/token" not in liar.calls


@pytest.mark.parametrize("cookie", ["", "x", "e30=", "W10=", "bnVsbA==", "ä", "[" * 3000])
def test_a_cookie_that_is_none_of_ours(assay, cookie):
    headers = {"Cookie": f"assay_sign_in={cookie}".encode()}
    answer = assay.get("/sign-in/oidc/callback?code=c&state=", headers=headers, follow_redirects=False)
    refused(answer, "not begun in this browser")


def test_answers_that_are_mixed_up(assay, liar):
    refused(come_back(assay, liar, answer="&iss=https%3A//evil.example"), "iss: ")
    assert come_back(assay, liar, answer=f"&iss={liar.url}").status_code == 303


def test_an_issuer_that_always_names_itself_must(assay, liar):
    liar.changes = {"authorization_response_iss_parameter_supported": True}
    refused(come_back(assay, liar), "iss: ")
    assert come_back(assay, liar, answer=f"&iss={liar.url}").status_code == 303


def test_a_discovery_document_of_another_issuer(assay, liar):
    liar.changes = {"issuer": "https://evil.example"}
    answer = assay.get("/sign-in/oidc", follow_redirects=False)
    assert (answer.status_code, "publishes itself as another issuer" in answer.text) == (503, True)


def test_groups_may_be_told_apart_from_the_token_of_the_same_person_only(assay, liar):
    liar.userinfo = {"sub": "s1", "groups": ["ml-admins"]}
    assert come_back(assay, liar, groups=None).status_code == 303
    assert assay.get("/api/v1/me").json()["role"] == "admin"
    liar.userinfo = {"sub": "somebody else", "groups": ["ml-admins"]}
    refused(come_back(assay, liar, groups=None), "sub: ")


@pytest.mark.parametrize("groups", [None, [], "strangers", ["Everybody"], [["everybody"]], {"everybody": 1}, 7])
def test_groups_that_give_no_role(assay, liar, groups):
    liar.userinfo = {"sub": "s1"}
    assert come_back(assay, liar, groups=groups).status_code == 403


def test_roles_inside_another_claim(with_oidc, liar):
    settings = with_oidc(liar.url, oidc_roles_claim="realm_access.roles")
    with TestClient(create_app(settings)) as assay:
        assert come_back(assay, liar, realm_access={"roles": ["reviewers"]}).status_code == 303
        assert assay.get("/api/v1/me").json()["role"] == "reviewer"


def test_groups_lead_into_teams_and_out_of_them_again(with_oidc, liar, database):
    by_group = {"everybody": {"credit": "viewer", "not made yet": "owner"}, "leads": {"credit": "owner"}}
    with database.write() as session:
        for team in ("credit", "fraud"):
            teams.create(session, team, "tests")
    with TestClient(create_app(with_oidc(liar.url, oidc_roles={}, oidc_teams=by_group))) as assay:

        def scopes(*groups):
            assert come_back(assay, liar, groups=groups, preferred_username="ada").status_code == 303
            return assay.get("/api/v1/me").json()

        first = scopes("everybody")
        assert (first["role"], first["scopes"]) == ("member", ["read"])
        assert "register" in scopes("leads")["scopes"]
        with database.write() as session:
            assert [one.role for one in memberships(session, "ada (person 1)")] == ["owner"]
            teams.add(session, "fraud", "ada (person 1)", "viewer", "an administrator")
        scopes("everybody")
        with database.read() as session:
            assert [one.role for one in memberships(session, "ada (person 1)")] == ["viewer", "viewer"]
        assert come_back(assay, liar, groups=["strangers"]).status_code == 403


def test_nobody_takes_the_name_of_another(assay, liar):
    names = []
    for subject, called in (("s1", "ada"), ("s2", "ada"), ("s3", "ada (person 1)"), ("s1", "someone new")):
        assert come_back(assay, liar, sub=subject, preferred_username=called).status_code == 303
        names.append(assay.get("/api/v1/me").json()["name"])
    assert names == ["ada (person 1)", "ada (person 2)", "ada person 1 (person 3)", "ada (person 1)"]


def test_a_name_is_for_people_to_read(assay, liar):
    called = "a\u202eda\n" + "x" * 200
    assert come_back(assay, liar, preferred_username=called).status_code == 303
    name = assay.get("/api/v1/me").json()["name"]
    assert name == f"ada{'x' * 57} (person 1)"


# --- keys --------------------------------------------------------------------------------------


@pytest.fixture
def later(monkeypatch):
    """``later(60)``: that many seconds pass for what is kept."""
    passed = [0.0]
    monkeypatch.setattr(issuers.Issuer.__init__, "__defaults__", (lambda: time.monotonic() + passed[0],))

    def pass_by(seconds):
        passed[0] += seconds

    return pass_by


def test_a_new_key_is_found_and_a_withdrawn_one_forgotten(later, with_oidc, liar):
    with TestClient(create_app(with_oidc(liar.url))) as assay:
        assert come_back(assay, liar).status_code == 303
        liar.published = [public(OTHER, "k7")]
        later(31)
        assert come_back(assay, liar, lambda claims: signed(claims, OTHER, kid="k7")).status_code == 303
        refused(come_back(assay, liar, lambda claims: signed(claims, KEY)), "kid: ")


def test_a_withdrawn_key_is_good_for_ten_minutes_at_most(later, with_oidc, liar):
    with TestClient(create_app(with_oidc(liar.url))) as assay:
        assert come_back(assay, liar).status_code == 303
        liar.published = []
        later(599)
        assert come_back(assay, liar).status_code == 303
        later(2)
        refused(come_back(assay, liar), "kid: ")


def test_made_up_names_of_keys_cost_the_issuer_nothing(later, with_oidc, liar):
    with TestClient(create_app(with_oidc(liar.url))) as assay:
        for number in range(20):
            come_back(assay, liar, lambda claims, kid=f"x{number}": signed(claims, OTHER, kid=kid))
        assert liar.calls.count("/keys") == 1
        later(31)
        come_back(assay, liar, lambda claims: signed(claims, OTHER, kid="x"))
        assert liar.calls.count("/keys") == 2


def test_an_issuer_that_fails_is_left_alone_for_a_while(later, with_oidc, liar):
    with TestClient(create_app(with_oidc(liar.url))) as assay:
        liar.status = 500
        for _ in range(5):
            assert assay.get("/sign-in/oidc").status_code == 503
        assert len(liar.calls) == 1
        liar.status = 200
        later(31)
        assert assay.get("/sign-in/oidc", follow_redirects=False).status_code == 303


def test_an_issuer_inside_the_network_is_not_called_unless_an_administrator_says_so(with_oidc, liar):
    with TestClient(create_app(with_oidc(liar.url, outgoing_allowed_hosts=[]))) as assay:
        answer = assay.get("/sign-in/oidc")
    assert answer.status_code == 503
    assert "ASSAY_OUTGOING_ALLOWED_HOSTS" in answer.text
    assert liar.calls == []
