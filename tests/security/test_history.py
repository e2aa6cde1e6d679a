"""Nobody rewrites history unseen: every way of changing the audit log, by somebody who owns the database."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from app.access import audit_log
from app.access.chain import GENESIS, Head
from app.cli import run
from app.db import Database
from app.tables import AuditLog

pytestmark = pytest.mark.both_databases

ENTRIES = 6
TABLES = {"audit_log": ("update", "delete"), "audit_head": ("delete",)}


@pytest.fixture
def log(database):
    """Some entries; returns the first one's id."""
    with database.write() as session:
        first = audit_log.head_of(session).sequence + 1
        for number in range(ENTRIES):
            details = {"before": {"days": number}, "after": {"days": number + 0.5}, "reason": "Löschfrist"}
            audit_log.record(session, f"ada-{number}", "policy.write", f"policy/{number}", **details)
    return first


@pytest.fixture
def tamper(database):
    """``tamper(sql)``: as the owner of the database, who first takes the triggers away."""

    def do(*statements, **values):
        with database.engine.begin() as connection:
            on = {"sqlite": lambda _: ""}.get(connection.dialect.name, lambda table: f" ON {table}")
            for table, verbs in TABLES.items():
                for verb in verbs:
                    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{verb}{on(table)}")
            for statement in statements:
                connection.execute(text(statement), values)

    return do


def verified(database, checkpoint=None):
    with database.read() as session:
        return audit_log.verification(session, checkpoint)


def head(database) -> Head:
    with database.read() as session:
        return audit_log.head_of(session)


def rows(database) -> list[AuditLog]:
    with database.read() as session:
        return list(session.exec(select(AuditLog).order_by(AuditLog.id)))


# --- as it is written ---------------------------------------------------------------------------


def test_what_assay_wrote_is_valid(database, log):
    found = verified(database)
    assert found.valid, found.why
    assert (found.count, found.head) == (log + ENTRIES - 1, head(database))
    written = rows(database)
    assert written[0].previous == GENESIS
    assert [one.previous for one in written[1:]] == [one.digest for one in written[:-1]]
    assert [one.id for one in written] == list(range(1, len(written) + 1))


def test_what_is_rolled_back_leaves_no_gap(database, log):
    with database.write() as session:
        audit_log.record(session, "ada", "a.b", "c/1")
        with contextlib.suppress(ZeroDivisionError), session.begin_nested():
            audit_log.record(session, "never", "a.b", "c/2")
            session.flush()
            audit_log.record(session, "never", "a.b", "c/3")
            raise ZeroDivisionError
        audit_log.record(session, "ada", "a.b", "c/4")
    with contextlib.suppress(ZeroDivisionError), database.write() as session:
        audit_log.record(session, "never", "a.b", "c/5")
        raise ZeroDivisionError
    with database.write() as session:
        audit_log.record(session, "ada", "a.b", "c/6")
    assert verified(database).valid
    assert [one.subject for one in rows(database)][-3:] == ["c/1", "c/4", "c/6"]
    assert rows(database)[-1].id == log + ENTRIES + 2


def test_details_are_digested_as_they_are_read_back(database):
    odd = {"keys": {9: "a", 10: "b"}, "tuple": (1, 2.5, None), "text": "ü\u2028\x1b[31m\ud83e\udd14", "big": 10**30}
    with database.write() as session:
        audit_log.record(session, "ada\n", "a.b", "c/\u0301", **odd)
    assert verified(database).valid


def test_writers_of_several_processes_make_one_chain(database, settings):
    others = [Database(settings.sqlalchemy_url) for _ in range(3)]
    for number in range(12):
        with others[number % 3].write() as session:
            audit_log.record(session, f"writer-{number % 3}", "a.b", "c/1")
    for other in others:
        other.dispose()
    assert verified(database).valid


# --- rewritten ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'eve'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_head",
    ],
)
def test_the_database_refuses_to_change_an_entry(database, log, statement):
    before = head(database)
    with pytest.raises(DBAPIError, match="only ever added to"), database.write() as session:
        session.connection().exec_driver_sql(statement)
    assert (verified(database).valid, head(database)) == (True, before)


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "details", "previous", "digest"])
@pytest.mark.sqlite_only(reason="bytes of a column can be reached as such")
def test_no_bit_of_an_entry_can_be_flipped(database, log, tamper, column):
    where = {"id": log + 2}
    with database.read() as session:
        raw = session.execute(
            text(f"SELECT CAST({column} AS BLOB) FROM audit_log WHERE id = :id"), where
        ).scalar_one()
    change = f"UPDATE audit_log SET {column} = CAST(:raw AS TEXT) WHERE id = :id"
    for place in range(len(raw)):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << place % 8
        tamper(change, raw=bytes(flipped), **where)
        found = verified(database)
        assert not found.valid, (column, bytes(flipped))
        assert found.broken == log + 2
    tamper(change, raw=raw, **where)
    assert verified(database).valid


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "'2026-01-01 00:00:00.000001'"),
        ("actor", "actor || ' '"),
        ("action", "'policy.read'"),
        ("subject", "subject || '1'"),
        ("details", "'{}'"),
        ("previous", "digest"),
        ("digest", "previous"),
    ],
)
def test_no_column_of_an_entry_can_be_changed(database, log, tamper, column, value):
    tamper(f"UPDATE audit_log SET {column} = {value} WHERE id = :id", id=log + 2)
    found = verified(database)
    assert (found.valid, found.broken, found.count) == (False, log + 2, log + 1)


