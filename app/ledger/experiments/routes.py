"""Experiments over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.deps import CanRead, ReadSession
from app.http.problems import problems
from app.ledger.experiments import service
from app.ledger.reading.experiments import Difference, Experiments

router = APIRouter(tags=["ledger"])

Run = Annotated[str, Query(max_length=250, description="A run, by the name that its tool gave it.")]
Evaluation = Annotated[
    str | None, Query(max_length=100, description="Digest of evaluation data. By default the newest run's.")
]


@router.get(
    "/pipelines/{pipeline}/experiments", summary="The best run of each branch", responses=problems(404, 422)
)
def compare(pipeline: str, session: ReadSession, _: CanRead, evaluation: Evaluation = None) -> Experiments:
    """By the one metric that the pipeline declares, on the same evaluation data; what cannot be compared is set
    aside with the reason.
    """
    return service.compare(session, pipeline, evaluation)


@router.get(
    "/pipelines/{pipeline}/experiments/diff",
    summary="What is different between two runs",
    responses=problems(404, 409, 422),
)
def differ(pipeline: str, one: Run, other: Run, session: ReadSession, _: CanRead) -> Difference:
    """Features, parameters and metrics. Runs that cannot be compared are refused (409) with all reasons."""
    return service.differ(session, pipeline, one, other)
