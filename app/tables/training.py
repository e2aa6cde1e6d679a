"""Who trains anew, and every time that was asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.tables.columns import json_column, moment


class Trainer(SQLModel, table=True):
    """How a pipeline is asked to train anew, and when. ``kind``: webhook, kfp or github; ``target``: what that
    kind is told, as ``app.training.schemas`` reads it. ``secret`` signs webhooks, or is the receiver's token.

    ``models`` and ``environments`` empty: all that the pipeline makes, wherever they serve. ``cool_down_hours``:
    from one request that was sent to the next of the same model. ``seen_alert_id``: the newest alert that was
    looked at; ``seen_slot``: the newest time of ``schedule`` that was.
    """

    pipeline_id: int = Field(foreign_key="pipeline.id", primary_key=True)
    kind: str
    target: dict[str, Any] = json_column()
    secret: str | None = None
    models: list[str] = json_column()
    environments: list[str] = json_column()
    causes: list[str] = json_column()
    schedule: str | None = None
    cool_down_hours: float
    most_open: int
    deadline_hours: float
    dry_run: bool
    seen_alert_id: int
    seen_slot: datetime = moment()
    created_by: str
    created_at: datetime = moment()


class TrainingRequest(SQLModel, table=True):
    """A pipeline is asked for a new version of a model, once for each ``subject`` (what raised it: "alert/7").

    ``status``: pending -> sent -> running -> answered (the run is over, or the version is here) -> succeeded (the
    gate admits the version), or failed; timed_out (nothing came in time), superseded (one that waited already
    covers it: ``covered_by``), dry_run (it would have been sent). ``reason``: why it ended so. ``key`` is what the
    receiver is told, the same with every attempt. ``due_at``: when it is sent; once it was, until when
    an answer is.
    """

    __tablename__: ClassVar[str] = "training_request"
    __table_args__ = (
        UniqueConstraint("pipeline_id", "model_id", "environment", "subject"),
        Index("ix_training_request_due", "status", "due_at"),
        Index("ix_training_request_model", "model_id", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    pipeline_id: int = Field(foreign_key="pipeline.id")
    model_id: int = Field(foreign_key="model.id")
    environment: str
    cause: str
    subject: str
    alert_id: int | None = Field(default=None, foreign_key="alert.id")
    detail: dict[str, Any] = json_column()
    status: str
    reason: str | None = None
    covered_by: int | None = Field(default=None, foreign_key="training_request.id")
    attempts: int = 0
    fence: int = 0
    due_at: datetime = moment()
    answer: dict[str, Any] | None = json_column(nullable=True)
    run: str | None = None
    version_id: int | None = Field(default=None, foreign_key="version.id")
    audit_id: int | None = Field(default=None, foreign_key="audit.id")
    decision_id: int | None = Field(default=None, foreign_key="decision.id")
    actor: str
    automatic: bool
    created_at: datetime = moment()
    sent_at: datetime | None = moment(nullable=True)
    ended_at: datetime | None = moment(nullable=True)
