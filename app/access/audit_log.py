"""The audit log: who changed what, when."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from app.tables import AuditLog


def record(session: Session, actor: str, action: str, subject: str, **details: Any) -> None:
    """Note a change in the transaction of the change itself, so that both are kept or neither is.

    ``action`` is "noun.verb" (``token.create``), ``subject`` names the thing (``token/12``); ``details`` must be
    JSON-ready and free of secrets.
    """
    session.add(AuditLog(actor=actor, action=action, subject=subject, details=details))
