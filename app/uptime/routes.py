"""Endpoints of models, and how available they were."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.deps import CanRead, CanRegister, Config, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page
from app.uptime import service
from app.uptime.schemas import EndpointIn, EndpointOut, ProbeOut, UptimeOut

router = APIRouter(tags=["monitoring"])
ModelName = Annotated[str, Path(max_length=100)]


@router.post(
    "/models/{model}/endpoints",
    status_code=201,
    summary="Ask an address of a model from now on",
    responses=problems(404, 409),
)
def add(
    model: ModelName,
    given: EndpointIn,
    session: WriteSession,
    config: Config,
    identity: CanRegister,
    key: IdempotencyKeyHeader = None,
) -> EndpointOut:
    return service.add(session, identity, model, given, key, config)


@router.get("/models/{model}/endpoints", summary="A model's endpoints as they are now", responses=problems(404))
def list_endpoints(
    model: ModelName,
    session: ReadSession,
    _: CanRead,
    removed: Annotated[bool, Query(description="Those that are asked no more, too.")] = False,
) -> Page[EndpointOut]:
    return Page(items=service.list_endpoints(session, model, removed=removed))


@router.get(
    "/endpoints/{endpoint_id}",
    summary="Availability, latency and outages over 24 hours, 7 and 30 days",
    responses=problems(404),
)
def uptime(endpoint_id: RowId, session: ReadSession, _: CanRead) -> UptimeOut:
    return service.uptime(session, endpoint_id)


@router.get("/endpoints/{endpoint_id}/probes", summary="Probes, newest first", responses=problems(404))
def list_probes(endpoint_id: RowId, session: ReadSession, page: Cursor, _: CanRead) -> Page[ProbeOut]:
    return service.list_probes(session, endpoint_id, page)


@router.delete(
    "/endpoints/{endpoint_id}",
    status_code=204,
    summary="Ask it no more; its history stays",
    responses=problems(404),
)
def remove(endpoint_id: RowId, session: WriteSession, identity: CanRegister) -> None:
    service.remove(session, endpoint_id, identity)
