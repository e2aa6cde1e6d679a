"""Tokens, the audit log, idempotency keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import false
from sqlmodel import Field, SQLModel

from app.db import UTCDateTime
from app.tables.columns import json_column, moment


class Token(SQLModel, table=True):
    """A credential; only its SHA-256 is kept. ``kind``: api, sign_in (used once), session (a browser's) or
    exchanged (for a pipeline's own).

    ``bound``: it opens what the teams may in which ``name`` is a member, and no more than ``scopes`` of that; else
    the whole organisation's. ``role``: what it is, or "member" where the teams alone say so. ``replaced_by``: the
    token that rotation put in its place. ``end_told_at``: when it was told that it ends soon.
    """

    id: int = Field(default=None, primary_key=True)
    digest: str = Field(unique=True)
    kind: str = "api"
    name: str
    role: str
    scopes: list[str] = json_column()
    bound: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_by: str
    created_at: datetime = moment()
    expires_at: datetime = Field(sa_type=UTCDateTime)
    last_used_at: datetime | None = moment(nullable=True)
    revoked_at: datetime | None = moment(nullable=True)
    replaced_by: int | None = Field(default=None, foreign_key="token.id")
    end_told_at: datetime | None = moment(nullable=True)


class AuditLog(SQLModel, table=True):
    """Who changed what, when. Written in the transaction of the change itself, by ``app.access.audit_log`` alone.

    ``id`` is the place in the chain, ``previous`` the digest of the entry before. Triggers refuse to change a row.
    """

    __tablename__: ClassVar[str] = "audit_log"

    id: int = Field(default=None, primary_key=True)
    at: datetime = moment(index=True)
    actor: str
    action: str
    subject: str
    details: dict[str, Any] = json_column()
    previous: str
    digest: str


class AuditHead(SQLModel, table=True):
    """The audit log's newest entry, in one row, so that cutting off the end does not go unseen."""

    __tablename__: ClassVar[str] = "audit_head"
    ONLY: ClassVar[int] = 1

    id: int = Field(default=ONLY, primary_key=True)
    sequence: int
    digest: str


class Watcher(SQLModel, table=True):
    """Who reads what is meant for other systems (``what``: metrics, audit_log), and when they did last."""

    what: str = Field(primary_key=True)
    actor: str = Field(primary_key=True)
    first_at: datetime = Field(sa_type=UTCDateTime)
    last_at: datetime = Field(sa_type=UTCDateTime)


class IdempotencyKey(SQLModel, table=True):
    """A POST that was carried out under an ``Idempotency-Key``, and the id of what it created."""

    __tablename__: ClassVar[str] = "idempotency_key"

    actor: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_digest: str
    resource_id: int
    created_at: datetime = moment()
