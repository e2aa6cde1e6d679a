"""What one person asks to be accepted and another agrees to."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.db import UTCDateTime
from app.tables.columns import moment


class Acceptance(SQLModel, table=True):
    """An exception for a model. ``kind``: "acceptance" of a fault of ``subject`` in a test, or "not_applicable":
    the test makes no sense for the model (``subject`` is ""). It holds from ``agreed_at`` until it expires or is
    revoked.
    """

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    kind: str
    test_id: str
    subject: str = ""
    reason: str
    requested_by: str
    created_at: datetime = moment()
    expires_at: datetime = Field(sa_type=UTCDateTime)
    agreed_by: str | None = None
    agreed_at: datetime | None = moment(nullable=True)
    revoked_by: str | None = None
    revoked_at: datetime | None = moment(nullable=True)
    revocation_reason: str | None = None
