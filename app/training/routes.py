"""Trainers of pipelines, and the requests for new versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.deps import CanRead, CanRegister, Config, IdempotencyKeyHeader, ReadSession, WriteSession
from app.http.problems import problems
from app.paging import Cursor, Page
from app.training import service
from app.training.schemas import (
    NewTrainerOut,
    Status,
    TrainerIn,
    TrainerOut,
    TrainingRequestIn,
    TrainingRequestOut,
)

router = APIRouter(tags=["training"])

Named = Annotated[str | None, Query(max_length=100)]
RequestKey = Annotated[str, Path(max_length=100)]


@router.put(
    "/pipelines/{pipeline}/trainer",
    summary="How a pipeline is asked to train anew, and when",
    responses=problems(404),
)
def set_trainer(
    pipeline: str, given: TrainerIn, session: WriteSession, config: Config, identity: CanRegister
) -> NewTrainerOut:
    """The same again changes nothing. Alerts from before are not heeded. A webhook's secret is in the first answer
    alone, and made anew when its URL changes; a token stays where it was given for.
    """
    return service.set_trainer(session, pipeline, given, identity, config)


@router.get("/pipelines/{pipeline}/trainer", summary="A pipeline's trainer", responses=problems(404))
def show_trainer(pipeline: str, session: ReadSession, _: CanRead) -> TrainerOut:
    return service.show_trainer(session, pipeline)


@router.delete("/pipelines/{pipeline}/trainer", status_code=204, summary="Ask it no more", responses=problems(404))
def remove_trainer(pipeline: str, session: WriteSession, identity: CanRegister) -> None:
    service.remove_trainer(session, pipeline, identity)


@router.post(
    "/pipelines/{pipeline}/training-requests",
    status_code=201,
    summary="Ask for a new version; the same new data asks once",
    responses=problems(404),
)
def ask(
    pipeline: str,
    given: TrainingRequestIn,
    session: WriteSession,
    identity: CanRegister,
    key: IdempotencyKeyHeader = None,
) -> TrainingRequestOut:
    return service.ask(session, pipeline, given, identity, key)


@router.get("/training-requests", summary="Requests for new versions, newest first", responses=problems(404))
def list_requests(
    session: ReadSession,
    page: Cursor,
    _: CanRead,
    pipeline: Named = None,
    model: Named = None,
    status: Annotated[Status | None, Query()] = None,
) -> Page[TrainingRequestOut]:
    return service.list_requests(session, pipeline, model, status, page)


@router.get("/training-requests/{request_id}", summary="One request, and what came of it", responses=problems(404))
def show_request(request_id: RequestKey, session: ReadSession, _: CanRead) -> TrainingRequestOut:
    return service.show_request(session, request_id)
