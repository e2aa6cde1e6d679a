"""What a schedule's audit looks at: which version, which tests, which stretch of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.access.identity import Identity
from app.audits import service as audits
from app.catalog.queries import newest_version
from app.config import Settings
from app.schedules import queries
from app.tables import Audit, Model, Schedule, Version
from checks import discover
from checks.contract import Scope, Section
from checks.rubric import BY_ID

ABOUT_SERVING = ("INFRA-5", "INFRA-6")
"""Tests of a version that look at what it answered."""
LONGEST_WINDOW = timedelta(days=92)


@dataclass(frozen=True)
class Target:
    """``checks`` None: all of them. A window belongs to an environment; without one, both ends are None."""

    model: Model
    version: Version
    environment: str | None = None
    checks: tuple[str, ...] | None = None
    start: datetime | None = None
    end: datetime | None = None


def target_at(session: Session, schedule: Schedule, end: datetime, settings: Settings) -> Target | None:
    """What the schedule audits at ``end``: what serves then, since the last audited slot; None: nothing is there.

    The window has ``window_days`` at least, so that a schedule of every hour still has enough rows.
    """
    model = session.get_one(Model, schedule.model_id)
    if not schedule.environment:
        version = newest_version(session, model.id)
        return Target(model, version) if version else None
    version = queries.serving(session, model.id, schedule.environment)
    if version is None:
        return None
    least = timedelta(days=settings.window_days)
    last = queries.newest_audited_slot(session, schedule.id, end)
    start = max(min(last or end, end - least), end - max(LONGEST_WINDOW, least))
    return Target(model, version, schedule.environment, serving_checks(), start, end)


def serving_checks() -> tuple[str, ...]:
    """The automated tests of the system, and those of a version that ask what it answered."""
    return tuple(test_id for test_id in discover() if _about_serving(test_id))


def _about_serving(test_id: str) -> bool:
    test = BY_ID[test_id]
    return test.scope is Scope.SYSTEM or test.section is Section.MONITORING or test_id in ABOUT_SERVING


def enqueue(session: Session, target: Target, identity: Identity, trigger: str) -> Audit:
    """Queue the audit of ``target``."""
    return audits.enqueue(
        session,
        model=target.model,
        version=target.version,
        identity=identity,
        trigger=trigger,
        environment=target.environment,
        checks=target.checks,
        window=(target.start, target.end),
    )
