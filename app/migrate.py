"""Brings the database to the newest schema. Alembic is imported here alone, when it is needed."""

from __future__ import annotations

import logging

from sqlalchemy import Connection

from app.config import ROOT, Settings
from app.db import MIGRATION_LOCK, Database

log = logging.getLogger(__name__)


def upgrade(settings: Settings) -> None:
    """Create or upgrade the schema; does nothing when it is the newest. Folders are made as needed."""
    from alembic import command
    from alembic.config import Config

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    config = Config(ROOT / "alembic.ini")
    database = Database(settings.sqlalchemy_url)
    try:
        with database.engine.connect() as connection:
            _wait_for_others(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        database.dispose()


def _wait_for_others(connection: Connection) -> None:
    """On PostgreSQL, let servers that start at the same moment upgrade one after the other.

    The lock is the connection's, which ends with the upgrade; a migration may take as long as it needs.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET statement_timeout = 0; SET lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        connection.commit()
