"""Rules of schedules: who may be audited when, what is paused, and what is shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from app import cron
from app.access import audit_log, idempotency
from app.access.identity import Identity
from app.audits import service as audits
from app.audits.schemas import AuditOut
from app.catalog.queries import find_model
from app.config import Settings
from app.db import utcnow
from app.errors import Conflict, FieldError, Invalid
from app.paging import Page, PageParams, encode_cursor
from app.schedules import queries, targets
from app.schedules.schemas import ScheduleChange, ScheduleIn, ScheduleOut, SlotOut
from app.schedules.slots import counted_since
from app.tables import Audit, Model, Schedule, ScheduleSlot

MISSED_WITHIN = timedelta(days=30)


def put(session: Session, identity: Identity, given: ScheduleIn, settings: Settings) -> ScheduleOut:
    """Set the schedule of a model in an environment, whether or not there is one. A paused one stays paused.

    Raises:
        NotFound: no such model.
        Invalid: not a cron expression that can be followed.
    """
    model = find_model(session, given.model)
    environment = given.environment or ""
    schedule = queries.schedule_of(session, model, environment)
    if schedule is None:
        schedule = Schedule(model_id=model.id, environment=environment, cron="")
    _set(schedule, given.cron, given.catch_up)
    schedule.made_by = identity.name
    session.add(schedule)
    session.flush()
    _record(session, identity, "schedule.set", schedule, model, cron=schedule.cron, catch_up=schedule.catch_up)
    return show(session, schedule.id, settings)


def change(
    session: Session, identity: Identity, schedule_id: int, given: ScheduleChange, settings: Settings
) -> ScheduleOut:
    """Change what is given. Slots count anew from now on when it is resumed or follows another cron expression."""
    schedule = queries.get_schedule(session, schedule_id)
    before = _told(schedule)
    _set(schedule, given.cron or schedule.cron, given.catch_up or schedule.catch_up)
    if given.cron:
        schedule.made_by = identity.name
    if given.enabled is not None and given.enabled != schedule.enabled:
        schedule.enabled = given.enabled
        schedule.since = utcnow()
    model = session.get_one(Model, schedule.model_id)
    _record(session, identity, "schedule.changed", schedule, model, before=before, after=_told(schedule))
    return show(session, schedule.id, settings)


def _set(schedule: Schedule, expression: str, catch_up: str) -> None:
    try:
        cron.trigger(expression)
    except Invalid as error:
        raise Invalid(error.detail, [FieldError("cron", error.detail)]) from None
    if schedule.cron != expression:
        schedule.cron, schedule.since = expression, utcnow()
    schedule.catch_up = catch_up


def _told(schedule: Schedule) -> dict[str, object]:
    return schedule.model_dump(include={"cron", "catch_up", "enabled"})


def _record(
    session: Session, identity: Identity, action: str, schedule: Schedule, model: Model, **details: object
) -> None:
    where = {"model": model.name, "environment": schedule.environment or None}
    audit_log.record(session, identity.name, action, f"schedule/{schedule.id}", **where, **details)


def run_now(
    session: Session, identity: Identity, schedule_id: int, settings: Settings, key: str | None
) -> AuditOut:
    """Queue the audit that the schedule would queue now. Its slots stay as they are.

    Raises:
        Conflict: there is nothing to audit.
    """
    asked = {"run schedule": schedule_id}
    known = idempotency.once(session, identity, key, asked)
    if known is not None:
        return audits.show(session, known)
    schedule = queries.get_schedule(session, schedule_id)
    target = targets.target_at(session, schedule, utcnow(), settings)
    if target is None:
        where = f"nothing serves in {schedule.environment}" if schedule.environment else "there is no version"
        raise Conflict(f"{where}, so there is nothing to audit")
    audit = targets.enqueue(session, target, identity, "ci" if identity.automatic else "manual")
    _record(session, identity, "schedule.run", schedule, target.model, audit=audit.id)
    idempotency.remember(session, identity, key, asked, audit.id)
    return audits.show(session, audit.id)


# --- what is shown --------------------------------------------------------------------------------


def show(session: Session, schedule_id: int, settings: Settings) -> ScheduleOut:
    """Raises NotFound."""
    schedule = queries.get_schedule(session, schedule_id)
    return _shown(session, [schedule], queries.model_names(session, [schedule]), settings)[0]


def list_schedules(
    session: Session, model: str | None, params: PageParams, settings: Settings
) -> Page[ScheduleOut]:
    schedules, names, cursor = queries.schedules_page(session, model, params)
    return Page(items=_shown(session, schedules, names, settings), next_cursor=cursor)


def schedules_of(session: Session, models: Sequence[Model], settings: Settings) -> list[ScheduleOut]:
    """All schedules of these models."""
    names = {model.id: model.name for model in models}
    return _shown(session, queries.schedules_of(session, list(names)), names, settings)


def troubles(session: Session, models: Sequence[str], settings: Settings) -> dict[str, str]:
    """What is wrong with the schedules of these models, by name; only of those with a trouble."""
    told: dict[str, str] = {}
    for schedule in schedules_of(session, queries.models_named(session, models), settings):
        if trouble := trouble_of(schedule):
            told.setdefault(schedule.model, trouble)
    return told


def trouble_of(schedule: ScheduleOut) -> str:
    """What is wrong with a schedule, in a line; "" when nothing is."""
    where = f" in {schedule.environment}" if schedule.environment else ""
    if schedule.overdue:
        return f"scheduled audit{where} overdue: does a worker run?"
    if schedule.missed:
        return f"{schedule.missed} scheduled audit{'' if schedule.missed == 1 else 's'}{where} missed in 30 days"
    return f"last scheduled audit{where} failed" if schedule.last_outcome == "failed" else ""


def slots(session: Session, schedule_id: int, params: PageParams) -> Page[SlotOut]:
    """What became of the schedule's slots, newest first."""
    queries.get_schedule(session, schedule_id)
    before = None if params.before is None else _moment(params.before)
    rows = queries.slots_page(session, schedule_id, before, params.limit + 1)
    shown = [_slot_out(*row) for row in rows[: params.limit]]
    more = len(rows) > params.limit
    return Page(items=shown, next_cursor=encode_cursor(int(shown[-1].slot.timestamp())) if more else None)


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise Invalid("The cursor is not valid.", [FieldError("query.cursor", "not a cursor of slots")]) from None


