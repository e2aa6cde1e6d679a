"""Brings the database to the newest schema. Alembic is imported here alone, when it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from app.config import ROOT, Settings
from app.db import MIGRATION_LOCK, Database
from app.errors import AssayError


def upgrade(settings: Settings) -> None:
    """Create or upgrade the schema; does nothing when it is the newest. Folders are made as needed."""
    from alembic import command
    from alembic.config import Config

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    config = Config(ROOT / "alembic.ini")
    with connected(settings) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    """A connection to migrate on, which commits at the end."""
    database = Database(settings.sqlalchemy_url)
    try:
        with database.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                _put_off_foreign_keys(connection)
            else:
                _wait_for_others(connection)
            yield connection
            if connection.dialect.name == "sqlite":
                _require_foreign_keys(connection)
            connection.commit()
    finally:
        database.dispose()


def _put_off_foreign_keys(connection: Connection) -> None:
    """SQLite cannot alter a table: it is copied and dropped, which the rows that refer to it would forbid.

    Takes effect outside of transactions alone, so SQLAlchemy, which would begin one, is passed by.
    """
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    driver.execute("PRAGMA foreign_keys = OFF")


def _require_foreign_keys(connection: Connection) -> None:
    """Raises unless every row refers to one that is there; nothing is committed then."""
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        tables = ", ".join(sorted({row[0] for row in broken}))
        raise AssayError(f"the database was not migrated: rows of {tables} would refer to rows that are not there")


def _wait_for_others(connection: Connection) -> None:
    """On PostgreSQL, let servers that start at the same moment upgrade one after the other.

    The lock is the connection's, which ends with the upgrade; a migration may take as long as it needs.
    """
    connection.exec_driver_sql("SET statement_timeout = 0; SET lock_timeout = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    connection.commit()
