"""Signing keys."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from app.tables.columns import moment


class SigningKey(SQLModel, table=True):
    """The public half (PEM) of a key. The one in force is not retired; ``id`` is the SHA-256 of it as DER."""

    __tablename__: ClassVar[str] = "signing_key"

    id: str = Field(primary_key=True)
    public: str
    created_at: datetime = moment()
    retired_at: datetime | None = moment(nullable=True)
