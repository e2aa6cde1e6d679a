"""What let somebody in for a while is deleted once it ended; the audit log, and everybody else's token, stay."""

from datetime import timedelta

import pytest
from sqlmodel import select

from app.access import audit_log, service
from app.access.service import Holder
from app.access.upkeep import KEPT, look_after
from app.db import utcnow
from app.tables import AuditLog, Token

pytestmark = pytest.mark.both_databases
LONG_AGO = KEPT + timedelta(days=1)


@pytest.fixture
def opened(database):
    """``opened(kind, ago)``: the id of one that ended so long ago."""

    def make(kind, ago=LONG_AGO):
        with database.write() as session:
            service.open_session(session, Holder(f"a {kind}", "ci"), timedelta(hours=1), "trust/1", kind=kind)
            row = session.exec(select(Token).order_by(Token.id.desc())).first()
            row.expires_at = utcnow() - ago
            return row.id

    return make


@pytest.fixture
def kept(database, settings):
    def look():
        look_after(database, settings)
        with database.read() as session:
            return set(session.exec(select(Token.id)))

    return look


def test_what_ended_is_deleted_and_nothing_else(opened, kept, database, secret):
    ended = [opened(kind) for kind in ("exchanged", "exchanged", "session", "sign_in")]
    staying = {opened("exchanged", timedelta(minutes=1)), opened("session", timedelta(hours=-1)), opened("api")}
    secret("viewer")
    found = kept()
    assert found.isdisjoint(ended)
    assert staying < found
    with database.read() as session:
        [entry] = session.exec(select(AuditLog).where(AuditLog.action == "token.purge"))
        assert (entry.actor, entry.details["purged"]) == ("retention", {"exchanged": 2, "session": 1, "sign_in": 1})
        made = session.exec(select(AuditLog.subject).where(AuditLog.action == "exchanged_token.create")).all()
        assert {f"token/{one}" for one in ended[:2]} < set(made)
        assert audit_log.verification(session).valid


def test_nothing_due_leaves_no_entry(opened, kept, database, secret):
    opened("exchanged")
    secret("viewer")
    assert kept() == kept()
    with database.read() as session:
        assert len(session.exec(select(AuditLog).where(AuditLog.action == "token.purge")).all()) == 1


def test_an_id_is_never_given_again(opened, kept):
    newest = opened("exchanged")
    assert newest in kept()
    another = opened("exchanged")
    assert another > newest
    assert kept() == {another}
