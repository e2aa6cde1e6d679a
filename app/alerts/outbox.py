"""Alerts are written here, in the transaction of what they tell of, with one delivery for each who is told."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from app.alerts import queries
from app.alerts.events import EVENTS, SEVERITIES, Severity, severe_enough
from app.db import database_now
from app.tables import Alert, AlertDelivery, Subscription


def raise_alert(
    session: Session,
    *,
    event: str,
    severity: Severity,
    title: str,
    body: Mapping[str, Any],
    model_id: int | None = None,
    environment: str | None = None,
) -> Alert:
    """Tell everybody who subscribed; nothing is sent before the caller's transaction is committed.

    Args:
        event: one of ``EVENTS``.
        title: one line, understood without the body.
        body: JSON-ready. ``lines`` (list of sentences) is what a person reads, ``path`` ("/audits/7") where to
            read on; whatever else it holds goes to webhooks as data.

    Returns:
        The alert, with its id.
    """
    if event not in EVENTS or severity not in SEVERITIES:
        raise ValueError(f"{event!r} of the severity {severity!r} is not an alert of the registry")
    alert = Alert(event=event, severity=severity, title=" ".join(title.split()), body=dict(body))
    alert.model_id, alert.environment = model_id, environment
    return post(session, alert, listeners(session, model_id, event, severity))


def listeners(session: Session, model_id: int | None, event: str, severity: Severity) -> list[Subscription]:
    """Who is told of such an alert."""
    return [
        one
        for one in queries.listening(session, model_id)
        if (not one.events or event in one.events) and severe_enough(severity, one.least_severity)
    ]


def post(session: Session, alert: Alert, told: Iterable[Subscription]) -> Alert:
    """Store an alert with a delivery for each who is ``told``."""
    now = database_now(session)
    alert.created_at = now
    session.add(alert)
    session.flush()
    session.add_all(
        AlertDelivery(alert_id=alert.id, subscription_id=one.id, message_id=_message_id(), due_at=now)
        for one in told
    )
    session.flush()
    return alert


def _message_id() -> str:
    return f"msg_{secrets.token_hex(16)}"
