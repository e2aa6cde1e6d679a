"""What somebody has to see to while nobody asks: drills that were cut off, reviews that are overdue."""

from __future__ import annotations

import logging

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.alerts.outbox import raise_alert
from app.db import Database, database_now
from app.delivery import queries, reviews
from app.delivery.drills import put
from app.tables import Model, RollbackDrill, Version

log = logging.getLogger(__name__)

UPKEEP = Identity("upkeep", "ci", frozenset())
"""Acts for those who are gone; nobody can sign in as it."""


def look_after(db: Database) -> None:
    """Any process may call it, at any time; nothing is done twice."""
    with db.read() as session:
        now = database_now(session)
        drills = [row.id for row in queries.cut_off_drills(session, now)]
        overdue = queries.overdue_reviews(session, now)
    for drill_id in drills:
        with db.write() as session:
            _end(session, drill_id)
    if overdue:
        with db.write() as session:
            reviews.tell_of_overdue(session, database_now(session))


def _end(session: Session, drill_id: int) -> None:
    """End a drill whose process is gone; the version that was stable before it is stable again."""
    drill = session.get_one(RollbackDrill, drill_id)
    model = session.get_one(Model, drill.model_id)
    queries.lock(session, model)
    session.refresh(drill, with_for_update=True)
    now = database_now(session)
    if drill.ended_at is not None or drill.lease_until is None or drill.lease_until >= now:
        return
    version = session.get_one(Version, drill.from_version_id)
    away = _is_away(session, drill)
    if away:
        put(session, drill, version, UPKEEP)
    told = f"{version.name} was put back" if away else f"{version.name} had not been left"
    drill.ended_at, drill.error = now, f"the process that ran the drill ended midway; {told}"
    session.add(drill)
    details = {"environment": drill.environment, "put_back": away, "version": version.name}
    audit_log.record(session, UPKEEP.name, "deployment.drill_cut_off", f"drill/{drill.id}", **details)
    log.warning("a rollback drill was cut off: %s", told, extra={"assay.drill.id": drill.id})
    raise_alert(
        session,
        event="deployment.changed",
        severity="warning",
        title=f"{model.name}: a rollback drill in {drill.environment} was cut off; {told}",
        body={"drill": drill.id, "lines": [f"{drill.actor} began it at {drill.started_at:%Y-%m-%d %H:%M} UTC."]},
        model_id=model.id,
        environment=drill.environment,
    )


def _is_away(session: Session, drill: RollbackDrill) -> bool:
    """Whether the drill itself, and nobody since, has put the older version into stable traffic."""
    rows = queries.serving(session, drill.model_id, drill.environment)
    stable = next((row for row in rows if row.role == "stable"), None)
    return stable is not None and stable.kind == "drill" and stable.version_id == drill.to_version_id
