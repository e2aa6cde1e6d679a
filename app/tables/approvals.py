"""People who approve that a version goes to an environment."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.tables.columns import moment


class Approval(SQLModel, table=True):
    """One person's, in the ``role`` that they had then; at every stage where ``stage`` is None.

    ``digest`` is that of the version's artifact, of its content where it has none: of another it says nothing.
    """

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    version_id: int = Field(foreign_key="version.id", index=True)
    digest: str
    environment: str
    stage: str | None = None
    person: str
    role: str
    comment: str
    created_at: datetime = moment()
    revoked_by: str | None = None
    revoked_at: datetime | None = moment(nullable=True)
    revocation_reason: str | None = None
