"""What people are told, who is told, and the proof that it arrived."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from app.tables.columns import json_column, moment


class Subscription(SQLModel, table=True):
    """Who is told of what. ``channel``: webhook, email or slack. Of ``model_id``, or of whatever ``team_id`` has
    when it happens; neither: of all models, and of what concerns none.

    ``events`` empty: all of them; ``least_severity``: info, warning or critical. ``secret`` signs webhooks.
    One that is not ``enabled`` was ended by a person, or by its receiver; ``ended`` says why. ``bound``: it is told
    only while the teams of ``created_by`` let them subscribe.
    """

    id: int = Field(default=None, primary_key=True)
    name: str
    channel: str
    target: str
    secret: str | None = None
    model_id: int | None = Field(default=None, foreign_key="model.id")
    team_id: int | None = Field(default=None, foreign_key="team.id")
    events: list[str] = json_column()
    least_severity: str = "info"
    enabled: bool = True
    ended: str | None = None
    bound: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_by: str
    created_at: datetime = moment()


class Alert(SQLModel, table=True):
    """Something that somebody should know. Written in the transaction of what it tells of.

    ``team_id``: of a test of a team's subscription, which is about no model.
    """

    __table_args__ = (Index("ix_alert_model", "model_id", "id"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int | None = Field(default=None, foreign_key="model.id")
    team_id: int | None = Field(default=None, foreign_key="team.id")
    environment: str | None = None
    event: str = Field(index=True)
    severity: str
    title: str
    body: dict[str, Any] = json_column()
    created_at: datetime = moment()
    acknowledged_at: datetime | None = moment(nullable=True)
    acknowledged_by: str | None = None
    note: str | None = None


class AlertDelivery(SQLModel, table=True):
    """The outbox: one alert for one subscription. ``status``: pending, delivered, or dead after too many attempts.

    ``message_id`` is sent with every attempt, so that a receiver can tell a repetition.
    """

    __tablename__: ClassVar[str] = "alert_delivery"
    __table_args__ = (
        UniqueConstraint("alert_id", "subscription_id"),
        Index("ix_alert_delivery_due", "status", "due_at"),
    )

    id: int = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id")
    subscription_id: int = Field(foreign_key="subscription.id")
    message_id: str = Field(unique=True)
    status: str = "pending"
    attempts: int = 0
    fence: int = 0
    due_at: datetime = moment()
    receipt: dict[str, Any] | None = json_column(nullable=True)
    error: str | None = None
    delivered_at: datetime | None = moment(nullable=True)


class VerdictState(SQLModel, table=True):
    """What was told of a test last, and how often in a row something else has been found since.

    ``version_id`` is 0 for tests of the system, ``environment`` "" where an audit names none.
    """

    __tablename__: ClassVar[str] = "verdict_state"

    model_id: int = Field(foreign_key="model.id", primary_key=True)
    version_id: int = Field(primary_key=True)
    environment: str = Field(primary_key=True)
    check_id: str = Field(primary_key=True)
    told: str
    seen: str
    streak: int
    changed_at: datetime = moment()
