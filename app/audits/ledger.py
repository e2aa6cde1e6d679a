"""The ledger: whose an audit is, until when, and how it ended.

A claim holds an audit under a *fence*, a number that grows with every claim. Whoever writes must still hold
the newest fence; a worker that was thought dead and comes back finds that it does not, and leaves no trace.
Leases are measured by the database's clock, on which all workers agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, update
from sqlmodel import Session, col, select

from app.access import audit_log
from app.access.identity import Identity
from app.alerts import verdicts
from app.config import Settings
from app.db import Database, database_now
from app.errors import Conflict
from app.evidence import blobs
from app.evidence.blobs import Stored
from app.tables import Audit, Finding

Follow = Callable[[Session, Audit, Sequence[Finding]], None]

ENDED = ("succeeded", "failed", "cancelled")


class LeaseLost(Exception):
    """Another worker took the audit up, or it has ended."""


@dataclass(frozen=True)
class Claim:
    """The right to work on an audit. ``attempt`` counts from 1."""

    audit_id: int
    fence: int
    worker: str
    attempt: int


def claim(db: Database, worker: str, settings: Settings) -> Claim | None:
    """Take up the oldest audit that waits or whose worker gave no sign of life; None when there is none."""
    while True:
        with db.write() as session:
            now = database_now(session)
            audit = session.exec(_claimable(now)).first()
            if audit is None:
                return None
            if audit.cancel_requested:
                _end(session, audit, "cancelled", worker)
            elif audit.attempts >= settings.audit_attempts:
                _end(session, audit, "failed", worker, _given_up(audit))
            else:
                return _take(audit, worker, now, settings)


def _claimable(now: datetime) -> Any:
    abandoned = and_(col(Audit.status) == "running", col(Audit.lease_until) < now)
    query = select(Audit).where(or_(col(Audit.status) == "queued", abandoned)).order_by(col(Audit.id)).limit(1)
    return query.with_for_update(skip_locked=True)


def _take(audit: Audit, worker: str, now: datetime, settings: Settings) -> Claim:
    audit.status, audit.worker = "running", worker
    audit.attempts += 1
    audit.fence += 1
    audit.lease_until = now + timedelta(seconds=settings.lease_seconds)
    audit.started_at = now
    audit.progress = {}
    return Claim(audit.id, audit.fence, worker, audit.attempts)


def _given_up(audit: Audit) -> str:
    if audit.status == "queued":
        return audit.error or "every attempt failed"
    running = [check for check, state in audit.progress.items() if state["status"] == "running"]
    what = f" while running {', '.join(running)}" if running else ""
    return f"given up after {audit.attempts} attempts: the last worker, {audit.worker}, fell silent{what}"


def beat(db: Database, claim: Claim, settings: Settings, progress: Mapping[str, Any]) -> bool:
    """Give a sign of life with the progress so far.

    Returns:
        Whether somebody asked to cancel the audit.

    Raises:
        LeaseLost: the claim is not held any more.
    """
    with db.write() as session:
        until = database_now(session) + timedelta(seconds=settings.lease_seconds)
        change = update(Audit).where(*_holding(claim)).values(lease_until=until, progress=dict(progress))
        cancel = session.execute(change.returning(col(Audit.cancel_requested))).scalar_one_or_none()
        if cancel is None:
            raise LeaseLost
        return bool(cancel)


def finish(
    db: Database,
    claim: Claim,
    findings: Sequence[Mapping[str, Any]],
    exhibits: Iterable[Stored] = (),
    follow: Follow | None = None,
) -> str:
    """Store the findings and end the audit, in one transaction. A cancelled audit keeps no findings.

    Args:
        findings: columns of the findings, all but those that repeat the audit's own.
        exhibits: what the findings refer to in the blob store.
        follow: what else is to happen to the findings in the same transaction.

    Returns:
        The audit's status.

    Raises:
        LeaseLost: the claim is not held any more; nothing is stored.
    """
    with db.write() as session:
        audit = _held(session, claim)
        if audit.cancel_requested:
            return _end(session, audit, "cancelled", claim.worker)
        for stored in exhibits:
            blobs.remember(session, stored)
        rows = [_finding(audit, columns, database_now(session)) for columns in findings]
        session.add_all(rows)
        session.flush()
        verdicts.note(session, audit, rows)
        if follow is not None:
            follow(session, audit, rows)
        return _end(session, audit, "succeeded", claim.worker)


def _finding(audit: Audit, columns: Mapping[str, Any], now: datetime) -> Finding:
    return Finding(
        audit_id=audit.id,
        model_id=audit.model_id,
        version_id=audit.version_id,
        environment=audit.environment,
        automatic=audit.automatic,
        created_at=now,
        **columns,
    )


def give_back(db: Database, claim: Claim) -> str:
    """Queue the audit again as if it had not been claimed; one that is to be cancelled ends. Returns its status."""
    with db.write() as session:
        audit = _held(session, claim)
        audit.attempts -= 1
        return _requeue(session, audit, claim)


def fail_attempt(db: Database, claim: Claim, settings: Settings, error: str) -> str:
    """Note that the attempt came to nothing; the audit is queued again while it has attempts left.

    Returns:
        The audit's status.
    """
    with db.write() as session:
        audit = _held(session, claim)
        audit.error = error
        if audit.attempts >= settings.audit_attempts:
            return _end(
                session, audit, "failed", claim.worker, f"given up after {audit.attempts} attempts: {error}"
            )
        return _requeue(session, audit, claim)


def _requeue(session: Session, audit: Audit, claim: Claim) -> str:
    if audit.cancel_requested:
        return _end(session, audit, "cancelled", claim.worker)
    audit.status, audit.worker, audit.lease_until = "queued", None, None
    audit.progress = {}
    return audit.status


def cancel(session: Session, audit: Audit, identity: Identity) -> Audit:
    """Cancel a queued audit at once; ask the worker of a running one to stop.

    Raises:
        Conflict: the audit has ended.
    """
    session.refresh(audit, with_for_update=True)
    if audit.status in ENDED:
        raise Conflict(f"audit {audit.id} has already ended ({audit.status})")
    audit.cancel_requested = True
    if audit.status == "queued":
        _end(session, audit, "cancelled", identity.name)
    else:
        audit_log.record(session, identity.name, "audit.cancel_requested", f"audit/{audit.id}")
    session.add(audit)
    return audit


def _held(session: Session, claim: Claim) -> Audit:
    audit = session.exec(select(Audit).where(*_holding(claim)).with_for_update()).first()
    if audit is None:
        raise LeaseLost
    return audit


def _holding(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    """The fence: true for the audit's row as long as the claim is the newest."""
    return (
        col(Audit.id) == claim.audit_id,
        col(Audit.status) == "running",
        col(Audit.fence) == claim.fence,
    )


def _end(session: Session, audit: Audit, status: str, actor: str, error: str | None = None) -> str:
    audit.status, audit.error = status, error
    audit.lease_until = None
    audit.finished_at = database_now(session)
    details = {"worker": audit.worker, "fence": audit.fence, "attempts": audit.attempts}
    audit_log.record(session, actor, f"audit.{status}", f"audit/{audit.id}", **details)
    if status == "failed":
        verdicts.note_failed_audit(session, audit)
    return status
