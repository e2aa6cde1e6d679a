"""Tokens: what they look like, what they open, and until when."""

import contextlib
import string
from datetime import timedelta

import pytest
from sqlmodel import select

from app.access import service, tokens
from app.access.identity import GRANTED, ROLE_SCOPES, SCHEDULER, SCOPES
from app.db import utcnow
from app.errors import Invalid, NotAuthenticated, NotFound
from app.tables import AuditLog, Token

pytestmark = pytest.mark.both_databases


def make(session, **given):
    return service.create_token(session, **{"name": "robot", "role": "ci", "created_by": "tests"} | given)


def test_a_token_has_256_random_bits_and_no_two_are_equal():
    made = {tokens.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) == len("asy_") + 64 + 8 and secret.startswith("asy_") for secret in made)


def test_the_checksum_tells_every_single_typo():
    secret = tokens.new_secret()
    assert tokens.well_formed(secret)
    for place in range(len("asy_"), len(secret)):
        for typo in set(string.hexdigits.lower()) - {secret[place]}:
            assert not tokens.well_formed(secret[:place] + typo + secret[place + 1 :])


@pytest.mark.parametrize("wrong", ["", "asy_", "asy_" + "0" * 72, "Bearer x", "asy_" + "é" * 72])
def test_what_is_no_token(wrong):
    assert not tokens.well_formed(wrong)


def test_swapped_surroundings_are_no_token():
    secret = tokens.new_secret()
    for wrong in (secret.upper(), secret[:-1], secret + "0", " " + secret, secret + "\n", secret[4:]):
        assert not tokens.well_formed(wrong)


@pytest.mark.sqlite_only(reason="reads SQLite's file")
def test_only_the_digest_is_stored(database, settings):
    with database.write() as session:
        token, secret = make(session)
    assert token.digest == tokens.digest(secret)
    stored = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert token.digest.encode() in stored  # the control: what is stored would be found
    assert secret.encode() not in stored
    assert secret[4:-8].encode() not in stored


@pytest.mark.parametrize("role", ROLE_SCOPES)
def test_a_token_carries_the_scopes_of_its_role(database, role):
    with database.write() as session:
        _, secret = make(session, role=role)
        identity = service.authenticate(session, secret, utcnow())
    assert identity.scopes == ROLE_SCOPES[role]
    assert identity.automatic == (role == "ci")


def test_roles_are_those_of_the_design():
    assert ROLE_SCOPES["viewer"] == {"read"}
    assert ROLE_SCOPES["ci"] == {"read", "register", "evidence", "audit", "gate", "deploy", "predict"}
    assert ROLE_SCOPES["client"] == {"predict"}
    assert ROLE_SCOPES["reviewer"] == {"read", "evidence", "audit", "attest", "accept", "gate", "alerts"}
    assert ROLE_SCOPES["owner"] == SCOPES - {"accept", "policy", "admin"} - GRANTED
    assert ROLE_SCOPES["admin"] == SCOPES - {"rows:read"}
    assert SCHEDULER.automatic


def test_scopes_can_be_fewer_than_the_role_carries_but_never_more(database):
    with database.write() as session:
        _, secret = make(session, scopes=["gate"])
        assert service.authenticate(session, secret, utcnow()).scopes == {"gate"}
        for scopes in (["gate", "admin"], ["nonsense"], []):
            with pytest.raises(Invalid):
                make(session, scopes=scopes)


def test_a_scope_that_a_role_lost_is_lost_by_its_tokens(database):
    with database.write() as session:
        token, secret = make(session, role="viewer")
        token.scopes = ["read", "admin"]
        session.flush()
        assert service.authenticate(session, secret, utcnow()).scopes == {"read"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("days", 0), ("days", 366), ("role", "root"), ("name", ""), ("name", "a\nb"), ("name", "x" * 101)],
)
def test_nonsense_is_refused_by_field(database, field, value):
    with database.write() as session, pytest.raises(Invalid) as refused:
        make(session, **{field: value})
    assert [error.path for error in refused.value.errors] == [field]


def test_a_token_expires(database):
    now = utcnow()
    with database.write() as session:
        token, secret = make(session)
        assert token.expires_at - token.created_at == timedelta(days=90)
        assert service.authenticate(session, secret, now + timedelta(days=89)).name == "robot"
        with pytest.raises(NotAuthenticated, match="expired"):
            service.authenticate(session, secret, now + timedelta(days=91))


