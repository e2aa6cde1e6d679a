"""Tokens that live on: rotated with an overlap, with an end that is seen to come, never more than their maker."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app.access import rotation, service
from app.access.identity import ROLE_SCOPES, Identity
from app.access.service import Lifetime
from app.db import utcnow
from app.errors import Conflict, Forbidden, Invalid, NotAuthenticated, NotFound
from app.tables import AuditLog, Token

pytestmark = pytest.mark.both_databases


@pytest.fixture
def token(database):
    """(id, secret) of a token of the role ci that may only read and gate."""
    with database.write() as session:
        made = {"name": "robot", "role": "ci", "scopes": ["read", "gate"], "created_by": "tests"}
        row, secret = service.create_token(session, **made)
    return row.id, secret


def who(database, secret, later=timedelta()):
    with database.read() as session:
        return service.authenticate(session, secret, utcnow() + later)


def rotate(database, token_id, **given):
    with database.write() as session:
        row, secret = rotation.rotate(session, token_id, "eve", **given)
    return row.id, secret


def test_both_secrets_hold_for_the_overlap_and_then_the_new_one_alone(database, token):
    _, new = rotate(database, token[0], overlap=timedelta(hours=2))
    for later in (timedelta(), timedelta(minutes=119)):
        assert who(database, token[1], later).name == who(database, new, later).name == "robot"
    with pytest.raises(NotAuthenticated, match="expired"):
        who(database, token[1], timedelta(minutes=121))
    assert who(database, new, timedelta(days=89)).scopes == {"read", "gate"}


def test_without_an_overlap_the_old_one_ends_at_once(database, token):
    rotate(database, token[0], overlap=timedelta(0))
    with pytest.raises(NotAuthenticated):
        who(database, token[1])


def test_sessions_opened_with_the_old_one_end_with_it(database, token):
    with database.write() as session:
        _, browser = service.sign_in(session, token[1], utcnow())
    rotate(database, token[0], overlap=timedelta(hours=1))
    with database.read() as session:
        assert service.authenticate(session, browser, utcnow(), {"session"}).name == "robot"
        with pytest.raises(NotAuthenticated):
            service.authenticate(session, browser, utcnow() + timedelta(hours=1, minutes=1), {"session"})


def test_the_audit_log_tells_of_it_and_holds_no_secret(database, token):
    new_id, new = rotate(database, token[0])
    with database.read() as session:
        rows = session.exec(select(AuditLog)).all()
        last = rows[-1]
    assert (last.actor, last.action, last.subject) == ("eve", "api_token.rotate", f"token/{token[0]}")
    assert last.details["after"]["replaced_by"] == new_id
    assert last.details["before"]["expires_at"] > last.details["after"]["expires_at"]
    assert not any(secret[4:] in str(row.details) for row in rows for secret in (token[1], new))


def test_what_holds_no_more_or_was_rotated_is_not_rotated(database, token):
    rotate(database, token[0])
    with pytest.raises(Conflict, match="replaced"):
        rotate(database, token[0])
    with pytest.raises(NotFound):
        rotate(database, 999_999)
    for hours in (-1, 169):
        with pytest.raises(Invalid):
            rotate(database, token[0], overlap=timedelta(hours=hours))


def test_by_name_it_is_the_one_that_was_not_replaced(database, token):
    new_id, _ = rotate(database, token[0])
    with database.write() as session:
        assert rotation.named(session, "robot", utcnow()).id == new_id
        assert rotation.named(session, str(new_id), utcnow()).id == new_id
        service.create_token(session, name="robot", role="ci", created_by="tests")
        with pytest.raises(Conflict, match="give the id"):
            rotation.named(session, "robot", utcnow())
        with pytest.raises(NotFound):
            rotation.named(session, "nobody", utcnow())


@pytest.mark.parametrize(("days", "state"), [(1, "ends_soon"), (13, "ends_soon"), (15, "active"), (-1, "expired")])
def test_an_end_is_seen_to_come(days, state):
    now = utcnow()
    assert rotation.state_of(Token(expires_at=now + timedelta(days=days)), now) == state


def test_nobody_gives_more_than_they_have(database, token):
    narrow = Identity("narrow", "admin", frozenset({"admin", "read"}))
    made = {"name": "x", "role": "ci", "created_by": "narrow", "creator": narrow}
    with database.write() as session:
        with pytest.raises(Forbidden, match="deploy"):
            service.create_token(session, **made)
        service.create_token(session, **made, scopes=["read"])
        with pytest.raises(Forbidden, match="gate"):
            rotation.rotate(session, token[0], "narrow", creator=narrow)
        rotation.rotate(session, token[0], "eve", creator=Identity("eve", "admin", ROLE_SCOPES["admin"]))


def test_the_longest_life_is_configured(database, settings):
    short = Lifetime.by(settings.model_copy(update={"token_most_days": 30}))
    with database.write() as session:
        row, _ = service.create_token(session, name="x", role="ci", created_by="tests", lifetime=short)
        assert timedelta(days=29) < row.expires_at - utcnow() < timedelta(days=31)
        with pytest.raises(Invalid, match="30"):
            service.create_token(session, name="x", role="ci", days=31, created_by="tests", lifetime=short)


def test_over_http_the_secret_is_in_one_answer_alone(client, caplog):
    admin = client("admin")
    made = admin.post("/api/v1/tokens", json={"name": "robot", "role": "ci", "scopes": ["read"], "days": 3}).json()
    assert (made["state"], made["scopes"]) == ("ends_soon", ["read"])
    url, body = f"/api/v1/tokens/{made['id']}/rotation", {"json": {"overlap_hours": 1}}
    new = admin.post(url, headers={"Idempotency-Key": "k"}, **body)
    assert new.status_code == 201
    assert new.json()["secret"].startswith("asy_")
    again = admin.post(url, headers={"Idempotency-Key": "k"}, **body).json()
    assert (again["id"], again["secret"]) == (new.json()["id"], None)
    secret = new.json()["secret"][4:]
    assert secret not in admin.get("/api/v1/tokens").text + admin.get("/api/v1/audit-log").text + caplog.text
    states = {one["id"]: one["state"] for one in admin.get("/api/v1/tokens").json()["items"]}
    assert (states[made["id"]], states[new.json()["id"]]) == ("replaced", "active")
    me = client(None).get("/api/v1/me", headers={"Authorization": f"Bearer {made['secret']}"}).json()
    assert (me["ends_soon"], me["teams"]) == (True, None)
    assert admin.delete(f"/api/v1/tokens/{new.json()['id']}").status_code == 204
