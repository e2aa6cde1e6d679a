"""Who may serve where: entering by a decision, changing roles, going back. Services never commit.

The rules and their reasons: docs/decisions/0015-a-deployment-consumes-a-decision.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.catalog.queries import find_model, find_version
from app.db import utcnow
from app.delivery import decisions, queries
from app.delivery.decisions import Entry
from app.delivery.places import Place, end, take, tell_of_stop
from app.delivery.schemas import DeploymentIn, DeploymentOut, RollbackIn
from app.errors import Conflict, Forbidden, NotFound
from app.gate import policies
from app.gate.written import PROMOTE
from app.paging import Page, PageParams, paginate
from app.register.queries import retired_at
from app.tables import Deployment, Model, Version

REVIEW_WITHIN = timedelta(days=3)
"""After a break-glass deployment."""


def deploy(session: Session, request: DeploymentIn, identity: Identity) -> Deployment:
    """Let a version serve in a traffic role.

    Raises:
        NotFound: no such model, version or decision.
        Invalid: nobody wrote a policy for that environment.
        Conflict: the model is retired, the version is there already, or no decision lets it in; with the stage and
            the command that gets one.
        Forbidden: break-glass without the scope "admin".
    """
    model, version = find_version(session, request.model, request.version)
    policy = policies.in_force(session, request.environment, model.name)
    queries.lock(session, model)
    if retired_at(session, model.id) is not None:
        raise Conflict(f"{model.name} is retired: take it into use again first (assay model unretire)")
    now, stage = utcnow(), decisions.stage_for(policy, model, request.role)
    own = _own_place(session, version, request.environment)
    _require_change(own, version, request)
    entry = Entry(model, version, request.environment, stage, request.role, policy)
    kind, decision_id = _right(session, entry, own, request, identity, now)
    place = Place(
        model,
        version,
        request.environment,
        request.role,
        own.stage if own and kind == "role" else stage,
        kind,
        identity.name,
        request.reason,
        decision_id,
        review_due_at=now + REVIEW_WITHIN if kind == "break_glass" else None,
    )
    return take(session, place, now)


def _own_place(session: Session, version: Version, environment: str) -> Deployment | None:
    """The version's present stay in the environment."""
    rows = queries.serving(session, version.model_id, environment)
    return next((row for row in rows if row.version_id == version.id), None)


def _require_change(own: Deployment | None, version: Version, request: DeploymentIn) -> None:
    if own is None:
        return
    if own.role == request.role:
        raise Conflict(f"{version.name} is {own.role} in {own.environment} already (deployment {own.id}).")
    if own.role == "stable":
        raise Conflict(
            f"{version.name} takes the stable traffic of {own.environment}: deploy another version as stable or "
            f"roll back; then it is free for another role."
        )


def _right(
    session: Session,
    entry: Entry,
    own: Deployment | None,
    request: DeploymentIn,
    identity: Identity,
    now: datetime,
) -> tuple[str, int | None]:
    """By which right the version goes there: the deployment's kind, and the decision that it consumes."""
    if request.break_glass:
        if not identity.may("admin"):
            raise Forbidden(f'Break-glass needs the scope "admin", which {identity.name} does not have.')
        return "break_glass", None
    if own is not None and own.stage in {entry.stage, PROMOTE}:
        return "role", None
    return "decision", decisions.usable(session, entry, request.decision_id, now).id


# --- going back ---------------------------------------------------------------------------------


def roll_back(session: Session, request: RollbackIn, identity: Identity) -> Deployment:
    """Put the last known good version back. Asks no decision, so stale evidence never stands in the way.

    Raises:
        NotFound: no such model.
        Conflict: nothing is stable there, or there is nothing to go back to.
    """
    model = find_model(session, request.model)
    queries.lock(session, model)
    stable = stable_of(session, model, request.environment)
    back = last_known_good(session, model, stable)
    return take(session, going_back(model, back, identity, request.reason), utcnow())


def going_back(
    model: Model, back: tuple[Deployment, Version], identity: Identity, reason: str, *, drill: bool = False
) -> Place:
    """The stay ``back`` as a place to take again."""
    stay, version = back
    kind, displaced = ("drill", "drill") if drill else ("rollback", "rolled_back")
    return Place(
        model,
        version,
        stay.environment,
        "stable",
        stay.stage,
        kind,
        identity.name,
        reason,
        displaced=displaced,
    )


def stable_of(session: Session, model: Model, environment: str) -> Deployment:
    """Who takes the stable traffic. Conflict when nobody does."""
    for row in queries.serving(session, model.id, environment):
        if row.role == "stable":
            return row
    raise Conflict(f"{model.name} has no stable version in {environment}, so there is nothing to roll back from.")


def last_known_good(session: Session, model: Model, stable: Deployment) -> tuple[Deployment, Version]:
    """The newest earlier stable version that was not itself rolled back from since. Conflict when there is none."""
    seen = {stable.version_id}
    for row, version in queries.stays(session, model.id, stable.environment):
        if row.role != "stable" or version.id in seen:
            continue
        seen.add(version.id)
        if row.outcome != "rolled_back":
            return row, version
    raise Conflict(
        f"There is no earlier stable version of {model.name} in {stable.environment} that is known to be good."
    )


def stop(session: Session, deployment_id: int, reason: str, identity: Identity) -> Deployment:
    """Take a version out of its environment.

    Raises:
        NotFound: there is no such deployment.
        Conflict: it has ended, or it is stable while a canary runs, which would get its traffic unpromoted.
    """
    row = session.get(Deployment, deployment_id)
    if row is None:
        raise NotFound(f"there is no deployment {deployment_id}")
    model = session.get_one(Model, row.model_id)
    queries.lock(session, model)
    session.refresh(row)
    if row.ended_at is not None:
        raise Conflict(f"deployment {row.id} has ended already ({row.outcome})")
    others = queries.serving(session, row.model_id, row.environment)
    canary = next((other for other in others if other.role == "canary"), None)
    if row.role == "stable" and canary is not None:
        raise Conflict(
            f"a canary runs in {row.environment} (deployment {canary.id}) and would get all its traffic: stop that "
            f"first, or promote it"
        )
    end(session, row, "stopped", utcnow())
    details = {"environment": row.environment, "role": row.role, "reason": reason}
    audit_log.record(session, identity.name, "deployment.stop", f"deployment/{row.id}", **details)
    tell_of_stop(session, model, row, reason, identity.name)
    return row


# --- reading ------------------------------------------------------------------------------------


def list_deployments(
    session: Session, model: str | None, environment: str | None, serving: bool | None, params: PageParams
) -> Page[DeploymentOut]:
    model_id = None if model is None else find_model(session, model).id
    query = queries.deployments(model_id, environment, serving=serving)
    rows, cursor = paginate(session, query, Deployment.id, params)
    return Page(items=shown(session, rows), next_cursor=cursor)


def show(session: Session, deployment_id: int) -> DeploymentOut:
    row = session.get(Deployment, deployment_id)
    if row is None:
        raise NotFound(f"there is no deployment {deployment_id}")
    return shown(session, [row])[0]


def shown(session: Session, rows: Sequence[Deployment]) -> list[DeploymentOut]:
    names = queries.names(session, rows)
    return [
        DeploymentOut.model_validate(
            {**row.model_dump(), "model": names[row.version_id][0], "version": names[row.version_id][1]}
        )
        for row in rows
    ]
