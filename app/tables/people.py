"""People that an issuer vouches for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.tables.columns import moment


class Person(SQLModel, table=True):
    """Somebody who signed in. ``issuer`` and ``subject`` are who it is, ``name`` is what Assay calls them for good.

    Two people are the same when their names are, as everywhere in Assay; no two rows have one.
    """

    __table_args__ = (UniqueConstraint("issuer", "subject", name="uq_person_issuer_subject"),)

    id: int = Field(default=None, primary_key=True)
    issuer: str
    subject: str
    name: str = Field(unique=True)
    created_at: datetime = moment()
