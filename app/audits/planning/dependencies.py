"""What changed around a model in the audit's environment, and whether somebody was told."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from app.audits.attempt import DependencyFacts, DependencyTold
from app.monitoring.dependencies import queries
from app.tables import Audit, Dependency

DAYS = 90


def dependencies_of(session: Session, audit: Audit, at: datetime) -> DependencyFacts | None:
    """As of ``at``; None for an audit that names no environment."""
    if audit.environment is None:
        return None
    where = (audit.model_id, audit.environment)
    changes = queries.changes(session, *where, at - timedelta(days=DAYS), at)
    told = queries.first_receipts(session, (row.alert_id for row in changes if row.alert_id is not None))
    return DependencyFacts(
        watched={row.name: row.kind for row in queries.newest(session, *where, until=at)},
        changes=[_change(row, told.get(row.alert_id or 0)) for row in changes],
    )


def _change(row: Dependency, told: queries.Told | None) -> DependencyTold:
    return DependencyTold(
        name=row.name,
        kind=row.kind,
        seen_at=row.seen_at,
        planted=row.planted,
        told_at=told.at if told else None,
        receipt=told.receipt if told else None,
    )
