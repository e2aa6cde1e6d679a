"""What tools told of the practice around models: commits, builds, pipeline runs, components."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.tables.columns import json_column, moment


class LedgerEvent(SQLModel, table=True):
    """One thing that happened, as its ``source`` told it under a key of its own. ``body`` is what
    ``app.ledger.events`` reads. ``at``: when it happened; ``received_at``: when it was told.

    ``model``, ``pipeline``, ``repository``: names of what it is about, which need not be registered yet.
    """

    __tablename__ = "ledger_event"
    __table_args__ = (
        UniqueConstraint("source", "kind", "key"),
        Index("ix_ledger_event_model", "model", "at"),
        Index("ix_ledger_event_pipeline", "pipeline", "at"),
        Index("ix_ledger_event_repository", "repository", "at"),
    )

    id: int = Field(default=None, primary_key=True)
    source: str
    kind: str
    key: str
    digest: str
    at: datetime = moment()
    model: str | None = None
    pipeline: str | None = None
    repository: str | None = None
    body: dict[str, Any] = json_column()
    actor: str
    automatic: bool
    received_at: datetime = moment()
