"""People whose logged predictions were deleted, known by digests alone."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from app.db import UTCDateTime
from app.tables.columns import moment


class Pseudonyms(SQLModel, table=True):
    """The key (hex) under which ids of people and of deleted predictions are digested: without it no id can be
    tried against a digest that left the database.
    """

    ONLY: ClassVar[int] = 1

    id: int = Field(default=ONLY, primary_key=True)
    key: str
    created_at: datetime = moment()


class Forgotten(SQLModel, table=True):
    """What must not come back. ``kind``: a person's predictions, until ``at``, or one prediction."""

    model_id: int = Field(foreign_key="model.id", primary_key=True)
    digest: str = Field(primary_key=True)
    kind: str
    at: datetime = Field(sa_type=UTCDateTime)
