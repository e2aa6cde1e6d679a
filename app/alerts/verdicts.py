"""Tells when tests turn for the worse, recover, or cannot tell any more; one alert for all turns of an audit.

Verdicts flap, so a turn is told once it is sure enough: a failure at once, everything else when it was found
``SURE`` times in a row. The state by test is what was told last (``VerdictState.told``), what has been found
since, and how often in a row. Tests of the system share a state over all versions, in each environment; those of
a version have one a version, wherever it is audited. What is found first is told only if it fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlmodel import Session, col, select

from app.alerts.events import Severity, is_production
from app.alerts.outbox import raise_alert
from app.db import database_now, insert_new
from app.tables import Alert, Audit, Finding, Model, VerdictState, Version
from checks.contract import Scope
from checks.rubric import BY_ID

PASS, FAIL, BLIND, UNKNOWN = "pass", "fail", "blind", "none"
KINDS: Mapping[str, str] = MappingProxyType({"pass": PASS, "fail": FAIL, "inconclusive": BLIND, "error": BLIND})
"""What is told apart. ``not_applicable`` is nobody's news."""
SURE = 2
"""How often in a row a test must pass, or be unable to tell, before that is told."""
WORDS = {FAIL: "turned to fail", BLIND: "cannot tell any more", PASS: "recovered"}
SEVERITIES: Mapping[str, Severity] = MappingProxyType({FAIL: "warning", BLIND: "warning", PASS: "info"})


@dataclass(frozen=True)
class Turn:
    """One test's turn. ``before`` and ``after`` are of ``KINDS``."""

    finding: Finding
    before: str
    after: str


def note(session: Session, audit: Audit, findings: Iterable[Finding]) -> Alert | None:
    """Follow what an audit found, in the transaction that stores it. Returns the alert, if there was a turn.

    ``findings`` must have their ids.
    """
    now = database_now(session)
    turns = []
    for finding in sorted(
        findings, key=lambda one: one.check_id
    ):  # in one order: two audits cannot block each other
        kind = KINDS.get(finding.verdict)
        if kind and finding.check_id in BY_ID:
            before = _follow(_state(session, audit, finding, now), kind, now)
            if before is not None:
                turns.append(Turn(finding, before, kind))
    told = [turn for turn in turns if turn.before != UNKNOWN or turn.after == FAIL]
    return _tell(session, audit, told) if told else None


def _state(session: Session, audit: Audit, finding: Finding, now: datetime) -> VerdictState:
    of_system = BY_ID[finding.check_id].scope is Scope.SYSTEM
    key = {
        "model_id": audit.model_id,
        "version_id": 0 if of_system else audit.version_id,
        "environment": (audit.environment or "") if of_system else "",
        "check_id": finding.check_id,
    }
    insert_new(session, VerdictState, {**key, "told": UNKNOWN, "seen": UNKNOWN, "streak": 0, "changed_at": now})
    same = [col(getattr(VerdictState, name)) == value for name, value in key.items()]
    return session.exec(select(VerdictState).where(*same).with_for_update()).one()


def _follow(state: VerdictState, kind: str, now: datetime) -> str | None:
    """Count a finding. Returns what was told before when this is a turn, else None."""
    state.streak = state.streak + 1 if kind == state.seen else 1
    state.seen = kind
    enough = 1 if kind == FAIL or state.told == UNKNOWN else SURE
    if kind == state.told or state.streak < enough:
        return None
    before, state.told, state.changed_at = state.told, kind, now
    return before


def _tell(session: Session, audit: Audit, turns: list[Turn]) -> Alert:
    model, version = session.get_one(Model, audit.model_id), session.get_one(Version, audit.version_id)
    where = f"{model.name} in {audit.environment}" if audit.environment else f"{model.name} {version.name}"
    counts = Counter(turn.after for turn in turns)
    news = [f"{count} test{'' if count == 1 else 's'} {WORDS[kind]}" for kind in WORDS if (count := counts[kind])]
    return raise_alert(
        session,
        event="verdict.changed",
        severity=_severity(audit, counts),
        title=f"{where}: {', '.join(news)}",
        body={
            "lines": [_line(turn) for turn in turns],
            "path": f"/audits/{audit.id}",
            "audit_id": audit.id,
            "version": version.name,
            "tests": [_as_data(turn) for turn in turns],
        },
        model_id=audit.model_id,
        environment=audit.environment,
    )


def _severity(audit: Audit, counts: Mapping[str, int]) -> Severity:
    if counts.get(FAIL) and is_production(audit.environment):
        return "critical"
    return next(SEVERITIES[kind] for kind in WORDS if counts.get(kind))


def _line(turn: Turn) -> str:
    test = BY_ID[turn.finding.check_id]
    before = "found for the first time" if turn.before == UNKNOWN else f"{turn.before} before"
    return f"{test.id} {test.title}: {turn.finding.verdict} ({before}). {turn.finding.reason}"


def _as_data(turn: Turn) -> dict[str, object]:
    return {
        "test": turn.finding.check_id,
        "title": BY_ID[turn.finding.check_id].title,
        "from": turn.before,
        "to": turn.after,
        "verdict": turn.finding.verdict,
        "reason": turn.finding.reason,
        "remedy": turn.finding.remedy,
        "finding_path": f"/findings/{turn.finding.id}",
    }


def note_failed_audit(session: Session, audit: Audit) -> Alert:
    """Tell that an audit was given up, in the transaction that ends it."""
    model, version = session.get_one(Model, audit.model_id), session.get_one(Version, audit.version_id)
    where = f" in {audit.environment}" if audit.environment else ""
    return raise_alert(
        session,
        event="audit.failed",
        severity="critical" if is_production(audit.environment) else "warning",
        title=f"{model.name} {version.name}{where}: audit {audit.id} failed",
        body={
            "lines": [f"{audit.error or 'No reason is known'}.", f"Asked for by {audit.actor} ({audit.trigger})."],
            "path": f"/audits/{audit.id}",
            "audit_id": audit.id,
            "version": version.name,
        },
        model_id=audit.model_id,
        environment=audit.environment,
    )
