"""All SQL of training."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from app.paging import PageParams, paginate
from app.tables import (
    Alert,
    Audit,
    Decision,
    LedgerEvent,
    Model,
    Pipeline,
    Trainer,
    TrainingRequest,
    VerdictState,
    Version,
)

UNDER_WAY = ("sent", "running", "answered")
CLOCKS = timedelta(minutes=5)
"""By which the clock of a process may differ from the database's."""


def trainers(session: Session) -> Sequence[Trainer]:
    return session.exec(select(Trainer).order_by(col(Trainer.pipeline_id))).all()


def models_of(session: Session, trainer: Trainer) -> Sequence[Model]:
    """Those that it names, else those whose versions its pipeline makes or is declared to."""
    pipeline = session.get_one(Pipeline, trainer.pipeline_id)
    if trainer.models:
        which: ColumnElement[bool] = col(Model.name).in_(trainer.models)
    else:
        made = select(Version.model_id).where(Version.pipeline_id == pipeline.id)
        declared = (pipeline.declaration or {}).get("models", ())
        which = or_(col(Model.id).in_(made), col(Model.name).in_(declared))
    return session.exec(select(Model).where(which).order_by(col(Model.id))).all()


def newest_alert_id(session: Session) -> int:
    return session.exec(select(func.max(Alert.id))).one() or 0


def alerts_after(
    session: Session, alert_id: int, models: Collection[int], events: Collection[str]
) -> Sequence[Alert]:
    query = select(Alert).where(
        col(Alert.id) > alert_id,
        col(Alert.model_id).in_(models),
        col(Alert.event).in_(events),
        col(Alert.environment).is_not(None),
    )
    return session.exec(query.order_by(col(Alert.id))).all()


# --- requests -----------------------------------------------------------------------------------


def request_about(
    session: Session, pipeline_id: int, model_id: int, environment: str, subject: str
) -> TrainingRequest | None:
    query = select(TrainingRequest).where(
        *_of(pipeline_id, model_id),
        TrainingRequest.environment == environment,
        TrainingRequest.subject == subject,
    )
    return session.exec(query).first()


def waiting(session: Session, pipeline_id: int, model_id: int, environment: str) -> TrainingRequest | None:
    """The request that waits to be sent, and that no attempt was made at yet."""
    query = select(TrainingRequest).where(
        *_of(pipeline_id, model_id),
        TrainingRequest.environment == environment,
        TrainingRequest.status == "pending",
        TrainingRequest.attempts == 0,
    )
    return session.exec(query.order_by(col(TrainingRequest.id))).first()


def unsent(session: Session, pipeline_id: int) -> Sequence[TrainingRequest]:
    query = select(TrainingRequest).where(
        TrainingRequest.pipeline_id == pipeline_id, TrainingRequest.status == "pending"
    )
    return session.exec(query.with_for_update()).all()


def last_sent(session: Session, pipeline_id: int, model_id: int) -> datetime | None:
    query = select(func.max(TrainingRequest.sent_at)).where(*_of(pipeline_id, model_id))
    return session.exec(query).one()


def others_open(session: Session, request: TrainingRequest) -> int:
    """How many other requests of the model are under way, those included that may have arrived."""
    tried = and_(col(TrainingRequest.status) == "pending", col(TrainingRequest.attempts) > 0)
    query = select(func.count()).where(
        *_of(request.pipeline_id, request.model_id),
        col(TrainingRequest.id) != request.id,
        or_(col(TrainingRequest.status).in_(UNDER_WAY), tried),
    )
    return session.exec(query).one()


def _of(pipeline_id: int, model_id: int) -> tuple[ColumnElement[bool], ...]:
    return col(TrainingRequest.pipeline_id) == pipeline_id, col(TrainingRequest.model_id) == model_id


def due(session: Session, now: datetime) -> Sequence[TrainingRequest]:
    """Those to be sent; those that failed less often first."""
    query = select(TrainingRequest).where(TrainingRequest.status == "pending", col(TrainingRequest.due_at) <= now)
    order = (col(TrainingRequest.attempts), col(TrainingRequest.due_at), col(TrainingRequest.id))
    return session.exec(query.order_by(*order)).all()


