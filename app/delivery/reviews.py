"""Deployments past the gate are looked at afterwards, by somebody else; who forgets is reminded of it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.access import audit_log
from app.access.identity import Identity
from app.alerts.outbox import raise_alert
from app.db import utcnow
from app.delivery import queries
from app.delivery.schemas import ReviewIn
from app.errors import Conflict, Forbidden, NotFound
from app.tables import Deployment, Model, Version


def review(session: Session, deployment_id: int, given: ReviewIn, identity: Identity) -> Deployment:
    """Record what somebody found who looked at a break-glass deployment.

    Raises:
        NotFound: no such deployment.
        Conflict: it did not go past the gate, or is reviewed already.
        Forbidden: who broke the glass does not review it.
    """
    row = session.get(Deployment, deployment_id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no deployment {deployment_id}")
    if row.review_due_at is None:
        raise Conflict(f"deployment {row.id} did not go past the gate ({row.kind}): there is nothing to review")
    if row.reviewed_at is not None:
        raise Conflict(f"{row.reviewed_by} has reviewed deployment {row.id}: {row.review_outcome}")
    if row.actor == identity.name:
        raise Forbidden(f"{row.actor} broke the glass: another person has to review it.")
    row.reviewed_at, row.reviewed_by = utcnow(), identity.name
    row.review_outcome, row.review_note = given.outcome, given.note
    session.add(row)
    details = {"outcome": given.outcome, "note": given.note, "deployed_by": row.actor}
    audit_log.record(session, identity.name, "deployment.review", f"deployment/{row.id}", **details)
    return row


def tell_of_overdue(session: Session, now: datetime) -> int:
    """Tell of each review that is overdue, once. Returns of how many."""
    rows = queries.overdue_reviews(session, now, lock=True)
    for row in rows:
        row.overdue_told_at = now
        session.add(row)
        model, version = session.get_one(Model, row.model_id), session.get_one(Version, row.version_id)
        due = f"{row.review_due_at:%Y-%m-%d %H:%M} UTC"
        lines = [
            f"{row.actor} deployed {model.name} {version.name} to {row.environment} past the gate: {row.reason}",
            f"The review was due by {due}. Somebody else records it: assay deployments review {row.id}",
        ]
        raise_alert(
            session,
            event="deployment.review_overdue",
            severity="critical",
            title=f"{model.name} {version.name} in {row.environment}: nobody has reviewed why the glass was broken",
            body={"deployment": row.id, "actor": row.actor, "lines": lines},
            model_id=model.id,
            environment=row.environment,
        )
    return len(rows)
