"""What was served, what turned out to be true, and what the system around a model depends on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from app.db import UTCDateTime
from app.tables.columns import json_column, moment


class PredictionBatch(SQLModel, table=True):
    """Logged predictions of one version in one environment: a Parquet blob of ``rows`` rows.

    ``role``: the traffic role in which they were answered. ``source``: gateway or push. ``reduce``: the blob still
    has rows that were deleted (``app.monitoring.personal``).
    """

    __tablename__: ClassVar[str] = "prediction_batch"
    __table_args__ = (Index("ix_prediction_batch_window", "version_id", "environment", "last_at"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    version_id: int = Field(foreign_key="version.id")
    environment: str
    role: str
    source: str
    digest: str = Field(foreign_key="blob.digest")
    rows: int
    first_at: datetime = Field(sa_type=UTCDateTime)
    last_at: datetime = Field(sa_type=UTCDateTime)
    actor: str
    created_at: datetime = moment()
    reduce: bool = Field(default=False, index=True, sa_column_kwargs={"server_default": false()})


class Prediction(SQLModel, table=True):
    """That a prediction is stored, and in which batch: the key makes storing it twice impossible.

    Several versions may have answered one request (stable and its shadow); its label is that of all their answers.
    ``person``: the digest of whom it is about, where the manifest says which column names them.
    """

    __table_args__ = (
        Index("ix_prediction_batch_id", "batch_id"),
        Index("ix_prediction_person", "person", "model_id"),
    )

    model_id: int = Field(foreign_key="model.id", primary_key=True)
    prediction_id: str = Field(primary_key=True)
    version_id: int = Field(foreign_key="version.id", primary_key=True)
    batch_id: int = Field(foreign_key="prediction_batch.id")
    at: datetime = Field(sa_type=UTCDateTime)
    person: str | None = None


class RequestCount(SQLModel, table=True):
    """Prediction requests that the gateway took for a version, and how many of them were not answered.

    One row a file of the spool (``source``), version, environment and role: counting a file twice is impossible.
    """

    __tablename__: ClassVar[str] = "request_count"
    __table_args__ = (
        UniqueConstraint("source", "version_id", "environment", "role"),
        Index("ix_request_count_window", "model_id", "environment", "last_at"),
    )

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    version_id: int = Field(foreign_key="version.id")
    environment: str
    role: str
    source: str
    requests: int
    errors: int
    first_at: datetime = Field(sa_type=UTCDateTime)
    last_at: datetime = Field(sa_type=UTCDateTime)


class Label(SQLModel, table=True):
    """What turned out to be true for a prediction, known or not yet. Corrections are further revisions.

    Of the revisions of one prediction the one observed last is ``current``.
    """

    __table_args__ = (
        UniqueConstraint("model_id", "prediction_id", "revision"),
        Index("ix_label_current", "model_id", "current", "prediction_id"),
    )

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    prediction_id: str
    revision: int
    value: Any = json_column()
    observed_at: datetime = Field(sa_type=UTCDateTime)
    current: bool = True
    actor: str
    received_at: datetime = moment()


class Dependency(SQLModel, table=True):
    """A fingerprint of something that a model depends on, stored when it is first seen and whenever it changed.

    ``kind``: lock_file, data or source_system. ``planted``: changed on purpose, to prove that somebody is told.
    """

    __table_args__ = (Index("ix_dependency_newest", "model_id", "environment", "name"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id")
    environment: str
    name: str
    kind: str
    fingerprint: str
    previous: str | None = None
    planted: bool = False
    actor: str
    automatic: bool
    seen_at: datetime = moment()
    alert_id: int | None = Field(default=None, foreign_key="alert.id")
