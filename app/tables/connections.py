"""Tools that tell the ledger by webhooks, and the messages that came from them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.tables.columns import json_column, moment


class ToolConnection(SQLModel, table=True):
    """A tool that may send messages to ``/hooks/{name}``. ``kind``: github, gitlab, mlflow or webhook.

    ``repositories``, ``pipelines``, ``models``: what it may speak about, models by the name that they have there.
    ``secret`` signs its messages; the one before it holds until ``previous_until``. One that is not ``enabled`` was
    removed by a person.
    """

    __tablename__ = "tool_connection"

    id: int = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    kind: str
    repositories: list[str] = json_column()
    pipelines: list[str] = json_column()
    models: dict[str, str] = json_column()
    secret: str
    previous_secret: str | None = None
    previous_until: datetime | None = moment(nullable=True)
    enabled: bool = True
    ended: str | None = None
    created_by: str
    created_at: datetime = moment()


class ReceivedMessage(SQLModel, table=True):
    """A message that was signed by a connection's tool, under the tool's own id of it, however often it came.

    ``status``: recorded, set_aside, ignored or refused, and the ``reason``. ``events``: how many it made;
    ``untaken``: how many of them the ledger did not take.
    """

    __tablename__ = "received_message"
    __table_args__ = (UniqueConstraint("connection_id", "key"),)

    id: int = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="tool_connection.id")
    key: str
    event: str
    digest: str
    status: str
    reason: str
    events: int
    untaken: int
    times: int = 1
    received_at: datetime = moment()
    last_at: datetime = moment()
