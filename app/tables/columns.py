"""What columns of every domain share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from app.db import UTCDateTime, utcnow

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Without names of their own, constraints could not be altered by a later migration."""


def json_column(*, nullable: bool = False) -> Any:
    column: Column[Any] = Column(JSON, nullable=nullable)
    return Field(default=None, sa_column=column) if nullable else Field(sa_column=column)


def moment(*, nullable: bool = False, index: bool = False) -> Any:
    default = {"default": None} if nullable else {"default_factory": utcnow}
    return Field(sa_type=UTCDateTime, nullable=nullable, index=index, **default)
