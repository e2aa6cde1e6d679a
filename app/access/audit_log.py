"""The audit log: who changed what, when, each entry chained to the one before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from app.access import queries
from app.access.chain import Head, Link, Verification, verify
from app.db import utcnow
from app.tables import AuditHead, AuditLog

_HEAD = select(col(AuditHead.sequence), col(AuditHead.digest)).where(col(AuditHead.id) == AuditHead.ONLY)
_MOVE_HEAD = update(AuditHead).where(col(AuditHead.id) == AuditHead.ONLY)
_ADD = insert(AuditLog)
"""Run on the connection: with every change there is one of each, and as objects they cost many times as much."""


def record(session: Session, actor: str, action: str, subject: str, **details: Any) -> None:
    """Note a change in the transaction of the change itself, so that both are kept or neither is.

    ``action`` is "noun.verb" (``token.create``), ``subject`` names the thing (``token/12``); ``details`` must be
    JSON-ready and free of secrets: ``before`` and ``after`` where something is changed, ``reason`` where a person
    gave one.
    """
    append(session, utcnow(), actor, action, subject, details)


def append(
    session: Session, at: datetime, actor: str, action: str, subject: str, details: Mapping[str, Any]
) -> None:
    """Chain an entry to the newest one. Writers wait for each other (app.db), so no other reads the same head."""
    head = head_of(session)
    as_read = json.loads(json.dumps(details))
    link = Link(head.sequence + 1, at, actor, action, subject, as_read, head.digest)
    entry = {
        "id": link.sequence,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "details": as_read,
        "previous": link.previous,
        "digest": link.digest,
    }
    connection = session.connection()
    connection.execute(_MOVE_HEAD, {"sequence": link.sequence, "digest": entry["digest"]})
    connection.execute(_ADD, entry)


def head_of(session: Session) -> Head:
    return Head(*session.connection().execute(_HEAD).one())


def verification(session: Session, checkpoint: Head | None = None) -> Verification:
    """Whether the log is what was written, entry by entry; reads all of it, and keeps none."""
    with closing(queries.stored_entries(session)) as rows:
        return verify(rows, head_of(session), checkpoint)
