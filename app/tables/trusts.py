"""Which pipelines of which issuer are let in without a secret."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.tables.columns import json_column, moment


class Trust(SQLModel, table=True):
    """Whoever holds a token of ``issuer`` whose claims fit all of ``claims`` acts as ``name``, in the role ci.

    ``bound``: to the teams in which ``name`` is a member, as a token's.
    """

    id: int = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    issuer: str
    claims: dict[str, str] = json_column()
    scopes: list[str] = json_column()
    bound: bool = False
    created_by: str
    created_at: datetime = moment()
    revoked_at: datetime | None = moment(nullable=True)
