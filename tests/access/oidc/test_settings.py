"""Half of a configuration for signing in is refused by the name of what is missing."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from app.access.identity import Role
from app.cli import run
from app.config import PersonRole, Settings

WHOLE = {"oidc_issuer": "https://id.example", "oidc_client_id": "assay", "oidc_roles": {"all": "viewer"}}


def test_the_whole_is_taken():
    assert Settings(**WHOLE).oidc_issuer == "https://id.example"
    assert Settings().oidc_issuer == ""


@pytest.mark.parametrize("missing", WHOLE)
def test_what_is_missing_is_named(missing):
    with pytest.raises(ValidationError, match=f"ASSAY_{missing.upper()} missing"):
        Settings(**{name: value for name, value in WHOLE.items() if name != missing})


def test_a_secret_alone_is_half_a_configuration_and_is_not_shown():
    with pytest.raises(ValidationError) as refused:
        Settings(oidc_client_secret="hush-hush")
    assert "ASSAY_OIDC_ISSUER, ASSAY_OIDC_CLIENT_ID, ASSAY_OIDC_ROLES missing" in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "hush" not in repr(Settings(**WHOLE, oidc_client_secret="hush-hush"))


def test_the_command_line_says_so_and_does_not_start(monkeypatch, capsys):
    monkeypatch.setenv("ASSAY_OIDC_ISSUER", "https://id.example")
    monkeypatch.setenv("ASSAY_OIDC_CLIENT_SECRET", "hush-hush")
    assert run(["serve"]) == 64
    told = capsys.readouterr().err
    assert "sign-in by OpenID Connect: ASSAY_OIDC_CLIENT_ID, ASSAY_OIDC_ROLES missing" in told
    assert "hush" not in told


def test_scopes_without_openid_give_no_id_token():
    with pytest.raises(ValidationError, match='ASSAY_OIDC_SCOPES: "openid" missing'):
        Settings(**WHOLE, oidc_scopes=["profile"])


@pytest.mark.parametrize("role", ["ci", "client", "king"])
def test_people_are_no_machines(role):
    with pytest.raises(ValidationError, match="oidc_roles"):
        Settings(**{**WHOLE, "oidc_roles": {"all": role}})


def test_every_other_role_is_one_that_people_can_have():
    assert set(get_args(PersonRole)) == set(get_args(Role)) - {"ci", "client"}
