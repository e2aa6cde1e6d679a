"""Runs migrations on the connection that ``app.migrate`` hands over, or on the configured database."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection
from sqlmodel import AutoString, SQLModel

import app.tables  # noqa: F401 - fills SQLModel.metadata
from app.config import Settings
from app.db import UTCDateTime
from app.migrate import connected


def render_type(kind: str, item: object, _context: object) -> str | bool:
    """SQLModel's strings are plain ones, and our datetimes need no argument."""
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    if kind == "type" and isinstance(item, UTCDateTime):
        return "app.db.UTCDateTime()"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=True,
        render_item=render_type,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with connected(Settings()) as opened:
        run(opened)
