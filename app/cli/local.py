"""The configured database, for commands that run where the service runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.config import Settings
from app.errors import NotFound

if TYPE_CHECKING:
    from app.db import Database


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    """Raises NotFound where there is none yet."""
    from app.db import Database

    if not settings.database_url and not settings.database_file.exists():
        raise NotFound(
            f"there is no database in {settings.data_dir}: run `assay serve` once, or set ASSAY_DATA_DIR"
        )
    opened = Database(settings.sqlalchemy_url)
    try:
        yield opened
    finally:
        opened.dispose()
