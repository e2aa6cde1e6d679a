"""Schedules: set, changed, paused, run at once; and what became of their slots."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.audits.schemas import AuditOut
from app.deps import CanAudit, CanRead, Config, IdempotencyKeyHeader, ReadSession, RowId, WriteSession
from app.paging import Cursor, Page
from app.schedules import service
from app.schedules.schemas import ScheduleChange, ScheduleIn, ScheduleOut, SlotOut

router = APIRouter(prefix="/schedules", tags=["schedules"])


@router.get("", summary="When models are audited without anybody asking")
def schedules(
    session: ReadSession,
    settings: Config,
    page: Cursor,
    _: CanRead,
    model: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[ScheduleOut]:
    return service.list_schedules(session, model, page, settings)


@router.put("", summary="Set the schedule of a model in an environment")
def put(given: ScheduleIn, session: WriteSession, settings: Config, identity: CanAudit) -> ScheduleOut:
    """A second time changes nothing."""
    return service.put(session, identity, given, settings)


@router.get("/{schedule_id}", summary="One schedule")
def show(schedule_id: RowId, session: ReadSession, settings: Config, _: CanRead) -> ScheduleOut:
    return service.show(session, schedule_id, settings)


@router.patch("/{schedule_id}", summary="Change a part of a schedule")
def change(
    schedule_id: RowId, given: ScheduleChange, session: WriteSession, settings: Config, identity: CanAudit
) -> ScheduleOut:
    return service.change(session, identity, schedule_id, given, settings)


@router.post("/{schedule_id}/pause", summary="Queue nothing until it is resumed")
def pause(schedule_id: RowId, session: WriteSession, settings: Config, identity: CanAudit) -> ScheduleOut:
    return service.change(session, identity, schedule_id, ScheduleChange(enabled=False), settings)


@router.post("/{schedule_id}/resume", summary="Follow it again, from now on")
def resume(schedule_id: RowId, session: WriteSession, settings: Config, identity: CanAudit) -> ScheduleOut:
    """Slots that passed while it was paused were not missed."""
    return service.change(session, identity, schedule_id, ScheduleChange(enabled=True), settings)


@router.post("/{schedule_id}/run", status_code=201, summary="Queue its audit at once, beside its slots")
def run(
    schedule_id: RowId,
    session: WriteSession,
    settings: Config,
    identity: CanAudit,
    key: IdempotencyKeyHeader = None,
) -> AuditOut:
    return service.run_now(session, identity, schedule_id, settings, key)


@router.get("/{schedule_id}/slots", summary="What became of its slots, newest first")
def slots(schedule_id: RowId, session: ReadSession, page: Cursor, _: CanRead) -> Page[SlotOut]:
    return service.slots(session, schedule_id, page)
