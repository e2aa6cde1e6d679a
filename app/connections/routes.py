"""Connections over HTTP, and the door that tools knock at."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from app.connections import receiving, service
from app.connections.schemas import (
    ConnectionIn,
    ConnectionOut,
    MessageOut,
    NewConnectionOut,
    RotationIn,
    Status,
)
from app.deps import PUBLIC, CanAdmin, CanRead, Config, Db, IdempotencyKeyHeader, ReadSession, WriteSession
from app.errors import Invalid
from app.http.problems import problems
from app.http.streams import body_of
from app.paging import Cursor, Page

router = APIRouter(tags=["connections"])
hooks_router = APIRouter(tags=["connections"])

ConnectionName = Annotated[str, Path(max_length=100)]


@hooks_router.post(
    "/hooks/{name}",
    dependencies=[PUBLIC],
    summary="Where tools send their webhooks, signed",
    responses=problems(401, 409, 413, 422),
)
def receive(name: ConnectionName, request: Request, db: Db) -> MessageOut:
    """Signed as the tool of the connection signs: GitHub, GitLab, MLflow, or Standard Webhooks.

    The same message again is answered as the first time and changes nothing. 401: not signed by the connection's
    secret, or more than five minutes ago; 409: another message came under its id; 422: it is not what it says, or
    tells of something that the connection does not speak about.
    """
    if "json" not in request.headers.get("content-type", "").lower():
        raise Invalid("Send JSON: set the webhook's content type to application/json.")
    message = receiving.receive(db, name, dict(request.headers), b"".join(body_of(request)))
    if message.status == "refused":
        raise Invalid(message.reason)
    return message


@router.post(
    "/connections",
    status_code=201,
    summary="Let a tool tell the ledger by webhooks; its secret is shown this once",
    responses=problems(409),
)
def connect(
    given: ConnectionIn,
    session: WriteSession,
    config: Config,
    identity: CanAdmin,
    key: IdempotencyKeyHeader = None,
) -> NewConnectionOut:
    return service.connect(session, identity, given, key, config)


@router.get("/connections", summary="Tools that tell the ledger, newest first; removed ones too")
def list_connections(session: ReadSession, page: Cursor, config: Config, _: CanRead) -> Page[ConnectionOut]:
    return service.list_connections(session, page, config)


@router.get("/connections/{name}", summary="One of them", responses=problems(404))
def show_connection(name: ConnectionName, session: ReadSession, config: Config, _: CanRead) -> ConnectionOut:
    return service.show(session, name, config)


@router.get(
    "/connections/{name}/messages",
    summary="What it sent and what became of it, newest first",
    responses=problems(404),
)
def list_messages(
    name: ConnectionName,
    session: ReadSession,
    page: Cursor,
    _: CanRead,
    status: Annotated[Status | None, Query()] = None,
) -> Page[MessageOut]:
    return service.list_messages(session, name, status, page)


@router.post(
    "/connections/{name}/rotate",
    summary="Give it another secret; the one before holds a while longer",
    responses=problems(404),
)
def rotate(
    name: ConnectionName, given: RotationIn, session: WriteSession, config: Config, identity: CanAdmin
) -> NewConnectionOut:
    return service.rotate(session, name, given, identity, config)


@router.delete(
    "/connections/{name}", status_code=204, summary="Take no more of its messages", responses=problems(404)
)
def disconnect(name: ConnectionName, session: WriteSession, identity: CanAdmin) -> None:
    service.disconnect(session, name, identity)
