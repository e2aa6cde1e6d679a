"""Brings the database to the newest schema. Alembic is imported here alone, when it is needed."""

from __future__ import annotations

import logging

from app.config import ROOT, Settings
from app.db import Database

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
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        database.dispose()
