"""Tells somebody of slots that were missed: several of one schedule in one alert, a lasting cause once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.alerts.events import Severity, is_production
from app.alerts.outbox import raise_alert
from app.tables import Model, Schedule, ScheduleSlot

MOST_NAMED = 10


def tell_of_missed(
    session: Session,
    schedule: Schedule,
    missed: Mapping[datetime, str],
    late: Sequence[datetime],
    before: ScheduleSlot | None,
    *,
    more: bool,
) -> None:
    """Raise an alert for slots that were ``missed`` (with the reason) or queued ``late``.

    Nothing is said where the slot before (``before``) was missed for the very reason of all of these.
    """
    if before and not late and set(missed.values()) == {before.reason}:
        return
    where = schedule.environment or None
    model = session.get_one(Model, schedule.model_id)
    body: dict[str, Any] = {
        "lines": _lines(missed, late, more),
        "path": f"/models/{model.name}",
        "schedule_id": schedule.id,
        "cron": schedule.cron,
        "missed": [slot.isoformat() for slot in missed],
        "caught_up": [slot.isoformat() for slot in late],
        "earlier_ones_too": more,
    }
    raise_alert(
        session,
        event="schedule.missed",
        severity=_severity(missed, where),
        title=_title(model.name, where, missed, late, more=more),
        body=body,
        model_id=model.id,
        environment=where,
    )


def _severity(missed: Mapping[datetime, str], environment: str | None) -> Severity:
    if not missed:
        return "info"
    return "critical" if is_production(environment) else "warning"


def _title(
    model: str, environment: str | None, missed: Mapping[datetime, str], late: Sequence[datetime], *, more: bool
) -> str:
    name = f"{model} in {environment}" if environment else model
    told = []
    if missed:
        told.append(f"{_counted(len(missed), more=more)} missed")
    if late:
        told.append(f"{_counted(len(late), more=more and not missed)} queued late")
    return f"{name}: {', '.join(told)}"


def _counted(number: int, *, more: bool) -> str:
    return f"{'more than ' if more else ''}{number} scheduled audit{'' if number == 1 and not more else 's'}"


def _lines(missed: Mapping[datetime, str], late: Sequence[datetime], more: bool) -> list[str]:
    lines = [f"{slot:%Y-%m-%d %H:%M} UTC was missed: {why}." for slot, why in missed.items()]
    lines += [f"{slot:%Y-%m-%d %H:%M} UTC was queued late." for slot in late]
    left_out = len(lines) - MOST_NAMED
    lines = lines[-MOST_NAMED:]
    if left_out > 0 or more:
        lines.insert(0, "Earlier ones are not named here.")
    return lines
