"""Scorecards of pipelines over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from app.deps import CanRead, ReadSession
from app.http.problems import problems
from app.ledger.pipelines import service
from app.ledger.pipelines.service import PipelineScorecard, Run
from app.paging import Cursor, Page
from app.scorecards.schemas import AsOf

router = APIRouter(tags=["ledger"])


@router.get(
    "/pipelines/{pipeline}/scorecard", summary="What is practised around a pipeline", responses=problems(404)
)
def scorecard(pipeline: str, session: ReadSession, _: CanRead, as_of: AsOf = None) -> PipelineScorecard:
    """Derived from what was told and registered alone; what is known of nothing is unknown, never assumed."""
    return service.scorecard(session, pipeline, as_of)


@router.get("/pipelines/{pipeline}/runs", summary="A pipeline's runs, newest first", responses=problems(404))
def list_runs(pipeline: str, session: ReadSession, cursor: Cursor, _: CanRead) -> Page[Run]:
    """Each in its newest state, with all that was ever told of it."""
    return service.list_runs(session, pipeline, cursor)
