"""What sessions promise, on both engines."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import InternalError
from sqlmodel import func, select

from app.config import Settings
from app.db import Database, insert_new, journal_mode, utcnow
from app.tables import Blob, Lease, Pipeline

pytestmark = pytest.mark.both_databases


def test_the_marker_chooses_the_engine(database, engine_name):
    assert database.engine.dialect.name == engine_name


def test_moments_come_back_as_they_went_in(database):
    now = utcnow()
    with database.write() as session:
        session.add(Lease(name="a", holder="b", until=now))
    with database.read() as session:
        assert session.get(Lease, "a").until == now
        assert session.get(Lease, "a").until.utcoffset().total_seconds() == 0


def pipelines(session):
    return session.exec(select(func.count()).select_from(Pipeline)).one()


def test_writes_happen_one_after_the_other(settings):
    """Each counts what is there and adds one by that name: none counts what another has counted."""

    def work(_):
        mine = Database(settings.sqlalchemy_url)  # as another process has it
        for _ in range(5):
            with mine.write() as session:
                number = pipelines(session)
                time.sleep(0.01)
                session.add(Pipeline(name=f"number {number}"))
        mine.dispose()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(4)))
    database = Database(settings.sqlalchemy_url)
    with database.read() as session:
        assert pipelines(session) == 20
    database.dispose()


def test_what_a_reading_session_sees_does_not_change_under_it(database, engine_name):
    if engine_name == "sqlite" and journal_mode() != "WAL":
        pytest.skip("a rollback journal lets no write pass a reader")
    with database.read() as reading:
        assert pipelines(reading) == 0
        with database.write() as session:
            session.add(Pipeline(name="new"))
        assert pipelines(reading) == 0
    with database.read() as reading:
        assert pipelines(reading) == 1


def fail_half_way(database):
    with database.write() as session:
        session.add(Pipeline(name="new"))
        session.flush()
        session.add(Pipeline(name=str(1 / 0)))


def test_a_write_that_fails_leaves_nothing(database):
    with pytest.raises(ZeroDivisionError):
        fail_half_way(database)
    with database.read() as session:
        assert pipelines(session) == 0


def test_a_row_is_inserted_once(database):
    row = {"name": "leader", "holder": "a", "until": utcnow()}
    with database.write() as session:
        assert insert_new(session, Lease, row)
        assert not insert_new(session, Lease, row | {"holder": "b"})
    with database.read() as session:
        assert session.get(Lease, "leader").holder == "a"


def test_content_may_be_larger_than_two_gigabytes(database):
    with database.write() as session:
        session.add(Blob(digest="d" * 64, size=3 * 2**31))
    with database.read() as session:
        assert session.get(Blob, "d" * 64).size == 3 * 2**31


def test_a_writer_that_falls_silent_does_not_hold_up_the_others(postgres, postgres_template, tmp_path, monkeypatch):
    with postgres.database(postgres_template) as url:
        silent, other = (Database(Settings(database_url=url).sqlalchemy_url) for _ in range(2))
        monkeypatch.setattr("app.db.BUSY_SECONDS", 1)
        with pytest.raises(InternalError, match="idle-in-transaction"):
            write_with_a_pause(silent, other)
        with other.read() as session:
            assert session.exec(select(Pipeline.name)).all() == ["other"]
        silent.dispose()
        other.dispose()


def write_with_a_pause(silent, other):
    with silent.write() as session:
        session.add(Pipeline(name="silent"))
        session.flush()
        with other.write() as meanwhile:  # waits until the silent one is ended
            meanwhile.add(Pipeline(name="other"))
