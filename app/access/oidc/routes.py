"""Trusts, and the exchange of a pipeline's token for one of ours."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request

from app.access.idempotency import once, remember
from app.access.oidc import trusts
from app.access.oidc.schemas import ExchangeIn, ExchangeOut, TrustIn, TrustOut
from app.deps import PUBLIC, CanAdmin, Config, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page, paginate
from app.tables import Trust

router = APIRouter(tags=["access"])


@router.post(
    "/trusts",
    status_code=201,
    summary="Let a pipeline in by what its issuer says of it, without a secret",
    responses=problems(404, 409, 422),
)
def add_trust(
    given: TrustIn, session: WriteSession, config: Config, identity: CanAdmin, key: IdempotencyKeyHeader = None
) -> TrustOut:
    if (known := once(session, identity, key, given)) is not None:
        return TrustOut(**session.get_one(Trust, known).model_dump())
    told = given.model_dump(exclude={"teams"})
    row = trusts.add(session, config, **told, in_teams=given.teams, actor=identity.name)
    remember(session, identity, key, given, row.id)
    return TrustOut(**row.model_dump())


@router.get("/trusts", summary="Trusts, newest first; revoked ones too")
def list_trusts(session: ReadSession, cursor: Cursor, _: CanAdmin) -> Page[TrustOut]:
    rows, following = paginate(session, trusts.trusts(), Trust.id, cursor)
    return Page(items=[TrustOut(**row.model_dump()) for row in rows], next_cursor=following)


@router.delete(
    "/trusts/{trust_id}", status_code=204, summary="Revoke a trust, and what it let in", responses=problems(404)
)
def revoke_trust(trust_id: RowId, session: WriteSession, identity: CanAdmin) -> None:
    trusts.revoke(session, trust_id, identity.name)


@router.post(
    "/token",
    dependencies=[PUBLIC],
    summary="Exchange a pipeline's OpenID Connect token for one of Assay's (RFC 8693)",
    responses=problems(401, 403, 422, 503),
)
def exchange(
    given: Annotated[ExchangeIn, Form()], request: Request, session: WriteSession, config: Config
) -> ExchangeOut:
    """Good for an hour. 401: the token itself is not good, and the detail begins with the claim that is not.
    403: it is good, and no trust fits; the detail names the claims that do not.
    """
    claims = trusts.shown_by(given.subject_token, request.app.state.issuers, config)
    wanted = given.scope.split() if given.scope else None
    identity, secret = trusts.exchange(session, claims, wanted)
    life = int(trusts.EXCHANGED_LIFE.total_seconds())
    return ExchangeOut(access_token=secret, expires_in=life, scope=" ".join(sorted(identity.scopes)))
