"""Who reads what is meant for other systems: the proof that somebody outside watches."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app.access import queries
from app.db import Database, database_now, insert_new
from app.tables import Watcher

METRICS, AUDIT_LOG = "metrics", "audit_log"
EVERY = timedelta(minutes=1)
"""How exactly the last time is known; a scraper comes twice as often."""

log = logging.getLogger(__name__)


def note(db: Database, what: str, actor: str) -> None:
    """Remember that ``actor`` read it now; called after the answer, which does not depend on it."""
    try:
        with db.read() as session:
            known, now = session.get(Watcher, (what, actor)), database_now(session)
        if known is not None and now - known.last_at < EVERY:
            return
        with db.write() as session:
            row = {"what": what, "actor": actor, "first_at": now, "last_at": now}
            if not insert_new(session, Watcher, row):
                queries.watched(session, what, actor, now)
    except (OperationalError, TimeoutError):
        log.warning("could not note who reads %s", what, exc_info=True)


def watchers(session: Session, what: str, as_of: datetime) -> Sequence[Watcher]:
    """Those who had read it by then, who came last first."""
    return queries.watchers(session, what, as_of)
