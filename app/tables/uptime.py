"""Addresses under which models are reached, and what came of asking them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.db import UTCDateTime
from app.tables.columns import moment


class Endpoint(SQLModel, table=True):
    """An address of a model that is asked every ``interval_seconds``, and what its answer must be.

    ``expected_text`` None: any content will do. ``token`` is sent as a bearer token. After ``tolerance`` failures
    in a row somebody is told; ``down_since`` is the first of these while it lasts. One that was removed keeps its
    history. ``due_at``: the next probe, which whoever moves it on carries out.
    """

    __table_args__ = (Index("ix_endpoint_due", "removed_at", "due_at"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    name: str
    environment: str
    url: str
    interval_seconds: int
    timeout_seconds: float
    expected_status: int
    expected_text: str | None = None
    token: str | None = None
    tolerance: int
    due_at: datetime = moment()
    down_since: datetime | None = moment(nullable=True)
    created_by: str
    created_at: datetime = moment()
    removed_at: datetime | None = moment(nullable=True)


class Probe(SQLModel, table=True):
    """One question to an endpoint, ``at`` the time it was asked.

    ``ok`` None: it could not be asked, which says nothing of the endpoint. ``status``: of HTTP, where there was an
    answer; ``seconds``: until the answer was read, or given up.
    """

    __table_args__ = (Index("ix_probe_history", "endpoint_id", "at"),)

    id: int = Field(default=None, primary_key=True)
    endpoint_id: int = Field(foreign_key="endpoint.id")
    at: datetime = Field(sa_type=UTCDateTime, index=True)
    ok: bool | None = None
    status: int | None = None
    seconds: float
    error: str | None = None