@pytest.mark.sqlite_only(reason="PostgreSQL keeps the text of JSON, too, and is asked by the test above")
@pytest.mark.parametrize("column", ["details", "at"])
def test_the_same_said_in_another_way_is_seen(database, log, tamper, column):
    tamper(f"UPDATE audit_log SET {column} = replace({column}, ' ', :other) WHERE id = :id", other="\t", id=log + 2)
    found = verified(database)
    assert found.broken == log + 2
    assert "not written by Assay" in found.why


MOVED = 1_000_000
COPY = (
    "INSERT INTO audit_log (id, at, actor, action, subject, details, previous, digest) "
    "SELECT id + 1, at, 'eve', action, subject, details, digest, digest FROM audit_log"
)


@pytest.mark.parametrize(
    ("what", "statements"),
    [
        ("the first", ["DELETE FROM audit_log WHERE id = 1"]),
        ("one in the middle", ["DELETE FROM audit_log WHERE id = :id"]),
        ("the newest", ["DELETE FROM audit_log WHERE id = (SELECT max(id) FROM audit_log)"]),
        ("all", ["DELETE FROM audit_log"]),
        (
            "one put between",
            [
                f"UPDATE audit_log SET id = id + {MOVED} WHERE id > :id",
                f"{COPY} WHERE id = :id",
                f"UPDATE audit_log SET id = id - {MOVED} + 1 WHERE id > {MOVED}",
            ],
        ),
        (
            "two in the other order",
            [
                f"UPDATE audit_log SET id = {MOVED} WHERE id = :id",
                "UPDATE audit_log SET id = :id WHERE id = :id + 1",
                f"UPDATE audit_log SET id = :id + 1 WHERE id = {MOVED}",
            ],
        ),
        (
            "one added behind the log's back",
            [f"{COPY} WHERE id = (SELECT max(id) FROM audit_log)"],
        ),
    ],
)
def test_no_entry_can_be_taken_away_or_put_in(database, log, tamper, what, statements):
    for statement in statements:
        tamper(statement, **({"id": log + 2} if ":id" in statement else {}))
    assert not verified(database).valid, what


def fork(database, tamper, at: int) -> None:
    """Write everything from an entry on anew, well chained, with the head to match."""
    kept = [one for one in rows(database) if one.id < at]
    tamper("DELETE FROM audit_log WHERE id >= :at", at=at)
    tamper("UPDATE audit_head SET sequence = :sequence, digest = :digest", sequence=at - 1, digest=kept[-1].digest)
    with database.write() as session:
        for number in range(ENTRIES):
            audit_log.record(session, "eve", "policy.write", f"policy/{number}")


def test_a_fork_is_valid_in_itself_and_is_seen_by_whoever_kept_a_checkpoint(database, log, tamper):
    noted, early = head(database), Head(1, rows(database)[0].digest)
    fork(database, tamper, log + 2)
    assert verified(database).valid
    assert verified(database, early).valid
    found = verified(database, noted)
    assert (found.valid, found.broken) == (False, noted.sequence)


def test_a_log_that_was_cut_short_with_its_head_does_not_reach_the_checkpoint(database, log, tamper):
    noted, left = head(database), rows(database)[-2]
    tamper("DELETE FROM audit_log WHERE id > :id", id=left.id)
    tamper("UPDATE audit_head SET sequence = :id, digest = :digest", id=left.id, digest=left.digest)
    assert verified(database).valid
    assert "is not there" in verified(database, noted).why


def test_a_log_that_grew_on_fits_an_earlier_checkpoint(database, log):
    noted = head(database)
    with database.write() as session:
        audit_log.record(session, "ada", "a.b", "c/1")
    assert verified(database, noted).valid


# --- who can ask --------------------------------------------------------------------------------


def test_the_command_line_and_the_api_tell_the_first_broken_entry(
    database, settings, log, tamper, client, capsys, monkeypatch
):
    monkeypatch.setenv("ASSAY_DATA_DIR", str(settings.data_dir))
    admin = client("admin")
    count = head(database).sequence
    assert run(["audit-log", "verify"]) == 0
    assert f"{count} entries" in capsys.readouterr().out
    told = admin.get("/api/v1/audit-log/verification").json()
    assert (told["valid"], told["count"], told["broken"]) == (True, count, None)
    tamper("UPDATE audit_log SET actor = 'eve' WHERE id = :id", id=log + 1)
    assert run(["audit-log", "verify"]) == 1
    assert f"entry {log + 1} was changed" in capsys.readouterr().err
    told = admin.get("/api/v1/audit-log/verification").json()
    assert (told["valid"], told["broken"], told["sequence"]) == (False, log + 1, log)
    assert client("owner").get("/api/v1/audit-log/verification").status_code == 403


def test_a_page_of_the_log_shows_the_chain(client, database, log):
    page = client("admin").get("/api/v1/audit-log?limit=2").json()["items"]
    assert page[0]["previous"] == page[1]["digest"]
