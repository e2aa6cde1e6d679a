"""Checkpoints of the audit log: its head, signed, to be kept where whoever owns the database cannot reach it.

A signed decision is one as well: it names the head before it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.access import audit_log
from app.access.chain import Head
from app.alerts.outbox import post
from app.config import Settings
from app.db import utcnow
from app.signing import dsse, keys, queries
from app.signing.statement import PAYLOAD_TYPE as STATEMENT_TYPE
from app.tables import Alert

PAYLOAD_TYPE = "application/vnd.assay.checkpoint+json"
EVENT = "audit_log.checkpoint"


def make(session: Session, settings: Settings) -> dict[str, Any]:
    """The signed head: a DSSE envelope of {sequence, digest, at, service}."""
    key = keys.signer(session, settings)  # which may note a new key, and so move the head
    head = audit_log.head_of(session)
    at, service = utcnow().isoformat(), settings.public_url.rstrip("/")
    told = {"sequence": head.sequence, "digest": head.digest, "at": at, "service": service}
    return dsse.sign(key, PAYLOAD_TYPE, told)


def read(envelope: Any, trusted: dsse.Keys) -> Head:
    """The head that a checkpoint, or a signed decision, names. Raises NotSigned."""
    if isinstance(envelope, dict) and envelope.get("payloadType") == STATEMENT_TYPE:
        noted = dsse.opened(envelope, STATEMENT_TYPE, trusted)["predicate"]["assay_decision"]["auditLog"]
        return Head(noted["sequence"], noted["sha256"])
    noted = dsse.opened(envelope, PAYLOAD_TYPE, trusted)
    return Head(noted["sequence"], noted["digest"])


def due(session: Session, settings: Settings, now: datetime) -> bool:
    """Whether a checkpoint is to be sent: somebody waits for it, and it is time."""
    if not queries.waiting_for(session, EVENT):
        return False
    last = queries.newest_alert(session, EVENT)
    return last is None or last.created_at <= now - timedelta(hours=settings.checkpoint_hours)


def send_due(session: Session, settings: Settings, now: datetime) -> bool:
    """Tell those who subscribed to this very event; others are not bothered with it."""
    if not due(session, settings, now):
        return False
    envelope, head = make(session, settings), audit_log.head_of(session)
    lines = [f"Entry {head.sequence}: {head.digest}", "Keep this where nobody who runs Assay can change it."]
    alert = Alert(
        event=EVENT,
        severity="info",
        title=f"The audit log ends with entry {head.sequence}",
        body={"lines": lines, "checkpoint": envelope},
    )
    post(session, alert, queries.waiting_for(session, EVENT))
    return True
