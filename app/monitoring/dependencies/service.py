"""Rules of dependencies: a fingerprint that differs is a change, and a change is told of at once.

A change is planted every week, and told of by the same alert as any other: when MON-1 finds its receipt, a real
change would have reached somebody too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, select

from app.access import audit_log
from app.access.identity import SCHEDULER, Identity
from app.alerts.outbox import raise_alert
from app.catalog.queries import find_model
from app.db import database_now
from app.errors import FieldError, Invalid
from app.monitoring.dependencies import queries
from app.monitoring.dependencies.schemas import DependenciesIn, DependenciesOut, DependencyOut, FingerprintIn
from app.paging import Page, PageParams
from app.tables import Alert, Dependency, Model

DRILL = "assay drill"
"""The name of what is planted; nobody can push under it."""
PLANTED_EVERY = timedelta(days=6)
"""Often enough for one in any seven days, the time in which MON-1 wants to see one."""


def push(session: Session, identity: Identity, given: DependenciesIn) -> DependenciesOut:
    """Store fingerprints; the same ones again change nothing.

    Raises:
        NotFound: there is no such model.
        Invalid: a name is there twice, or reserved.
    """
    _require_names(given.fingerprints)
    model = find_model(session, given.model)
    session.exec(select(Model).where(Model.id == model.id).with_for_update()).one()  # one push at a time
    known = {row.name: row for row in queries.newest(session, model.id, given.environment)}
    now = database_now(session)
    rows = [
        Dependency(
            **one.model_dump(),
            model_id=model.id,
            environment=given.environment,
            previous=known[one.name].fingerprint if one.name in known else None,
            actor=identity.name,
            automatic=identity.automatic,
            seen_at=now,
        )
        for one in given.fingerprints
        if one.name not in known or known[one.name].fingerprint != one.fingerprint
    ]
    changed = [row for row in rows if row.previous is not None]
    alert = _tell(session, model, given.environment, changed, identity) if changed else None
    session.add_all(rows)
    session.flush()
    if rows:
        details = {"environment": given.environment, "added": len(rows) - len(changed), "changed": len(changed)}
        audit_log.record(session, identity.name, "dependency.push", f"model/{model.name}", **details)
    return DependenciesOut(
        added=_out(session, [row for row in rows if row.previous is None]),
        changed=_out(session, changed),
        unchanged=len(given.fingerprints) - len(rows),
        alert_id=alert.id if alert else None,
    )


def _require_names(given: Sequence[FingerprintIn]) -> None:
    counts = Counter(one.name for one in given)
    errors = [
        FieldError(
            f"fingerprints.{i}.name", f"{one.name!r} is {'reserved' if one.name == DRILL else 'there twice'}"
        )
        for i, one in enumerate(given)
        if counts[one.name] > 1 or one.name == DRILL
    ]
    if errors:
        raise Invalid("; ".join(error.message for error in errors), errors)


def _tell(
    session: Session, model: Model, environment: str, changed: Sequence[Dependency], identity: Identity
) -> Alert:
    """One alert for all that changed at once, which then refers to it."""
    drill = all(row.planted for row in changed)
    names = changed[0].name if len(changed) == 1 else f"{len(changed)} dependencies"
    said = "drill, nothing has changed; this proves that a change would be told" if drill else f"{names} changed"
    lines = [f"{row.name} ({row.kind}): {row.previous} -> {row.fingerprint}." for row in changed]
    alert = raise_alert(
        session,
        event="dependency.changed",
        severity="warning",
        title=f"{model.name} in {environment}: {said}",
        body={
            "lines": [*lines, f"Seen by {identity.name}."],
            "path": "/alerts",
            "planted": drill,
            "changes": [row.model_dump(include={"name", "kind", "previous", "fingerprint"}) for row in changed],
        },
        model_id=model.id,
        environment=environment,
    )
    for row in changed:
        row.alert_id = alert.id
    return alert


def drills_due(session: Session, now: datetime) -> list[tuple[int, str]]:
    """(model id, environment) wherever dependencies are watched and the last drill is nearly a week old."""
    return [where for where in queries.watched(session) if _is_due(queries.newest_planted(session, *where), now)]


def _is_due(last: Dependency | None, now: datetime) -> bool:
    return last is None or last.seen_at <= now - PLANTED_EVERY


def plant_due(session: Session, now: datetime) -> int:
    """Plant a change wherever a drill is due.

    Returns:
        How many were planted.
    """
    due = drills_due(session, now)
    for model_id, environment in due:
        _plant(session, model_id, environment, now)
    return len(due)


def _plant(session: Session, model_id: int, environment: str, now: datetime) -> None:
    last = queries.newest_planted(session, model_id, environment)
    row = Dependency(
        model_id=model_id,
        environment=environment,
        name=DRILL,
        kind="source_system",
        fingerprint=f"planted {now:%Y-%m-%d %H:%M}",
        previous=last.fingerprint if last else "nothing planted yet",
        planted=True,
        actor=SCHEDULER.name,
        automatic=True,
        seen_at=now,
    )
    _tell(session, session.get_one(Model, model_id), environment, [row], SCHEDULER)
    session.add(row)
    session.flush()


def list_dependencies(
    session: Session, model: str | None, environment: str | None, params: PageParams
) -> Page[DependencyOut]:
    """Raises NotFound: there is no such model."""
    model_id = find_model(session, model).id if model else None
    rows, cursor = queries.page(session, model_id, environment, params)
    return Page(items=_out(session, rows), next_cursor=cursor)


def _out(session: Session, rows: Iterable[Dependency]) -> list[DependencyOut]:
    rows = list(rows)
    names = queries.model_names(session, (row.model_id for row in rows))
    return [DependencyOut(**row.model_dump(), model=names[row.model_id]) for row in rows]
