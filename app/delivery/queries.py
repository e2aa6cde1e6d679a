"""All SQL of deployments."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.tables import Decision, Deployment, Model, RollbackDrill, Version


def lock(session: Session, model: Model) -> None:
    """Let nobody else change this model's deployments until this transaction ends (SQLite: writers queue)."""
    session.exec(select(Model.id).where(Model.id == model.id).with_for_update()).one()


def serving(session: Session, model_id: int, environment: str | None = None) -> Sequence[Deployment]:
    """What serves now, newest first; in one environment or in all."""
    query = select(Deployment).where(Deployment.model_id == model_id, col(Deployment.ended_at).is_(None))
    if environment is not None:
        query = query.where(Deployment.environment == environment)
    return session.exec(query.order_by(col(Deployment.id).desc())).all()


def versions_serving(session: Session, version_ids: Collection[int]) -> set[int]:
    """Those of the versions that are deployed anywhere."""
    query = select(Deployment.version_id).where(
        col(Deployment.version_id).in_(version_ids), col(Deployment.ended_at).is_(None)
    )
    return set(session.exec(query))


def stays(session: Session, model_id: int, environment: str) -> Sequence[tuple[Deployment, Version]]:
    """Everything that was ever deployed there, newest first."""
    query = (
        select(Deployment, Version)
        .join(Version, col(Deployment.version_id) == Version.id)
        .where(Deployment.model_id == model_id, Deployment.environment == environment)
    )
    return session.exec(query.order_by(col(Deployment.id).desc())).all()


def last_rollback_from(session: Session, version: Version, environment: str) -> Deployment | None:
    """The newest stay of this version in the environment that was ended by a rollback."""
    query = select(Deployment).where(
        Deployment.version_id == version.id,
        Deployment.environment == environment,
        Deployment.outcome == "rolled_back",
    )
    return session.exec(query.order_by(col(Deployment.ended_at).desc()).limit(1)).first()


def decided(session: Session, version: Version, environment: str, stage: str) -> Sequence[Decision]:
    """The decisions on a version for one stage of an environment that were made, newest first."""
    query = select(Decision).where(
        Decision.version_id == version.id,
        Decision.environment == environment,
        Decision.stage == stage,
        Decision.status != "in_progress",
    )
    return session.exec(query.order_by(col(Decision.decided_at).desc(), col(Decision.id).desc())).all()


def consumer(session: Session, decision_id: int) -> Deployment | None:
    return session.exec(select(Deployment).where(Deployment.decision_id == decision_id)).first()


def deployments(
    model_id: int | None, environment: str | None, *, serving: bool | None
) -> SelectOfScalar[Deployment]:
    """Deployments of a model, in an environment, that serve now or do not; None: any."""
    query = select(Deployment)
    if model_id is not None:
        query = query.where(Deployment.model_id == model_id)
    if environment is not None:
        query = query.where(Deployment.environment == environment)
    if serving is not None:
        ended = col(Deployment.ended_at)
        query = query.where(ended.is_(None) if serving else ended.is_not(None))
    return query


def overdue_reviews(session: Session, now: datetime, *, lock: bool = False) -> Sequence[Deployment]:
    """Deployments past the gate that nobody reviewed in time, and nobody was told of; those that another process
    tells of at this moment are left out.
    """
    query = select(Deployment).where(
        col(Deployment.review_due_at) < now,
        col(Deployment.reviewed_at).is_(None),
        col(Deployment.overdue_told_at).is_(None),
    )
    return session.exec(query.with_for_update(skip_locked=True) if lock else query).all()


def drills_going_on(session: Session, model_id: int, environment: str) -> Sequence[RollbackDrill]:
    query = select(RollbackDrill).where(
        RollbackDrill.model_id == model_id,
        RollbackDrill.environment == environment,
        col(RollbackDrill.ended_at).is_(None),
    )
    return session.exec(query).all()


def cut_off_drills(session: Session, now: datetime) -> Sequence[RollbackDrill]:
    """Those that give no sign of life any more."""
    query = select(RollbackDrill).where(col(RollbackDrill.ended_at).is_(None), col(RollbackDrill.lease_until) < now)
    return session.exec(query.order_by(col(RollbackDrill.id))).all()


def names(session: Session, rows: Sequence[Deployment]) -> dict[int, tuple[str, str]]:
    """(model, version) by version id."""
    query = (
        select(Version.id, Model.name, Version.name)
        .join(Model, col(Version.model_id) == Model.id)
        .where(col(Version.id).in_({row.version_id for row in rows}))
    )
    return {version_id: (model, version) for version_id, model, version in session.exec(query)}


def drills(session: Session, model_id: int, environment: str | None) -> list[RollbackDrill]:
    """Newest first."""
    query = select(RollbackDrill).where(RollbackDrill.model_id == model_id)
    if environment is not None:
        query = query.where(RollbackDrill.environment == environment)
    return list(session.exec(query.order_by(col(RollbackDrill.id).desc())))
