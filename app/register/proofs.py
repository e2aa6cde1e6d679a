"""What a person names as evidence that an issue is solved, looked up and checked."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from app.errors import FieldError, Invalid
from app.register import queries
from app.register.following import Outcome, outcome_of_attestation, outcome_of_finding, proves
from app.tables import Attestation, Audit, Finding, Issue, Model, Version


@dataclass(frozen=True)
class Proof:
    """``actor``: who is behind the evidence, if it is stored here."""

    ref: str
    version: Version | None = None
    actor: str | None = None


def proof_of(session: Session, issue: Issue, evidence: str) -> Proof:
    """The evidence, when it shows that the issue is solved.

    Raises:
        Invalid: it does not, with the reason; or it is a link, where a test has to pass.
    """
    outcome = _look_up(session, evidence)
    if outcome is None:
        if (issue.failure or "").startswith(f"{queries.DUE}/"):
            raise _wrong("an overdue validation is solved by a validation: record it")
        if issue.test_id is not None or not evidence.startswith("http"):
            raise _wrong(f"name a finding or an attestation of {issue.test_id or 'this model'}; {evidence} is none")
        return Proof(evidence)
    if why := _objection(issue, outcome):
        raise _wrong(f"{evidence} {why}")
    return Proof(evidence, outcome.version, outcome.actor)


def _objection(issue: Issue, outcome: Outcome) -> str:
    if issue.test_id is not None:
        return proves(issue, outcome)
    if outcome.model.id != issue.model_id:
        return "is of another model"
    return "" if outcome.passed else "did not pass without reservations"


def _look_up(session: Session, evidence: str) -> Outcome | None:
    kind, _, number = evidence.partition("/")
    if kind == "finding" and (finding := session.get(Finding, int(number))):
        model, version = session.get_one(Model, finding.model_id), session.get_one(Version, finding.version_id)
        return outcome_of_finding(finding, model, version, session.get_one(Audit, finding.audit_id).actor)
    if kind == "attestation" and (row := session.get(Attestation, int(number))):
        return outcome_of_attestation(
            row, session.get_one(Model, row.model_id), session.get_one(Version, row.version_id)
        )
    return None


def _wrong(message: str) -> Invalid:
    return Invalid(message, [FieldError("evidence", message)])