def followed(session: Session) -> Sequence[TrainingRequest]:
    """Those that a run or a version may answer; the receiver may be faster than its own receipt."""
    tried = and_(col(TrainingRequest.status) == "pending", col(TrainingRequest.attempts) > 0)
    query = select(TrainingRequest).where(or_(col(TrainingRequest.status).in_(UNDER_WAY), tried))
    return session.exec(query.order_by(col(TrainingRequest.id))).all()


def passing(session: Session, request: TrainingRequest, tests: Collection[str]) -> int:
    """How many of these tests of the system were told to pass, and nothing else since."""
    query = select(func.count()).where(
        VerdictState.model_id == request.model_id,
        VerdictState.version_id == 0,
        VerdictState.environment == request.environment,
        col(VerdictState.check_id).in_(tests),
        VerdictState.told == "pass",
    )
    return session.exec(query).one()


def run_events(session: Session, pipeline: str, request: TrainingRequest) -> Sequence[LedgerEvent]:
    """All that was told, since the request, of runs that answer it: they name it, or its receiver told their id."""
    own = (
        LedgerEvent.kind == "pipeline_run",
        LedgerEvent.pipeline == pipeline,
        col(LedgerEvent.received_at) >= request.created_at,
    )
    body = col(LedgerEvent.body)
    names = set(
        session.exec(select(body["run"].as_string()).where(*own, body["request"].as_string() == request.key))
    )
    query = select(LedgerEvent).where(*own, body["run"].as_string().in_(names | {request.run or request.key}))
    return session.exec(query.order_by(col(LedgerEvent.id))).all()


def versions_since(session: Session, request: TrainingRequest) -> Sequence[Version]:
    """Versions of the model that its pipeline made after it was asked to, oldest first."""
    query = select(Version).where(
        Version.model_id == request.model_id,
        Version.pipeline_id == request.pipeline_id,
        col(Version.created_at) >= request.created_at - CLOCKS,
    )
    return session.exec(query.order_by(col(Version.id))).all()


def audit(session: Session, audit_id: int) -> Audit:
    return session.get_one(Audit, audit_id)


# --- showing ------------------------------------------------------------------------------------


def page(session: Session, filters: dict[str, Any], params: PageParams) -> tuple[list[TrainingRequest], str | None]:
    """``filters`` by column."""
    query = select(TrainingRequest)
    for column, value in filters.items():
        query = query.where(getattr(TrainingRequest, column) == value)
    return paginate(session, query, col(TrainingRequest.id), params)


def request_with_key(session: Session, key: str) -> TrainingRequest | None:
    return session.exec(select(TrainingRequest).where(TrainingRequest.key == key)).first()


def newest_of(session: Session, model_id: int, most: int) -> Sequence[TrainingRequest]:
    query = select(TrainingRequest).where(TrainingRequest.model_id == model_id)
    return session.exec(query.order_by(col(TrainingRequest.id).desc()).limit(most)).all()


def names(session: Session, table: Any, ids: Iterable[int | None]) -> dict[int | None, str]:
    """Of models, versions or pipelines, by id."""
    wanted = {one for one in ids if one is not None}
    return {row.id: row.name for row in session.exec(select(table).where(col(table.id).in_(wanted)))}


def keys(session: Session, ids: Iterable[int | None]) -> dict[int | None, str]:
    wanted = {one for one in ids if one is not None}
    rows = session.exec(select(TrainingRequest).where(col(TrainingRequest.id).in_(wanted)))
    return {row.id: row.key for row in rows}


def decision_statuses(session: Session, ids: Iterable[int | None]) -> dict[int | None, str]:
    wanted = {one for one in ids if one is not None}
    rows = session.exec(select(Decision.id, Decision.status).where(col(Decision.id).in_(wanted)))
    return {row[0]: row[1] for row in rows}
