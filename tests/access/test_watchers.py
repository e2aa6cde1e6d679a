"""Whoever reads metrics or the audit log is remembered, and that costs the reader nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.access import watchers
from app.db import database_now
from app.tables import Watcher


@pytest.fixture
def seen(database):
    """``seen(what)``: [(who, when they came first, when last)]."""

    def read(what, as_of=None):
        with database.read() as session:
            found = watchers.watchers(session, what, as_of or database_now(session))
            return [(one.actor, one.first_at, one.last_at) for one in found]

    return read


def test_a_scrape_and_an_export_are_remembered(client, seen):
    for role, path in (("viewer", "/metrics"), ("admin", "/api/v1/audit-log")):
        assert client(role).get(path).status_code == 200
    assert [actor for actor, *_ in seen("metrics")] == ["test-viewer"]
    assert [actor for actor, *_ in seen("audit_log")] == ["test-admin"]
    assert client("owner").get("/api/v1/audit-log").status_code == 403
    assert client(None).get("/metrics").status_code == 401
    assert len(seen("metrics")) == len(seen("audit_log")) == 1


@pytest.mark.both_databases
def test_the_first_time_stays_and_the_last_moves_on_by_the_minute(database, seen):
    def note(actor="prometheus"):
        watchers.note(database, watchers.METRICS, actor)

    note()
    ((_, first, last),) = seen("metrics")
    note()
    assert seen("metrics") == [("prometheus", first, last)]
    earlier = first - timedelta(minutes=2)
    with database.write() as session:
        session.execute(update(Watcher).values(first_at=earlier, last_at=earlier))
    note()
    ((_, begun, newest),) = seen("metrics")
    assert begun == earlier
    assert newest >= last
    note("other")
    assert [actor for actor, *_ in seen("metrics")] == ["other", "prometheus"]
    assert [actor for actor, *_ in seen("metrics", first - timedelta(minutes=1))] == ["prometheus"]
    assert seen("metrics", earlier - timedelta(seconds=1)) == []


def test_an_answer_does_not_depend_on_it(client, monkeypatch, caplog):
    viewer = client("viewer")

    def busy(*_arguments):
        raise TimeoutError

    monkeypatch.setattr(watchers, "insert_new", busy)
    assert viewer.get("/metrics").status_code == 200
    assert "could not note who reads metrics" in caplog.text
