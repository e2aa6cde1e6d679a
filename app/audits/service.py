"""Rules of audits: what may be asked for, cancelled and retried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from app.access import audit_log, idempotency
from app.access.identity import Identity
from app.audits import ledger, queries
from app.audits.queries import Filters
from app.audits.schemas import AuditIn, AuditOut, CheckProgress, FindingOut
from app.catalog.queries import find_version
from app.db import utcnow
from app.errors import Conflict, FieldError, Invalid, nearest
from app.paging import Page, PageParams
from app.tables import Audit, Finding, Model, Version
from checks import discover
from checks.rubric import BY_ID

RETRIED = ("failed", "cancelled")
Window = tuple[datetime | None, datetime | None]


def enqueue(
    session: Session,
    *,
    model: Model,
    version: Version,
    identity: Identity,
    trigger: str,
    environment: str | None = None,
    checks: Sequence[str] | None = None,
    window: Window = (None, None),
) -> Audit:
    """Queue an audit of a version.

    Args:
        trigger: ci, manual, schedule, gate or training.
        checks: ids of tests; None for every test that has an automated check.
        window: from when (inclusive) to when tests of the system look at what was served in ``environment``;
            by default the last days (``window_days``) before now.

    Raises:
        Invalid: a test is unknown, or has no automated check.
    """
    audit = Audit(
        model_id=model.id,
        version_id=version.id,
        environment=environment,
        window_start=window[0],
        window_end=window[1],
        checks=_known(checks),
        trigger=trigger,
        actor=identity.name,
        automatic=identity.automatic,
        progress={},
    )
    session.add(audit)
    session.flush()
    subject = f"{model.name}@{version.name}"
    audit_log.record(session, identity.name, "audit.queued", f"audit/{audit.id}", version=subject, trigger=trigger)
    return audit


def _known(checks: Sequence[str] | None) -> list[str]:
    """The tests in the rubric's order, each once."""
    automated = discover()
    if checks is None:
        return list(automated)
    problems = [
        FieldError(f"checks.{i}", problem) for i, test_id in enumerate(checks) if (problem := _problem(test_id))
    ]
    if problems:
        raise Invalid("; ".join(problem.message for problem in problems), problems)
    return [test_id for test_id in automated if test_id in checks]


def _problem(test_id: str) -> str | None:
    if test_id in discover():
        return None
    if test_id in BY_ID:
        return f"{test_id} ({BY_ID[test_id].title}) has no automated check yet: attest it"
    return f"{test_id!r} is not a test of the rubric{nearest(test_id, BY_ID)}"


def request(session: Session, identity: Identity, given: AuditIn, key: str | None) -> AuditOut:
    """Queue the audit that was asked for; the same request under the same ``key`` only once."""
    audit_id = idempotency.once(session, identity, key, given)
    if audit_id is not None:
        return show(session, audit_id)
    model, version = find_version(session, given.model, given.version)
    audit = enqueue(
        session,
        model=model,
        version=version,
        identity=identity,
        trigger=_trigger(identity),
        environment=given.environment,
        checks=given.checks,
        window=_window(given),
    )
    idempotency.remember(session, identity, key, given, audit.id)
    return show(session, audit.id)


def _window(given: AuditIn) -> Window:
    """Raises Invalid: it would begin in the future."""
    start, end = given.window_start, given.window_end
    if start and end is None and start >= utcnow():
        message = "is not in the past, and a window without an end ends now"
        raise Invalid(f"window_start {message}", [FieldError("window_start", message)])
    return start, end


def retry(session: Session, audit_id: int, identity: Identity, key: str | None) -> AuditOut:
    """Queue a new audit like one that failed or was cancelled, which stays as it ended.

    Raises:
        Conflict: the audit has succeeded or not ended.
    """
    asked = {"retry": audit_id}
    known = idempotency.once(session, identity, key, asked)
    if known is not None:
        return show(session, known)
    old = queries.get_audit(session, audit_id)
    if old.status not in RETRIED:
        raise Conflict(f"audit {audit_id} is {old.status}; only a failed or cancelled one can be retried")
    model, version = queries.subject_of(session, old)
    new = enqueue(
        session,
        model=model,
        version=version,
        identity=identity,
        trigger=_trigger(identity),
        environment=old.environment,
        checks=old.checks,
        window=(old.window_start, old.window_end),
    )
    audit_log.record(session, identity.name, "audit.retried", f"audit/{old.id}", by_audit=new.id)
    idempotency.remember(session, identity, key, asked, new.id)
    return show(session, new.id)


def _trigger(identity: Identity) -> str:
    return "ci" if identity.automatic else "manual"


def cancel(session: Session, audit_id: int, identity: Identity) -> AuditOut:
    """Cancel a queued audit at once, ask a running one to stop.

    Raises:
        Conflict: the audit has ended.
    """
    ledger.cancel(session, queries.get_audit(session, audit_id), identity)
    return show(session, audit_id)


def show(session: Session, audit_id: int) -> AuditOut:
    """Raises NotFound."""
    return _audits_out(session, [queries.get_audit(session, audit_id)])[0]


def list_audits(session: Session, filters: Filters, params: PageParams) -> Page[AuditOut]:
    audits, cursor = queries.audits_page(session, filters, params)
    return Page(items=_audits_out(session, audits), next_cursor=cursor)


def _audits_out(session: Session, audits: list[Audit]) -> list[AuditOut]:
    names = queries.names_of(session, {audit.version_id for audit in audits})
    return [_audit_out(audit, *names[audit.version_id]) for audit in audits]


def _audit_out(audit: Audit, model: str, version: str) -> AuditOut:
    progress = {test_id: audit.progress.get(test_id, {"status": "waiting"}) for test_id in audit.checks}
    return AuditOut(
        **audit.model_dump(exclude={"progress"}),
        model=model,
        version=version,
        progress={test_id: CheckProgress(**state) for test_id, state in progress.items()},
    )


def list_findings(session: Session, audit_id: int, *, full: bool) -> Page[FindingOut]:
    """All findings of an audit in the rubric's order: one page."""
    audit = queries.get_audit(session, audit_id)
    names = queries.names_of(session, {audit.version_id})[audit.version_id]
    return Page(items=[_finding_out(f, *names, full=full) for f in queries.findings_of(session, audit_id)])


def show_finding(session: Session, finding_id: int) -> FindingOut:
    """Raises NotFound."""
    finding = queries.get_finding(session, finding_id)
    names = queries.names_of(session, {finding.version_id})[finding.version_id]
    return _finding_out(finding, *names, full=True)


def _finding_out(finding: Finding, model: str, version: str, *, full: bool) -> FindingOut:
    columns = finding.model_dump(exclude=set() if full else {"measured"})
    return FindingOut(**columns, model=model, version=version)