def test_a_revoked_token_opens_nothing_and_neither_do_its_sessions(database):
    with database.write() as session:
        token, secret = make(session)
        _, other = make(session)
        _, opened = service.sign_in(session, secret, utcnow())
        _, kept = service.sign_in(session, other, utcnow())
        service.revoke(session, token.id, "tests")
        session.flush()
        for dead, kind in ((secret, "api"), (opened, "session")):
            with pytest.raises(NotAuthenticated, match="revoked"):
                service.authenticate(session, dead, utcnow(), {kind})
        assert service.authenticate(session, other, utcnow())
        assert service.authenticate(session, kept, utcnow(), {"session"})


def test_revoking_what_is_not_there(database):
    with database.write() as session, pytest.raises(NotFound):
        service.revoke(session, 12345, "tests")


def test_a_use_is_noted_once_a_minute_at_most(database):
    now = utcnow()
    with database.write() as session:
        _, secret = make(session)
        identity = service.authenticate(session, secret, now)
        assert service.use_is_due(session, identity, now)
        service.note_use(session, identity, now)
    with database.write() as session:
        service.note_use(session, identity, now + timedelta(seconds=59))
    with database.read() as session:
        assert session.get(Token, identity.token_id).last_used_at == now
        assert not service.use_is_due(session, identity, now + timedelta(seconds=59))
        assert service.use_is_due(session, identity, now + timedelta(seconds=60))


def test_what_happens_to_tokens_is_in_the_audit_log_without_secrets(database):
    with database.write() as session:
        token, secret = make(session)
        service.revoke(session, token.id, "boss")
        service.revoke(session, token.id, "boss")
    with database.read() as session:
        rows = session.exec(select(AuditLog).order_by(AuditLog.id)).all()
    assert [(row.actor, row.action, row.subject) for row in rows[-2:]] == [
        ("tests", "api_token.create", f"token/{token.id}"),
        ("boss", "api_token.revoke", f"token/{token.id}"),
    ]
    assert secret not in str(rows)


def test_a_change_that_is_rolled_back_leaves_no_line_in_the_audit_log(database):
    with contextlib.suppress(RuntimeError), database.write() as session:
        make(session, name="never")
        raise RuntimeError
    with database.read() as session:
        assert "never" not in str(session.exec(select(AuditLog)).all())


# --- over HTTP ----------------------------------------------------------------------------------


def test_make_list_and_revoke(client):
    admin = client("admin")
    made = admin.post("/api/v1/tokens", json={"name": "pipeline", "role": "ci", "scopes": ["read"], "days": 7})
    assert made.status_code == 201
    body = made.json()
    bearer = {"Authorization": f"Bearer {body['secret']}"}
    me = client(None).get("/api/v1/me", headers=bearer).json()
    assert me.pop("expires_at").startswith(body["expires_at"][:19])
    assert me == {
        "name": "pipeline",
        "role": "ci",
        "scopes": ["read"],
        "teams": None,
        "ends_soon": True,
        "automatic": True,
    }
    listed = admin.get("/api/v1/tokens").text
    assert "pipeline" in listed
    assert "asy_" not in listed
    assert "digest" not in listed
    assert admin.delete(f"/api/v1/tokens/{body['id']}").status_code == 204
    assert client(None).get("/api/v1/me", headers=bearer).status_code == 401
    assert admin.delete(f"/api/v1/tokens/{body['id']}").status_code == 204
    assert admin.delete("/api/v1/tokens/99999").status_code == 404


def test_the_secret_is_shown_once_even_when_the_request_is_repeated(client):
    admin, key = client("admin"), {"Idempotency-Key": "once-1"}
    first = admin.post("/api/v1/tokens", json={"name": "a", "role": "ci"}, headers=key).json()
    second = admin.post("/api/v1/tokens", json={"name": "a", "role": "ci"}, headers=key).json()
    assert second == first | {"secret": None}
    other = admin.post("/api/v1/tokens", json={"name": "b", "role": "ci"}, headers=key)
    assert other.status_code == 422
    assert other.json()["errors"][0]["path"] == "header.Idempotency-Key"


def test_use_is_noted_after_the_answer(client, database, app):
    viewer = client("viewer")
    viewer.get("/api/v1/me")
    with database.read() as session:
        noted = session.exec(select(Token.last_used_at).where(Token.role == "viewer")).one()
    assert utcnow() - noted < timedelta(minutes=1)
    viewer.get("/api/v1/me")
    with database.read() as session:
        assert session.exec(select(Token.last_used_at).where(Token.role == "viewer")).one() == noted
