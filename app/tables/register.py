"""What model-risk people keep: issues with their history, validations, retirements."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.tables.columns import json_column, moment


class Issue(SQLModel, table=True):
    """Something that needs work. A test of a model (in an environment, if it is of the system) has one at most.

    ``source``: finding, attestation, validation, or person, who may name no test. ``status``: open, in_progress,
    resolved or closed. ``failure`` and ``evidence`` name what opened it last and what resolved it ("finding/12").
    ``version_id``: the newest version that either was about. ``escalated_for``: the due date people were told of.
    """

    __table_args__ = (
        UniqueConstraint("model_id", "test_id", "environment"),
        Index("ix_issue_due", "status", "due_on"),
    )

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    version_id: int | None = Field(default=None, foreign_key="version.id")
    test_id: str | None = None
    environment: str = ""
    source: str
    title: str
    description: str
    severity: str
    status: str = "open"
    owner: str
    due_on: date
    plan: str = ""
    failure: str | None = None
    failed_at: datetime = moment()
    evidence: str | None = None
    opened_at: datetime = moment()
    opened_by: str
    resolved_at: datetime | None = moment(nullable=True)
    resolved_by: str | None = None
    closed_at: datetime | None = moment(nullable=True)
    closed_by: str | None = None
    escalated_for: date | None = None


class IssueNote(SQLModel, table=True):
    """What happened to an issue: ``details`` holds before and after, ``text`` the words of whoever did it."""

    __tablename__: ClassVar[str] = "issue_note"

    id: int = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id", index=True)
    model_id: int = Field(foreign_key="model.id")
    at: datetime = moment()
    actor: str
    action: str
    text: str = ""
    evidence: str | None = None
    details: dict[str, Any] = json_column()


class Validation(SQLModel, table=True):
    """Somebody who did not make a model looked at it: approved, approved_with_conditions or rejected."""

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    version_id: int = Field(foreign_key="version.id")
    validator: str
    validated_on: date
    outcome: str
    conditions: str = ""
    digest: str | None = Field(default=None, foreign_key="blob.digest")
    link: str | None = None
    created_by: str
    created_at: datetime = moment()


class Retirement(SQLModel, table=True):
    """A model that is not used any more, until ``undone_at``."""

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    successor_id: int | None = Field(default=None, foreign_key="model.id")
    reason: str
    retired_at: datetime = moment()
    retired_by: str
    undone_at: datetime | None = moment(nullable=True)
    undone_by: str | None = None
    undone_reason: str | None = None
