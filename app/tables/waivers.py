"""Conditions of the gate that people excuse for a while."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.db import UTCDateTime
from app.tables.columns import moment


class Waiver(SQLModel, table=True):
    """One ``condition`` excused in one environment; of one version and at one stage where these are not None.

    It holds from ``approved_at`` until it expires or is revoked.
    """

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    version_id: int | None = Field(default=None, foreign_key="version.id")
    environment: str
    stage: str | None = None
    condition: str
    reason: str
    requested_by: str
    created_at: datetime = moment()
    expires_at: datetime = Field(sa_type=UTCDateTime)
    approved_by: str | None = None
    approved_at: datetime | None = moment(nullable=True)
    revoked_by: str | None = None
    revoked_at: datetime | None = moment(nullable=True)
    revocation_reason: str | None = None
