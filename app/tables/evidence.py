"""What was handed in, and what people attest."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.db import UTCDateTime
from app.tables.columns import json_column, moment


class HandedInEvidence(SQLModel, table=True):
    """A file handed in for a version. ``automatic``: by an identity with the ci role."""

    __tablename__: ClassVar[str] = "evidence"
    __table_args__ = (UniqueConstraint("version_id", "kind", "digest", "automatic"),)

    id: int = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="version.id")
    kind: str
    digest: str = Field(foreign_key="blob.digest")
    filename: str
    commit: str | None = None
    actor: str
    automatic: bool
    created_at: datetime = moment()


class Measurement(SQLModel, table=True):
    """The newest sample of a file of the kind ``measurements``, to be found by name. ``query``: what was asked."""

    __table_args__ = (Index("ix_measurement_newest", "model_id", "name", "at"),)

    evidence_id: int = Field(foreign_key="evidence.id", primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    name: str
    value: float
    unit: str
    at: datetime = Field(sa_type=UTCDateTime)
    tool: str
    query: str


class Attestation(SQLModel, table=True):
    """A person's documented manual test. Counts for ``version_id``, or for system tests in ``environment``.

    A pass with ``reservations`` earns what a pass earns, and opens an issue.
    """

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    version_id: int = Field(foreign_key="version.id")
    environment: str | None = None
    test_id: str
    person: str
    what: str
    result: str
    reservations: str = Field(default="", sa_column_kwargs={"server_default": ""})
    digest: str | None = Field(default=None, foreign_key="blob.digest")
    link: str | None = None
    recipients: list[str] = json_column()
    created_by: str
    created_at: datetime = moment()
    expires_at: datetime = Field(sa_type=UTCDateTime)
