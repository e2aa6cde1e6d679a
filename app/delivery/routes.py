"""Deployments over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.access.idempotency import once, remember
from app.delivery import decisions, drills, reviews, service
from app.delivery.schemas import (
    ConsumedOut,
    DeploymentIn,
    DeploymentOut,
    DrillIn,
    DrillOut,
    ReviewIn,
    RollbackIn,
    StopIn,
)
from app.deps import (
    Blobs,
    CanAttest,
    CanDeploy,
    CanRead,
    Config,
    Db,
    IdempotencyKeyHeader,
    ReadSession,
    RowId,
    WriteSession,
)
from app.gateway.probes import probe_of
from app.http.problems import problems
from app.paging import Cursor, Page

router = APIRouter(tags=["delivery"])


@router.post("/deployments", status_code=201, summary="Let a version serve", responses=problems(403, 404, 409))
def deploy(
    given: DeploymentIn, session: WriteSession, identity: CanDeploy, key: IdempotencyKeyHeader = None
) -> DeploymentOut:
    """Entering an environment consumes a passing decision of the gate, each once: `admit` for canary and shadow,
    `promote` for stable traffic where the environment's policy asks more for that. A change of role inside the
    environment consumes none, apart from first reaching stable traffic; without one: 409 with `stage`, `command`.
    While there is no stable version the canary takes all traffic, so the first version ever goes in as canary.
    """
    if (known := once(session, identity, key, given)) is not None:
        return service.show(session, known)
    row = service.deploy(session, given, identity)
    remember(session, identity, key, given, row.id)
    return service.show(session, row.id)


@router.get("/deployments", summary="Deployments, newest first")
def list_deployments(
    session: ReadSession,
    page: Cursor,
    _: CanRead,
    model: Annotated[str | None, Query(max_length=100)] = None,
    environment: Annotated[str | None, Query(max_length=100)] = None,
    serving: Annotated[bool | None, Query(description="Only those that serve now, or only ended ones.")] = None,
) -> Page[DeploymentOut]:
    return service.list_deployments(session, model, environment, serving, page)


@router.post(
    "/deployments/rollback",
    status_code=201,
    summary="Put the last known good version back",
    responses=problems(404, 409),
)
def roll_back(
    given: RollbackIn, session: WriteSession, identity: CanDeploy, key: IdempotencyKeyHeader = None
) -> DeploymentOut:
    """The newest earlier stable version that was not itself rolled back from. Asks no decision. The version that is
    taken back needs a decision made after this before it may enter the environment again.
    """
    if (known := once(session, identity, key, given)) is not None:
        return service.show(session, known)
    row = service.roll_back(session, given, identity)
    remember(session, identity, key, given, row.id)
    return service.show(session, row.id)


@router.post("/deployments/drills", status_code=201, summary="Try a rollback", responses=problems(404, 409))
def drill(given: DrillIn, db: Db, blobs: Blobs, config: Config, identity: CanDeploy, request: Request) -> DrillOut:
    """To the last known good version and back by the code of real rollbacks, while rows of the test data are sent
    through the gateway (and not logged as traffic). Answers when both halves are done, or were given up.
    """
    probe = probe_of(request.app.state.gateway, db, blobs, config, given.model, given.environment)
    return drills.run(db, given, identity, probe, timedelta(seconds=config.lease_seconds))


@router.get("/deployments/drills", summary="Rollback drills, newest first", responses=problems(404))
def list_drills(
    session: ReadSession,
    _: CanRead,
    model: Annotated[str, Query(max_length=100)],
    environment: Annotated[str | None, Query(max_length=100)] = None,
) -> list[DrillOut]:
    return drills.list_drills(session, model, environment)


@router.get("/deployments/{deployment_id}", summary="One deployment", responses=problems(404))
def show(deployment_id: RowId, session: ReadSession, _: CanRead) -> DeploymentOut:
    return service.show(session, deployment_id)


@router.post("/deployments/{deployment_id}/stop", summary="Take a version out", responses=problems(404, 409))
def stop(deployment_id: RowId, given: StopIn, session: WriteSession, identity: CanDeploy) -> DeploymentOut:
    service.stop(session, deployment_id, given.reason, identity)
    return service.show(session, deployment_id)


@router.post(
    "/deployments/{deployment_id}/review",
    summary="Review a deployment past the gate",
    responses=problems(403, 404, 409),
)
def review(deployment_id: RowId, given: ReviewIn, session: WriteSession, identity: CanAttest) -> DeploymentOut:
    """By another person than the one who broke the glass, once."""
    reviews.review(session, deployment_id, given, identity)
    return service.show(session, deployment_id)


@router.post(
    "/gate/evaluations/{decision_id}/consume",
    summary="Use a decision outside of Assay's deployments",
    responses=problems(404, 409),
)
def consume(decision_id: RowId, session: WriteSession, identity: CanDeploy) -> ConsumedOut:
    """For those who deploy by other tools: asked right before it. A decision is consumed once, by this or by a
    deployment, and under the same rules: it must pass, be derived anew to the same answer, be as it was signed, not
    be expired, be made under the policy in force, and not be followed by a newer one that says no.
    """
    row = decisions.consume(session, decision_id, identity)
    return ConsumedOut.model_validate(row, from_attributes=True)
