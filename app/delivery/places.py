"""One version a traffic role: who comes takes the place. The one function that everything else deploys through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.access import audit_log
from app.alerts.events import Severity, is_production
from app.alerts.outbox import raise_alert
from app.delivery import queries
from app.errors import Conflict
from app.tables import Deployment, Model, Version


@dataclass(frozen=True)
class Place:
    """Where a version goes, by which right, and what becomes of the one that was there."""

    model: Model
    version: Version
    environment: str
    role: str
    stage: str
    kind: str
    actor: str
    reason: str
    decision_id: int | None = None
    review_due_at: datetime | None = None
    displaced: str = "replaced"


def take(session: Session, place: Place, now: datetime) -> Deployment:
    """Deploy. Whoever held the role in that environment ends, and so does another role of the same version.

    Raises:
        Conflict: somebody else consumed the decision at the same moment.
    """
    for row in queries.serving(session, place.model.id, place.environment):
        if row.version_id == place.version.id:
            end(session, row, "role", now)
        elif row.role == place.role:
            end(session, row, place.displaced, now)
    row = Deployment(
        model_id=place.model.id,
        version_id=place.version.id,
        environment=place.environment,
        role=place.role,
        stage=place.stage,
        kind=place.kind,
        artifact_digest=place.version.artifact_digest,
        decision_id=place.decision_id,
        reason=place.reason,
        actor=place.actor,
        started_at=now,
        review_due_at=place.review_due_at,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(f"Decision {place.decision_id} was consumed by somebody else at this moment.") from None
    _note(session, row, place)
    _tell(session, row, place)
    return row


def end(session: Session, row: Deployment, outcome: str, now: datetime) -> None:
    row.ended_at, row.outcome = now, outcome
    session.add(row)


def _note(session: Session, row: Deployment, place: Place) -> None:
    subject = f"{place.model.name}@{place.version.name}"
    details = {"environment": row.environment, "role": row.role, "kind": row.kind, "decision": row.decision_id}
    action = f"deployment.{'rollback' if row.kind == 'rollback' else 'create'}"
    if row.kind == "break_glass":
        action = "deployment.break_glass"
    audit_log.record(session, place.actor, action, subject, id=row.id, reason=row.reason, **details)


def _tell(session: Session, row: Deployment, place: Place) -> None:
    """People are told, drills excepted. Break-glass and what happens in production are no news in passing."""
    if row.kind == "drill":
        return
    glass = row.kind == "break_glass"
    how = {"rollback": "was put back", "break_glass": "was deployed past the gate"}.get(row.kind, "now serves")
    title = f"{place.model.name} {place.version.name} {how} as {row.role} in {row.environment}"
    lines = [f"By {row.actor}: {row.reason}"]
    if row.review_due_at:
        lines.append(f"A review is due by {row.review_due_at:%Y-%m-%d %H:%M} UTC.")
    raise_alert(
        session,
        event="deployment.break_glass" if glass else "deployment.changed",
        severity="critical" if glass else _severity(row),
        title=title,
        body=_data(row, lines),
        model_id=place.model.id,
        environment=row.environment,
    )


def tell_of_stop(session: Session, model: Model, row: Deployment, reason: str, actor: str) -> None:
    raise_alert(
        session,
        event="deployment.changed",
        severity=_severity(row),
        title=f"{model.name}: deployment {row.id}, {row.role} in {row.environment}, was stopped",
        body=_data(row, [f"By {actor}: {reason}"]),
        model_id=model.id,
        environment=row.environment,
    )


def _severity(row: Deployment) -> Severity:
    alarming = row.kind == "rollback" or row.outcome == "stopped"
    return "warning" if alarming and is_production(row.environment) else "info"


def _data(row: Deployment, lines: list[str]) -> dict[str, Any]:
    due = row.review_due_at.isoformat() if row.review_due_at else None
    told = {"deployment": row.id, "role": row.role, "kind": row.kind, "actor": row.actor, "reason": row.reason}
    return {**told, "review_due_at": due, "lines": lines}
