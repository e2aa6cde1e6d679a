"""Public keys and checkpoints over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from app.deps import CanRead, ReadSession
from app.signing import queries
from app.signing.schemas import KeyOut

router = APIRouter(tags=["access"])


@router.get("/keys", summary="The keys that sign decisions, newest first; retired ones too")
def list_keys(session: ReadSession, _: CanRead) -> list[KeyOut]:
    return [KeyOut(**row.model_dump()) for row in queries.all_keys(session)]
