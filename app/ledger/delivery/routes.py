"""The delivery metrics over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.deps import CanRead, ReadSession
from app.http.problems import problems
from app.ledger.delivery import service
from app.ledger.delivery.service import Asked
from app.ledger.reading.delivery.metrics import DeliveryMetrics
from app.ledger.reading.delivery.periods import LONGEST, MOST_WINDOWS, WINDOWS, Every
from app.ledger.reading.products import Fleet
from app.ledger.schemas import Team
from app.scorecards.schemas import AsOf

router = APIRouter(tags=["ledger"])

Days = Annotated[int, Query(ge=1, le=LONGEST)]

SAYS = f"Lengths of the windows, again for each. By default {', '.join(map(str, WINDOWS))}."


def asked(
    days: Annotated[list[Days] | None, Query(max_length=MOST_WINDOWS, description=SAYS)] = None,
    every: Annotated[Every, Query(description="Of what the trend has twelve.")] = "week",
    as_of: AsOf = None,
) -> Asked:
    return Asked(tuple(dict.fromkeys(days or WINDOWS)), every, as_of)


Wanted = Annotated[Asked, Depends(asked)]


@router.get("/delivery-metrics", summary="How teams and the fleet deliver")
def of_fleet(
    session: ReadSession,
    wanted: Wanted,
    _: CanRead,
    team: Team = None,
) -> DeliveryMetrics:
    """Deployment frequency, lead times, time to restore and change failure rate; times in seconds. A number is null
    where the ledger knows too little, and `reason` says what is missing.
    """
    return service.of_fleet(session, team, wanted)


@router.get("/models/{model}/delivery-metrics", summary="How a model is delivered", responses=problems(404))
def of_model(model: str, session: ReadSession, wanted: Wanted, _: CanRead) -> DeliveryMetrics:
    """As for the fleet, with the model's own trend and the deployments and episodes behind the numbers."""
    return service.of_model(session, model, wanted)


@router.get("/products", summary="Which models reach a product as an API, and where")
def products(session: ReadSession, _: CanRead, team: Team = None, as_of: AsOf = None) -> Fleet:
    """An address for each model and environment: the gateway's path, or null where another server answers."""
    return service.products(session, team, as_of)
