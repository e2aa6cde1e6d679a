"""Tokens for machines, and the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query
from pydantic import AwareDatetime

from app.access import audit_log, queries, rotation, service, teams, watchers
from app.access.idempotency import once, remember
from app.access.schemas import AuditLogOut, ChainOut, Me, NewTokenOut, RotationIn, TokenIn, TokenOut
from app.access.service import Lifetime
from app.db import utcnow
from app.deps import CanAdmin, CanRead, Config, Db, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page, paginate
from app.tables import AuditLog, Token

router = APIRouter(tags=["access"])


@router.get("/me", summary="Who the token stands for")
def me(session: ReadSession, identity: CanRead) -> Me:
    token, now = session.get_one(Token, identity.token_id), utcnow()
    own = None if identity.reach is None else teams.memberships(session, identity.name)
    return Me(
        name=identity.name,
        role=identity.role,
        scopes=sorted(identity.scopes),
        teams=own,
        automatic=identity.automatic,
        expires_at=token.expires_at,
        ends_soon=token.kind == "api" and rotation.state_of(token, now) != "active",
    )


@router.post(
    "/tokens",
    status_code=201,
    summary="Make a token; its secret is shown this once",
    responses=problems(404, 422),
)
def make_token(
    given: TokenIn, session: WriteSession, config: Config, identity: CanAdmin, key: IdempotencyKeyHeader = None
) -> NewTokenOut:
    """It gives no more than whoever makes it has."""
    known = once(session, identity, key, given)
    if known is not None:
        return _new(session.get_one(Token, known), None)
    if given.team is not None:
        teams.add(session, given.team, given.name, given.role, identity.name)
    token, secret = service.create_token(
        session,
        **given.model_dump(exclude={"team"}),
        bound=given.team is not None,
        created_by=identity.name,
        creator=identity,
        lifetime=Lifetime.by(config),
    )
    remember(session, identity, key, given, token.id)
    return _new(token, secret)


@router.get("/tokens", summary="Tokens, newest first; revoked and expired ones too")
def list_tokens(session: ReadSession, cursor: Cursor, _: CanAdmin) -> Page[TokenOut]:
    rows, following = paginate(session, queries.api_tokens(), Token.id, cursor)
    now = utcnow()
    items = [TokenOut(**row.model_dump(), state=rotation.state_of(row, now)) for row in rows]
    return Page(items=items, next_cursor=following)


@router.post(
    "/tokens/{token_id}/rotation",
    status_code=201,
    summary="Give a token another secret, shown this once; the old one holds a while longer",
    responses=problems(404, 409, 422),
)
def rotate_token(
    token_id: RowId,
    given: RotationIn,
    session: WriteSession,
    config: Config,
    identity: CanAdmin,
    key: IdempotencyKeyHeader = None,
) -> NewTokenOut:
    """Under the same name, role, scopes and teams, with an id of its own; no more than whoever asks has."""
    asked = {"rotate": token_id, **given.model_dump()}
    known = once(session, identity, key, asked)
    if known is not None:
        return _new(session.get_one(Token, known), None)
    token, secret = rotation.rotate(
        session,
        token_id,
        identity.name,
        overlap=timedelta(hours=given.overlap_hours),
        days=given.days,
        lifetime=Lifetime.by(config),
        creator=identity,
    )
    remember(session, identity, key, asked, token.id)
    return _new(token, secret)


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


def _new(token: Token, secret: str | None) -> NewTokenOut:
    return NewTokenOut(**token.model_dump(), state=rotation.state_of(token, utcnow()), secret=secret)
