"""Issues follow the evidence: a failure opens, adds to or reopens one; what passes resolves it, and closes none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.config import Settings
from app.db import database_now
from app.register import history, queries, rules
from app.tables import Attestation, Audit, Finding, Issue, Model, Version
from checks.contract import Scope, Verdict
from checks.rubric import BY_ID, RubricTest


@dataclass(frozen=True)
class Outcome:
    """What new evidence says of a test. ``ref`` names it: "finding/12" or "attestation/3"."""

    ref: str
    model: Model
    version: Version
    test: RubricTest
    environment: str
    passed: bool
    reservations: bool
    why: str
    actor: str
    at: datetime

    @property
    def of_system(self) -> bool:
        return self.test.scope is Scope.SYSTEM


def note_findings(session: Session, audit: Audit, findings: Iterable[Finding], settings: Settings) -> None:
    """Follow what an audit found, in the transaction that stores it. Only pass and fail say anything."""
    model, version = session.get_one(Model, audit.model_id), session.get_one(Version, audit.version_id)
    for finding in sorted(findings, key=lambda one: one.check_id):
        if finding.verdict in {Verdict.PASS, Verdict.FAIL} and finding.check_id in BY_ID:
            outcome = outcome_of_finding(finding, model, version, audit.actor)
            _follow(session, outcome, settings)


def note_attestation(session: Session, attestation: Attestation, settings: Settings) -> None:
    """Follow an attestation, in the transaction that stores it."""
    model, version = session.get_one(Model, attestation.model_id), session.get_one(Version, attestation.version_id)
    _follow(session, outcome_of_attestation(attestation, model, version), settings)


def outcome_of_finding(finding: Finding, model: Model, version: Version, actor: str) -> Outcome:
    test = BY_ID[finding.check_id]
    environment = finding.environment or "" if test.scope is Scope.SYSTEM else ""
    passed = finding.verdict == Verdict.PASS
    ref, why = f"finding/{finding.id}", finding.reason
    return Outcome(ref, model, version, test, environment, passed, False, why, actor, finding.created_at)


def outcome_of_attestation(row: Attestation, model: Model, version: Version) -> Outcome:
    reservations = row.result == "pass" and bool(row.reservations)
    return Outcome(
        ref=f"attestation/{row.id}",
        model=model,
        version=version,
        test=BY_ID[row.test_id],
        environment=row.environment or "",
        passed=row.result == "pass" and not reservations,
        reservations=reservations,
        why=row.reservations or row.what,
        actor=row.created_by,
        at=row.created_at,
    )


def proves(issue: Issue, outcome: Outcome) -> str:
    """Why this evidence does not show that the issue is solved; "" when it does.

    A person's word does not outweigh a check that failed, as in the score; of a test of a version only the version
    that failed, or a later one, tells.
    """
    about = (issue.model_id, issue.test_id, issue.environment)
    if about != (outcome.model.id, outcome.test.id, outcome.environment):
        return "is of another test, model or environment"
    if not outcome.passed:
        return "did not pass without reservations"
    if outcome.at <= issue.failed_at:
        return "is not newer than the failure"
    if not outcome.of_system and outcome.version.id < (issue.version_id or 0):
        return "is of an earlier version"
    if outcome.ref.startswith("attestation") and (issue.failure or "").startswith("finding"):
        return "is an attestation, and a check failed: only the check can show that it passes now"
    return ""


def _follow(session: Session, outcome: Outcome, settings: Settings) -> None:
    issue = queries.issue_about(session, outcome.model.id, outcome.test.id, outcome.environment)
    if outcome.passed:
        if issue is not None and issue.status in rules.UNSETTLED and not proves(issue, outcome):
            resolve(session, issue, outcome.actor, outcome.ref, outcome.why, outcome.version)
    elif issue is None:
        _open(session, outcome, settings)
    elif issue.status in rules.UNSETTLED:
        _add(session, issue, outcome)
    elif _still_matters(session, issue, outcome):
        _reopen(session, issue, outcome, settings)


def resolve(
    session: Session, issue: Issue, actor: str, evidence: str, why: str, version: Version | None = None
) -> None:
    """To be verified by somebody else."""
    before = history.state(issue)
    issue.status, issue.evidence = "resolved", evidence
    issue.resolved_by, issue.resolved_at = actor, database_now(session)
    if version is not None:
        issue.version_id = version.id
    session.add(issue)
    history.note(session, issue, actor, "resolved", why, evidence=evidence, before=before)


def _open(session: Session, outcome: Outcome, settings: Settings) -> None:
    severity = _severity(outcome)
    issue = Issue(
        model_id=outcome.model.id,
        version_id=outcome.version.id,
        test_id=outcome.test.id,
        environment=outcome.environment,
        source=outcome.ref.partition("/")[0],
        title=f"{outcome.test.id} {outcome.test.title}",
        description=outcome.why,
        severity=severity,
        owner=outcome.model.owner,
        due_on=rules.due(severity, outcome.at.date(), settings),
        failure=outcome.ref,
        failed_at=outcome.at,
        opened_by=outcome.actor,
    )
    session.add(issue)
    session.flush()
    history.note(session, issue, outcome.actor, "opened", outcome.why, evidence=outcome.ref, before={})


def _severity(outcome: Outcome) -> str:
    return rules.severity_of(outcome.model.risk_tier, outcome.test, reservations=outcome.reservations)


def _add(session: Session, issue: Issue, outcome: Outcome) -> None:
    """A test that fails where somebody had reservations only weighs more; else people's severity stays."""
    before = history.state(issue)
    if (issue.failure or "").startswith("attestation") and not outcome.reservations:
        issue.severity = rules.worst(issue.severity, _severity(outcome))
    _take_in(session, issue, outcome)
    raised = before if issue.severity != before["severity"] else None
    history.note(session, issue, outcome.actor, "failed_again", outcome.why, evidence=outcome.ref, before=raised)


def _take_in(session: Session, issue: Issue, outcome: Outcome) -> None:
    issue.failure, issue.failed_at, issue.description = outcome.ref, outcome.at, outcome.why
    issue.version_id = max(issue.version_id or 0, outcome.version.id)
    session.add(issue)


def _still_matters(session: Session, issue: Issue, outcome: Outcome) -> bool:
    """An earlier version than the one that passed is history, unless it serves."""
    if outcome.of_system or outcome.version.id >= (issue.version_id or 0):
        return True
    return queries.serves(session, outcome.version.id)


def _reopen(session: Session, issue: Issue, outcome: Outcome, settings: Settings) -> None:
    """One that was never closed keeps its due date: a test that flaps gains no time."""
    before = history.state(issue)
    if issue.status == "closed":
        issue.severity = _severity(outcome)
        issue.due_on = rules.due(issue.severity, outcome.at.date(), settings)
    unsettle(issue)
    _take_in(session, issue, outcome)
    history.note(session, issue, outcome.actor, "reopened", outcome.why, evidence=outcome.ref, before=before)


def unsettle(issue: Issue) -> None:
    """As before it was resolved."""
    issue.status = "in_progress" if issue.plan and issue.status == "resolved" else "open"
    issue.evidence = issue.resolved_by = issue.resolved_at = None
    issue.closed_by = issue.closed_at = None
