"""Policies and decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.tables.columns import json_column, moment


class Policy(SQLModel, table=True):
    """One version of an environment's policy, or of the organisation's (``name`` "organisation")."""

    __table_args__ = (UniqueConstraint("name", "version"),)

    id: int = Field(default=None, primary_key=True)
    name: str
    version: int
    text: str
    digest: str
    created_by: str
    created_at: datetime = moment()


class Decision(SQLModel, table=True):
    """The gate's answer. ``inputs`` is everything that ``body`` was derived from; ``envelope`` binds both, signed.

    ``consumed_by`` used it without a deployment of ours; a deployment names the decision that it consumed itself.
    """

    __table_args__ = (Index("ix_decision_model", "model_id", "environment"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    version_id: int = Field(foreign_key="version.id", index=True)
    environment: str
    stage: str
    status: str = Field(index=True)
    audit_id: int | None = Field(default=None, foreign_key="audit.id")
    body: dict[str, Any] = json_column()
    inputs: dict[str, Any] = json_column()
    actor: str
    created_at: datetime = moment()
    decided_at: datetime | None = moment(nullable=True)
    envelope: dict[str, Any] | None = json_column(nullable=True)
    consumed_at: datetime | None = moment(nullable=True)
    consumed_by: str | None = None
