"""Scorecards, the fleet, and badges."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from app.catalog.queries import find_version
from app.deps import BADGE_ACCESS, CanRead, ReadSession
from app.http.html import render
from app.http.problems import problems
from app.http.rates import BY_ADDRESS
from app.paging import Cursor, Page
from app.scorecards import badge, service
from app.scorecards.schemas import AsOf, EnvironmentQuery, FleetRow, ScorecardOut, ShieldsBadge, VersionQuery

router = APIRouter(tags=["scorecards"])
badge_router = APIRouter(tags=["scorecards"], dependencies=[BADGE_ACCESS, BY_ADDRESS])

CACHE = {"Cache-Control": "max-age=300"}
SVG = "image/svg+xml"


@router.get(
    "/models/{model}/versions/{version}/scorecard",
    summary="The 28 tests of a version, scored",
    responses=problems(404, 422),
)
def scorecard(
    model: str,
    version: str,
    session: ReadSession,
    _: CanRead,
    environment: EnvironmentQuery = None,
    as_of: AsOf = None,
) -> ScorecardOut:
    """Derived from stored evidence alone: the same question about the same ``as_of`` has one answer for ever."""
    model_row, version_row = find_version(session, model, version)
    card = service.scorecard(session, model_row, version_row, environment=environment, as_of=as_of)
    return service.with_exhibits(session, card, version_row)


@router.get("/fleet", summary="All models with the scores of their newest versions")
def fleet(session: ReadSession, cursor: Cursor, _: CanRead, environment: EnvironmentQuery = None) -> Page[FleetRow]:
    return service.fleet(session, cursor, environment=environment)


_NO_BADGE = "A badge that says unknown."


@badge_router.get(
    "/badges/{model}.json",
    summary="A badge for shields.io",
    responses={404: {"model": ShieldsBadge, "description": _NO_BADGE}},
)
def badge_json(model: str, response: Response, session: ReadSession, version: VersionQuery = None) -> ShieldsBadge:
    shown = service.badge(session, model, version)
    response.headers.update(CACHE)
    response.status_code = _status(shown)
    return shown


_DRAWN: dict[int | str, dict[str, Any]] = {
    status: {"content": {SVG: {}}, "description": told} for status, told in ((200, "The badge."), (404, _NO_BADGE))
}


@badge_router.get("/badges/{model}.svg", summary="A badge", response_class=Response, responses=_DRAWN)
def badge_svg(model: str, session: ReadSession, version: VersionQuery = None) -> Response:
    shown = service.badge(session, model, version)
    response = render("badge.svg", _status(shown), badge=badge.drawing(shown))
    response.headers.update(CACHE | {"Content-Type": SVG})
    return response


def _status(shown: ShieldsBadge) -> int:
    return 404 if shown.isError else 200
