"""What models depend on, and when it changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.deps import CanPushEvidence, CanRead, ReadSession, WriteSession
from app.http.problems import problems
from app.monitoring.dependencies import service
from app.monitoring.dependencies.schemas import DependenciesIn, DependenciesOut, DependencyOut
from app.paging import Cursor, Page

router = APIRouter(tags=["monitoring"])


@router.post(
    "/dependencies",
    summary="Say what a model depends on now; the same again changes nothing",
    responses=problems(404),
)
def push(given: DependenciesIn, session: WriteSession, identity: CanPushEvidence) -> DependenciesOut:
    return service.push(session, identity, given)


@router.get("/dependencies", summary="Fingerprints when first seen and whenever they changed, newest first")
def list_dependencies(
    session: ReadSession,
    page: Cursor,
    _: CanRead,
    model: Annotated[str | None, Query(max_length=100)] = None,
    environment: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[DependencyOut]:
    return service.list_dependencies(session, model, environment, page)
