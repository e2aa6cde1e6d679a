"""All SQL of schedules and their slots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.errors import NotFound
from app.paging import PageParams, paginate
from app.tables import Audit, Deployment, Model, Retirement, Schedule, ScheduleSlot, Version

ROLES = ("stable", "canary", "shadow")
"""Whose answers count most, first."""
AUDITED = ("queued", "caught_up")


def get_schedule(session: Session, schedule_id: int) -> Schedule:
    """Raises NotFound."""
    if schedule := session.get(Schedule, schedule_id):
        return schedule
    raise NotFound(f"there is no schedule {schedule_id}")


def schedule_of(session: Session, model: Model, environment: str) -> Schedule | None:
    query = select(Schedule).where(Schedule.model_id == model.id, Schedule.environment == environment)
    return session.exec(query).first()


def locked(session: Session, schedule_id: int) -> Schedule | None:
    """The schedule, held against other writers to the end of the transaction."""
    return session.exec(select(Schedule).where(Schedule.id == schedule_id).with_for_update()).first()


def schedules_page(
    session: Session, model: str | None, params: PageParams
) -> tuple[list[Schedule], dict[int, str], str | None]:
    """One page, newest first; the models' names by id; the next cursor."""
    query = select(Schedule)
    if model is not None:
        query = query.join(Model, col(Schedule.model_id) == Model.id).where(Model.name == model)
    schedules, cursor = paginate(session, query, col(Schedule.id), params)
    return schedules, model_names(session, schedules), cursor


def model_names(session: Session, schedules: Sequence[Schedule]) -> dict[int, str]:
    ids = {schedule.model_id for schedule in schedules}
    return dict(session.exec(select(Model.id, Model.name).where(col(Model.id).in_(ids))).all())


def schedules_of(session: Session, model_ids: Sequence[int]) -> Sequence[Schedule]:
    query = select(Schedule).where(col(Schedule.model_id).in_(model_ids))
    return session.exec(query.order_by(col(Schedule.environment))).all()


def models_named(session: Session, names: Sequence[str]) -> Sequence[Model]:
    return session.exec(select(Model).where(col(Model.name).in_(names))).all()


def enabled_schedules(session: Session) -> Sequence[Schedule]:
    """Those of models in use."""
    query = select(Schedule).where(col(Schedule.enabled).is_(True), col(Schedule.model_id).not_in(_retired()))
    return session.exec(query.order_by(col(Schedule.id))).all()


def retired(session: Session, model_ids: Iterable[int]) -> set[int]:
    """Those of the models that are not used any more."""
    return set(session.exec(_retired().where(col(Retirement.model_id).in_(set(model_ids)))))


def _retired() -> SelectOfScalar[int]:
    return select(Retirement.model_id).where(col(Retirement.undone_at).is_(None))


# --- slots ----------------------------------------------------------------------------------------


def last_slots(session: Session, schedule_ids: Sequence[int]) -> dict[int, tuple[ScheduleSlot, Audit | None]]:
    """The newest slot of each schedule with its audit, by schedule id."""
    newest = (
        select(ScheduleSlot.schedule_id, func.max(ScheduleSlot.slot).label("slot"))
        .where(col(ScheduleSlot.schedule_id).in_(schedule_ids))
        .group_by(col(ScheduleSlot.schedule_id))
        .subquery()
    )
    same = (col(ScheduleSlot.schedule_id) == newest.c.schedule_id) & (col(ScheduleSlot.slot) == newest.c.slot)
    query = (
        select(ScheduleSlot, Audit)
        .join(newest, same)
        .join(Audit, col(ScheduleSlot.audit_id) == Audit.id, isouter=True)
    )
    return {slot.schedule_id: (slot, audit) for slot, audit in session.exec(query)}


def missed_since(session: Session, schedule_ids: Sequence[int], since: datetime) -> dict[int, int]:
    """How many slots each schedule has missed since then, by schedule id."""
    query = (
        select(ScheduleSlot.schedule_id, func.count())
        .where(
            col(ScheduleSlot.schedule_id).in_(schedule_ids),
            ScheduleSlot.status == "missed",
            ScheduleSlot.slot >= since,
        )
        .group_by(col(ScheduleSlot.schedule_id))
    )
    return dict(session.exec(query).all())


def newest_slot(session: Session, schedule_id: int) -> ScheduleSlot | None:
    query = select(ScheduleSlot).where(ScheduleSlot.schedule_id == schedule_id)
    return session.exec(query.order_by(col(ScheduleSlot.slot).desc()).limit(1)).first()


def newest_audited_slot(session: Session, schedule_id: int, before: datetime) -> datetime | None:
    query = select(func.max(ScheduleSlot.slot)).where(
        ScheduleSlot.schedule_id == schedule_id, col(ScheduleSlot.status).in_(AUDITED), ScheduleSlot.slot < before
    )
    return session.exec(query).one()


def slots_page(
    session: Session, schedule_id: int, before: datetime | None, limit: int
) -> Sequence[tuple[ScheduleSlot, Audit | None]]:
    """Slots with their audits, newest first."""
    query = (
        select(ScheduleSlot, Audit)
        .join(Audit, col(ScheduleSlot.audit_id) == Audit.id, isouter=True)
        .where(ScheduleSlot.schedule_id == schedule_id)
    )
    if before is not None:
        query = query.where(ScheduleSlot.slot < before)
    return session.exec(query.order_by(col(ScheduleSlot.slot).desc()).limit(limit)).all()


def tie_to_audit(session: Session, schedule_id: int, slot: datetime, audit_id: int) -> None:
    row = (col(ScheduleSlot.schedule_id) == schedule_id) & (col(ScheduleSlot.slot) == slot)
    session.execute(update(ScheduleSlot).where(row).values(audit_id=audit_id))


# --- what serves ----------------------------------------------------------------------------------


def serving(session: Session, model_id: int, environment: str) -> Version | None:
    """The version that serves in ``environment``: as stable, else as canary, else in the shadow."""
    query = (
        select(Deployment.role, Deployment.started_at, Version)
        .join(Version, col(Deployment.version_id) == Version.id)
        .where(
            Deployment.model_id == model_id,
            Deployment.environment == environment,
            col(Deployment.ended_at).is_(None),
            col(Deployment.role).in_(ROLES),
        )
    )
    rows = sorted(session.exec(query), key=lambda row: (-ROLES.index(row[0]), row[1]))
    return rows[-1][2] if rows else None


def made_by(session: Session, maker: str) -> Sequence[tuple[Schedule, Model]]:
    """The schedules that ``maker`` made last, with their models."""
    query = select(Schedule, Model).join(Model, col(Model.id) == Schedule.model_id).where(Schedule.made_by == maker)
    return session.exec(query.order_by(col(Schedule.id))).all()


def served_without_schedule(session: Session) -> Sequence[tuple[Model, str]]:
    """Models and the environments in which they serve and have no schedule."""
    known = (
        select(Schedule.id)
        .where(
            col(Schedule.model_id) == col(Deployment.model_id),
            col(Schedule.environment) == col(Deployment.environment),
        )
        .exists()
    )
    pairs = (
        select(Deployment.model_id, Deployment.environment)
        .where(col(Deployment.ended_at).is_(None), ~known)
        .distinct()
        .subquery()
    )
    return session.exec(select(Model, pairs.c.environment).join(pairs, col(Model.id) == pairs.c.model_id)).all()
