"""Tokens for machines, and the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query
from pydantic import AwareDatetime
from sqlmodel import Session

from app.access import audit_log, queries, service, watchers
from app.access.idempotency import once, remember
from app.access.identity import Identity
from app.access.schemas import AuditLogOut, ChainOut, Me, NewTokenOut, TokenIn, TokenOut
from app.deps import CanAdmin, CanRead, Db, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page, paginate
from app.tables import AuditLog, Token

router = APIRouter(tags=["access"])


@router.get("/me", summary="Who the token stands for")
def me(identity: CanRead) -> Me:
    return Me(name=identity.name, role=identity.role, scopes=sorted(identity.scopes), automatic=identity.automatic)


@router.post(
    "/tokens", status_code=201, summary="Make a token; its secret is shown this once", responses=problems(422)
)
def make_token(
    given: TokenIn, session: WriteSession, identity: CanAdmin, key: IdempotencyKeyHeader = None
) -> NewTokenOut:
    known = once(session, identity, key, given)
    if known is not None:
        return NewTokenOut(**session.get_one(Token, known).model_dump(), secret=None)
    return _make(session, given, identity, key)


@router.get("/tokens", summary="Tokens, newest first; revoked and expired ones too")
def list_tokens(session: ReadSession, cursor: Cursor, _: CanAdmin) -> Page[TokenOut]:
    rows, following = paginate(session, queries.api_tokens(), Token.id, cursor)
    return Page(items=[TokenOut(**row.model_dump()) for row in rows], next_cursor=following)


@router.delete(
    "/tokens/{token_id}",
    status_code=204,
    summary="Revoke a token, and the browser sessions opened with it",
    responses=problems(404),
)
def revoke_token(token_id: RowId, session: WriteSession, identity: CanAdmin) -> None:
    service.revoke(session, token_id, identity.name)


@router.get("/audit-log", summary="Who changed what, newest first")
def list_audit_log(
    session: ReadSession,
    cursor: Cursor,
    identity: CanAdmin,
    db: Db,
    afterwards: BackgroundTasks,
    since: Annotated[AwareDatetime | None, Query(description="Only what was changed then or later.")] = None,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[AuditLogOut]:
    afterwards.add_task(watchers.note, db, watchers.AUDIT_LOG, identity.name)
    rows, following = paginate(session, queries.audit_log(since, actor, action), AuditLog.id, cursor)
    return Page(items=[AuditLogOut(**row.model_dump()) for row in rows], next_cursor=following)


@router.get("/audit-log/verification", summary="Is the audit log as it was written?")
def verify_audit_log(session: ReadSession, _: CanAdmin) -> ChainOut:
    """Reads every entry and follows the chain of their digests."""
    found = audit_log.verification(session)
    head = {"sequence": found.head.sequence, "digest": found.head.digest}
    return ChainOut(valid=found.valid, count=found.count, broken=found.broken, why=found.why, **head)


def _make(session: Session, given: TokenIn, identity: Identity, key: str | None) -> NewTokenOut:
    token, secret = service.create_token(session, **given.model_dump(), created_by=identity.name)
    out = NewTokenOut(**token.model_dump(), secret=secret)
    remember(session, identity, key, given, out.id)
    return out
