"""Deletes what let somebody in for a while and has ended; the audit log keeps what it was."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlmodel import Session

from app.access import queries
from app.access.audit_log import record
from app.config import Settings
from app.db import Database, database_now

KEEPER = "retention"
KEPT = timedelta(days=1)
"""At least, after its end: so long whoever still sends it is told that it expired."""


def look_after(db: Database, _settings: Settings) -> None:
    """The leader's job; done twice it does nothing twice. Reads only, while nothing is due, which is once a day."""
    with db.read() as session:
        due = queries.passing_tokens_ended(session, _limit(session))
    if due:
        with db.write() as session:
            before = _limit(session)
            if purged := queries.purge_passing_tokens(session, before):
                record(session, KEEPER, "token.purge", "tokens", before=before.isoformat(), purged=purged)


def _limit(session: Session) -> datetime:
    """In whole days (UTC)."""
    now = database_now(session)
    return datetime.combine(now.date(), time(), now.tzinfo) - KEPT
