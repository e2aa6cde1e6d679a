"""All SQL of the gate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.audits.ledger import ENDED
from app.gate.runs import Measurement
from app.gate.terms import Status
from app.tables import Approval, Audit, Decision, Finding, Model, Policy, Version, Waiver

UNDER_WAY = ("queued", "running")

# What every decision asks is written once: SQLAlchemy takes longer to put a statement together than to run it.
_OF_NO_MODEL = col(Policy.name).notlike("models/%")
_OF_NAME = select(Policy).where(Policy.name == bindparam("name"))
_NEWEST_POLICY = _OF_NAME.order_by(col(Policy.version).desc()).limit(1)
_NEWEST_IDS = select(func.max(Policy.id)).group_by(Policy.name)
_NEWEST_OF = select(Policy).where(
    col(Policy.id).in_(_NEWEST_IDS.where(col(Policy.name).in_(bindparam("names", expanding=True))))
)
_IS_ESTIMATE = select(Finding.id).where(
    col(Finding.id).in_(bindparam("ids", expanding=True)),
    col(Finding.measured)["estimated"].as_boolean().is_(True),
)
_WAIVERS = (
    select(Waiver)
    .where(
        Waiver.model_id == bindparam("model_id"),
        Waiver.environment == bindparam("environment"),
        or_(col(Waiver.version_id).is_(None), col(Waiver.version_id) == bindparam("version_id")),
        or_(col(Waiver.stage).is_(None), col(Waiver.stage) == bindparam("stage")),
        col(Waiver.approved_at) <= bindparam("at"),
        col(Waiver.expires_at) > bindparam("at"),
        or_(col(Waiver.revoked_at).is_(None), col(Waiver.revoked_at) > bindparam("at")),
    )
    .order_by(col(Waiver.id))
)
_APPROVALS = (
    select(Approval)
    .where(
        Approval.version_id == bindparam("version_id"),
        Approval.digest == bindparam("digest"),
        Approval.environment == bindparam("environment"),
        or_(col(Approval.stage).is_(None), col(Approval.stage) == bindparam("stage")),
        col(Approval.created_at) <= bindparam("at"),
        or_(col(Approval.revoked_at).is_(None), col(Approval.revoked_at) > bindparam("at")),
    )
    .order_by(col(Approval.id))
)


def newest_policy(session: Session, name: str) -> Policy | None:
    return session.exec(_NEWEST_POLICY, params={"name": name}).first()


def policy_version(session: Session, name: str, version: int) -> Policy | None:
    return session.exec(select(Policy).where(Policy.name == name, Policy.version == version)).first()


def newest_of(session: Session, names: Collection[str]) -> dict[str, Policy]:
    """The newest version of each of these policies that there is."""
    return {row.name: row for row in session.exec(_NEWEST_OF, params={"names": list(names)})}


def newest_policies(session: Session) -> Sequence[Policy]:
    """The newest version of each environment's and of the organisation's policy, by name."""
    newest = _NEWEST_IDS.where(_OF_NO_MODEL)
    return session.exec(select(Policy).where(col(Policy.id).in_(newest)).order_by(Policy.name)).all()


def policy_names(session: Session) -> Sequence[str]:
    """Without those of single models."""
    return session.exec(select(Policy.name).distinct().where(_OF_NO_MODEL).order_by(Policy.name)).all()


def policy_versions(name: str) -> SelectOfScalar[Policy]:
    return select(Policy).where(Policy.name == name)


def measurements(session: Session, measured: Collection[int], estimates: Collection[int]) -> dict[int, Measurement]:
    """What the findings ``measured`` measured, and which of ``estimates`` are estimates; by finding id.

    Measured values can be large, so they are read only where the policy's thresholds judge them anew.
    """
    found: dict[int, Measurement] = {}
    if estimates:
        ids = session.exec(_IS_ESTIMATE, params={"ids": list(estimates)})
        found = {finding: Measurement(estimated=True) for finding in ids}
    if measured:
        values = select(Finding.id, Finding.measured, Finding.thresholds).where(col(Finding.id).in_(measured))
        for finding, value, thresholds in session.exec(values):
            estimated = finding in found
            found[finding] = Measurement(values=value, thresholds=thresholds, estimated=estimated)
    return found


def audit_under_way(
    session: Session, version: Version, environment: str, *, checks: Collection[str], automatic: bool
) -> Audit | None:
    """An audit of this version that will run all of ``checks`` and that nobody is about to cancel."""
    query = select(Audit).where(
        Audit.version_id == version.id,
        Audit.environment == environment,
        col(Audit.automatic).is_(automatic),
        col(Audit.status).in_(UNDER_WAY),
        col(Audit.cancel_requested).is_(False),
    )
    return next((audit for audit in session.exec(query) if set(checks) <= set(audit.checks)), None)


def pending(session: Session) -> Sequence[tuple[Decision, Audit, Model, Version]]:
    """The decisions whose audit has ended, oldest first."""
    query = (
        select(Decision, Audit, Model, Version)
        .join(Audit, col(Decision.audit_id) == Audit.id)
        .join(Model, col(Decision.model_id) == Model.id)
        .join(Version, col(Decision.version_id) == Version.id)
        .where(Decision.status == Status.IN_PROGRESS.value, col(Audit.status).in_(ENDED))
        .order_by(col(Decision.id))
    )
    return session.exec(query).all()


def settle(
    session: Session,
    decision_id: int,
    body: dict[str, Any],
    inputs: dict[str, Any],
    envelope: dict[str, Any],
    at: datetime,
) -> bool:
    """Decide what is in progress. False when somebody else did; their answer stands."""
    statement = (
        update(Decision)
        .where(col(Decision.id) == decision_id, col(Decision.status) == Status.IN_PROGRESS.value)
        .values(status=body["status"], body=body, inputs=inputs, envelope=envelope, decided_at=at)
        .execution_options(synchronize_session=False)
    )
    return bool(session.connection().execute(statement).rowcount == 1)


def decisions(
    model_id: int | None = None, version_id: int | None = None, environment: str | None = None
) -> SelectOfScalar[Decision]:
    """The decisions on a model, on one version, for an environment; None: any."""
    query = select(Decision)
    for column, value in (
        (Decision.model_id, model_id),
        (Decision.version_id, version_id),
        (Decision.environment, environment),
    ):
        if value is not None:
            query = query.where(col(column) == value)
    return query


def decided(model_id: int | None, environment: str | None, since: datetime | None) -> SelectOfScalar[Decision]:
    """The decisions that were made at ``since`` or later, newest first; None: any."""
    query = decisions(model_id, environment=environment).where(Decision.status != Status.IN_PROGRESS.value)
    if since is not None:
        query = query.where(col(Decision.decided_at) >= since)
    return query.order_by(col(Decision.id).desc())


def bound_by(
    query: SelectOfScalar[Decision], environments: Collection[str], models: Collection[str]
) -> SelectOfScalar[Decision]:
    """Those of ``query`` that are for one of the environments or on one of the models."""
    ids = select(Model.id).where(col(Model.name).in_(models))
    return query.where(or_(col(Decision.environment).in_(environments), col(Decision.model_id).in_(ids)))


def waivers(session: Session, version: Version, environment: str, stage: str, at: datetime) -> Sequence[Waiver]:
    """Those that bear on this question and were approved, not revoked and not expired at that time."""
    asked = {"model_id": version.model_id, "version_id": version.id, "environment": environment}
    return session.exec(_WAIVERS, params=asked | {"stage": stage, "at": at}).all()


def approvals(session: Session, version: Version, environment: str, stage: str, at: datetime) -> Sequence[Approval]:
    """Those of this very version that bear on this question and held at that time."""
    asked = {"version_id": version.id, "digest": approved_digest(version), "environment": environment}
    return session.exec(_APPROVALS, params=asked | {"stage": stage, "at": at}).all()


def approved_digest(version: Version) -> str:
    """What an approval is bound to: the artifact, or the content of a version without one."""
    return version.artifact_digest or version.content_digest


def revoked_approval(session: Session, ids: Collection[int]) -> Approval | None:
    """One of these that was taken back."""
    query = select(Approval).where(col(Approval.id).in_(ids), col(Approval.revoked_at).is_not(None))
    return session.exec(query.order_by(col(Approval.id)).limit(1)).first()


def revoked_waiver(session: Session, ids: Collection[int]) -> Waiver | None:
    """One of these that was taken back."""
    query = select(Waiver).where(col(Waiver.id).in_(ids), col(Waiver.revoked_at).is_not(None))
    return session.exec(query.order_by(col(Waiver.id)).limit(1)).first()
