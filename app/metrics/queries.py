"""What the gauges need, a statement each however many models there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from app.tables import Alert, Audit, Deployment, Endpoint, Model, VerdictState, Version


def counted(session: Session, table: type[Any]) -> Iterable[tuple[str, int]]:
    """Rows by status."""
    return session.exec(select(table.status, func.count()).group_by(table.status))


def models(session: Session) -> Sequence[Model]:
    return session.exec(select(Model).order_by(col(Model.name))).all()


def newest_versions(session: Session) -> Mapping[str, tuple[int, str]]:
    """Id and name of each model's newest version, by the model's name."""
    newest = select(func.max(Version.id)).group_by(col(Version.model_id))
    query = select(Model.name, Version.id, Version.name).join(Version, col(Version.model_id) == Model.id)
    return {model: (key, name) for model, key, name in session.exec(query.where(col(Version.id).in_(newest)))}


def serving(session: Session) -> list[tuple[str, str, str, int, str]]:
    """(model, environment, role, version's id, version) of what serves now."""
    fields: tuple[Any, ...] = (Model.name, Deployment.environment, Deployment.role, Version.id, Version.name)
    query = (
        sqlalchemy.select(*fields)
        .join(Deployment, col(Deployment.model_id) == Model.id)
        .join(Version, col(Version.id) == Deployment.version_id)
        .where(col(Deployment.ended_at).is_(None))
        .order_by(col(Deployment.id))
    )
    return [tuple(row) for row in session.execute(query)]


def verdicts(session: Session, version_ids: Iterable[int]) -> list[tuple[str, int, str, str, str]]:
    """(model, version's id or 0, environment, test, what was found last) of the system and of these versions."""
    state = VerdictState
    fields: tuple[Any, ...] = (Model.name, state.version_id, state.environment, state.check_id, state.seen)
    query = (
        sqlalchemy.select(*fields)
        .join(Model, col(Model.id) == state.model_id)
        .where(or_(col(state.version_id) == 0, col(state.version_id).in_(set(version_ids))))
    )
    return [tuple(row) for row in session.execute(query)]


def newest_audits(session: Session) -> list[tuple[str, str | None, datetime]]:
    """(model, environment, when the newest audit that came to its end did)."""
    query = (
        select(Model.name, Audit.environment, func.max(Audit.finished_at))
        .join(Audit, col(Audit.model_id) == Model.id)
        .where(Audit.status == "succeeded")
        .group_by(col(Model.name), col(Audit.environment))
    )
    return [(model, environment, at) for model, environment, at in session.exec(query) if at]


def oldest_queued(session: Session) -> datetime | None:
    return session.exec(select(func.min(Audit.created_at)).where(Audit.status == "queued")).one()


def open_alerts(session: Session) -> list[tuple[str, str, int]]:
    """(model or "", severity, how many nobody has acknowledged)."""
    query = (
        select(Model.name, Alert.severity, func.count())
        .join(Model, col(Model.id) == Alert.model_id, isouter=True)
        .where(col(Alert.acknowledged_at).is_(None))
        .group_by(col(Model.name), col(Alert.severity))
    )
    return [(model or "", severity, count) for model, severity, count in session.exec(query)]


def endpoints(session: Session) -> Sequence[tuple[str, Endpoint]]:
    query = select(Model.name, Endpoint).join(Endpoint, col(Endpoint.model_id) == Model.id)
    return session.exec(query.where(col(Endpoint.removed_at).is_(None)).order_by(col(Endpoint.id))).all()