def _slot_out(slot: ScheduleSlot, audit: Audit | None) -> SlotOut:
    return SlotOut(
        slot=slot.slot,
        status=slot.status,
        outcome=audit.status if audit else slot.status,
        reason=slot.reason or (audit.error if audit else None),
        audit_id=slot.audit_id,
        handled_at=slot.created_at,
    )


def _shown(
    session: Session, schedules: Sequence[Schedule], names: dict[int, str], settings: Settings
) -> list[ScheduleOut]:
    now, ids = utcnow(), [schedule.id for schedule in schedules]
    last = queries.last_slots(session, ids)
    missed = queries.missed_since(session, ids, now - MISSED_WITHIN)
    retired = queries.retired(session, names)
    shown = []
    for schedule in schedules:
        slot, audit = last.get(schedule.id, (None, None))
        out = ScheduleOut(
            **schedule.model_dump(include={"id", "cron", "catch_up", "made_by"}),
            enabled=schedule.enabled and schedule.model_id not in retired,
            model=names[schedule.model_id],
            environment=schedule.environment or None,
            interval_days=_interval(schedule.cron),
            missed=missed.get(schedule.id, 0),
        )
        ahead = _ahead(schedule, slot, now, settings) if out.enabled else {}
        shown.append(out.model_copy(update=ahead | _last(slot, audit)))
    return shown


def _last(slot: ScheduleSlot | None, audit: Audit | None) -> dict[str, object]:
    if slot is None:
        return {}
    told = _slot_out(slot, audit)
    last = {"last_slot": told.slot, "last_outcome": told.outcome}
    return {**last, "last_reason": told.reason, "last_audit_id": told.audit_id}


def _interval(expression: str) -> float | None:
    """Days from slot to slot; None for an expression that the worker does not follow, and logs why."""
    try:
        return cron.interval_days(expression)
    except Invalid:
        return None


def _ahead(schedule: Schedule, last: ScheduleSlot | None, now: datetime, settings: Settings) -> dict[str, object]:
    """The next slot, and the one that nobody handled in time."""
    if _interval(schedule.cron) is None:
        return {}
    slot = cron.next_slot(schedule.cron, counted_since(schedule, last))
    late = now - slot > timedelta(seconds=settings.schedule_grace_seconds)
    return {"next_slot": cron.next_slot(schedule.cron, now), "overdue": slot if late else None}
