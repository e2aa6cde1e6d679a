"""Tells of API tokens that end soon, each once, so that nothing stands still on the day."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.access.rotation import ENDS_SOON
from app.alerts import queries
from app.alerts.outbox import raise_alert
from app.config import Settings
from app.db import Database, database_now
from app.tables import Token


def look_after(db: Database, _settings: Settings) -> None:
    """The leader's job; two leaders at once tell nothing twice. Reads only, while nothing is due."""
    with db.read() as session:
        due = queries.tokens_ending(session, database_now(session), ENDS_SOON)
    if due:
        with db.write() as session:
            now = database_now(session)
            for token in queries.tokens_ending(session, now, ENDS_SOON):
                _tell(session, token, now)


def _tell(session: Session, token: Token, now: datetime) -> None:
    token.end_told_at = now
    session.add(token)
    used = f"It was used last on {token.last_used_at:%Y-%m-%d}." if token.last_used_at else "It was never used."
    body = {
        "lines": [used, f"assay token rotate {token.id} gives another secret; the old one holds for the overlap."],
        "token": token.id,
        "name": token.name,
        "expires_at": token.expires_at.isoformat(),
    }
    title = f"The token {token.name} ({token.id}) ends on {token.expires_at:%Y-%m-%d %H:%M} UTC"
    raise_alert(session, event="token.ends_soon", severity="warning", title=title, body=body)
