"""``Idempotency-Key``: a POST that is sent twice under the same key is carried out once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session

from app.access.identity import Identity
from app.errors import FieldError, Invalid
from app.tables import IdempotencyKey

Request = BaseModel | Mapping[str, Any]


def once(session: Session, identity: Identity, key: str | None, request: Request) -> int | None:
    """The id of what this identity created before under ``key``; None when that has not happened.

    Raises ``Invalid`` when ``key`` was used for a request that differs from this one.
    """
    if key is None:
        return None
    known = session.get(IdempotencyKey, (identity.name, key))
    if known is None:
        return None
    if known.request_digest != _digest(request):
        message = "this key was used before, for a different request; use a new key"
        raise Invalid(f"Idempotency-Key: {message}", [FieldError("header.Idempotency-Key", message)])
    return known.resource_id


def remember(session: Session, identity: Identity, key: str | None, request: Request, resource_id: int) -> None:
    """Keep what ``request`` created, in the same transaction as the creation."""
    if key is not None:
        session.add(
            IdempotencyKey(actor=identity.name, key=key, request_digest=_digest(request), resource_id=resource_id)
        )


def _digest(request: Request) -> str:
    kind, body = (
        (type(request).__name__, request.model_dump(mode="json"))
        if isinstance(request, BaseModel)
        else ("", dict(request))
    )
    canonical = json.dumps([kind, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
