"""Health for whoever runs the service: alive, and ready to answer."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.config import ROOT
from app.db import Database, journal_mode
from app.deps import PUBLIC, Db
from app.errors import Unavailable
from app.http.problems import problems

MIGRATIONS = ROOT / "migrations" / "versions"

_REVISION = re.compile(r"^(revision|down_revision)\b[^=\n]*=\s*['\"](\w+)['\"]", re.MULTILINE)

router = APIRouter(prefix="/health", tags=["operations"], dependencies=[PUBLIC])


class Live(BaseModel):
    status: str = "live"


class Ready(BaseModel):
    status: str = "ready"
    schema_revision: str
    notes: list[str]


@router.get("/live", summary="Whether the process answers at all")
def live() -> Live:
    return Live()


@router.get("/ready", summary="Whether the database is reached and up to date", responses=problems(503))
def ready(database: Db) -> Ready:
    revision = _revision(database)
    if revision != newest_revision(MIGRATIONS):
        raise Unavailable('The database does not have the newest schema; run "assay db upgrade".')
    return Ready(schema_revision=revision or "", notes=_notes(database))


@cache
def newest_revision(folder: Path) -> str | None:
    """The revision that no other builds on, read from the files: importing Alembic would take a second."""
    revisions: set[str] = set()
    built_on: set[str] = set()
    for file in folder.glob("*.py"):
        found = dict(_REVISION.findall(file.read_text()))
        revisions |= {found["revision"]} if "revision" in found else set()
        built_on |= {found["down_revision"]} if "down_revision" in found else set()
    heads = revisions - built_on
    return heads.pop() if len(heads) == 1 else None


def _revision(database: Database) -> str | None:
    try:
        with database.engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except SQLAlchemyError as error:
        raise Unavailable('The database cannot be read; "assay db upgrade" creates one.') from error


def _notes(database: Database) -> list[str]:
    if database.engine.dialect.name != "sqlite" or journal_mode() == "WAL":
        return []
    return ["SQLite is older than 3.51.3, which can corrupt a write-ahead log: a rollback journal is used instead."]
