"""The database: engine, sessions for reading and for writing, and the time as it is stored."""

from __future__ import annotations

import copy
import importlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    TypeDecorator,
    create_engine,
    event,
    func,
    literal_column,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, select

WAL_SAFE_SINCE = (3, 51, 3)
"""Earlier SQLite can corrupt a database when a write-ahead log is reset."""

STATEMENTS_KEPT = 1_000
"""Compiled ones. All routes, asked by somebody in a team and somebody in none, need 400: 500 are few."""
BUSY_SECONDS = 30
"""How long a write waits for those before it."""
STATEMENT_SECONDS = 300
"""On PostgreSQL: the longest a statement, or a pause within a transaction, may take."""
WRITE_LOCK, MIGRATION_LOCK = 0x61737361, 0x61737362
"""Keys of PostgreSQL's advisory locks: "assa", "assb"."""
CHECKPOINT_PAGES = 16_000
"""Length of the write-ahead log (of 4 KB pages) at which a commit copies it into the database, which takes longer
than the commit itself: rarely enough not to show at the 99th percentile.
"""


def utcnow() -> datetime:
    return datetime.now(UTC)


def database_now(session: Session) -> datetime:
    """The time by the database's clock (UTC), on which all processes agree."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.fromisoformat(session.exec(select(func.strftime("%Y-%m-%dT%H:%M:%f+00:00", "now"))).one())
    now: datetime = session.exec(select(func.clock_timestamp())).one()
    return now


def insert_new(session: Session, table: type[SQLModel], row: dict[str, Any]) -> bool:
    """Insert a row unless its key is there; whether it was inserted."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert: Any = sqlite.insert(table) if on_sqlite else postgresql.insert(table)
    inserted = insert.values(**row).on_conflict_do_nothing().returning(literal_column("1"))
    return session.execute(inserted).first() is not None  # PostgreSQL's driver does not count inserted rows


def rows_changed(result: Any) -> int:
    count: int = result.rowcount
    return count


class UTCDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out; SQLite by itself would hand back naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored datetime needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


@cache
def sqlite_driver() -> Any:
    """pysqlite3, which brings a SQLite of its own, where it is installed; else Python's sqlite3.

    One process must not open a database with both: each would drop the other's locks.
    """
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ModuleNotFoundError:
        return sqlite3


def journal_mode() -> str:
    return "WAL" if sqlite_driver().sqlite_version_info >= WAL_SAFE_SINCE else "TRUNCATE"


class Database:
    """One database. ``read()`` and ``write()`` give sessions; a write commits at its end or leaves nothing.

    Both engines promise the same: writes happen one after the other, each sees all that was written before it,
    and what one ``read()`` sees does not change under it. On SQLite that is ``BEGIN IMMEDIATE``; writers queue on
    a lock of this process first, which measured 1.6 x the throughput of letting them collide. On PostgreSQL it is
    an advisory lock of the database, and ``REPEATABLE READ READ ONLY`` for reading.
    Never hold a reading session open while writing: with a rollback journal the write would wait for it.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.info: dict[str, Any] = {}
        self._writer = self.engine.execution_options(assay_writes=True)
        self._reader = self.engine
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)
        else:
            self._reader = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            _prepare_postgresql(self.engine)

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self._reader, expire_on_commit=False, info=self.info) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        with Session(self._writer, expire_on_commit=False, info=self.info) as session:
            yield session
            session.commit()

    def telling(self, **info: Any) -> Self:
        """The same database, whose sessions carry ``info``."""
        other = copy.copy(self)
        other.info = self.info | info
        return other

    def dispose(self) -> None:
        self.engine.dispose()


def _engine(url: str) -> Engine:
    """Parameters of a statement that failed stay out of what is logged of it."""
    always: dict[str, Any] = {"hide_parameters": True, "query_cache_size": STATEMENTS_KEPT}
    if url.startswith("sqlite"):
        return create_engine(url, module=sqlite_driver(), **always)
    limits = {
        "timezone": "UTC",
        "lock_timeout": f"{BUSY_SECONDS}s",
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS}s",
    }
    options = " ".join(f"-c {name}={value}" for name, value in limits.items())
    return create_engine(url, pool_pre_ping=True, connect_args={"options": options}, **always)


def _prepare_postgresql(engine: Engine) -> None:
    """Writers queue; one that falls silent in the middle does not hold up the others for long."""

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("assay_writes"):
            connection.exec_driver_sql(
                f"SET LOCAL idle_in_transaction_session_timeout = '{BUSY_SECONDS}s'; "
                f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"
            )


def _prepare_sqlite(engine: Engine) -> None:
    write_lock = threading.Lock()

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        for pragma in (
            f"busy_timeout = {BUSY_SECONDS * 1000}",
            f"journal_mode = {journal_mode()}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            "synchronous = FULL",
            "secure_delete = ON",  # what is deleted is overwritten: it may be somebody's
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("assay_writes"):
            if not write_lock.acquire(timeout=BUSY_SECONDS):
                raise TimeoutError("waited too long for other writers")
            connection.info["holds_write_lock"] = True
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")

    @event.listens_for(engine, "checkin")
    def _release(_connection: object, record: Any) -> None:
        if record.info.pop("holds_write_lock", False):
            write_lock.release()
