"""Each change of an issue is noted twice: for people in the issue's history, for auditors in the audit log."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from app.access import audit_log
from app.tables import Issue, IssueNote

FOLLOWED = ("status", "severity", "owner", "due_on", "plan", "evidence")


def state(issue: Issue) -> dict[str, Any]:
    """What people change of an issue, JSON-ready."""
    return issue.model_dump(mode="json", include=set(FOLLOWED))


def note(
    session: Session,
    issue: Issue,
    actor: str,
    action: str,
    text: str,
    *,
    evidence: str | None = None,
    before: dict[str, Any] | None = None,
) -> None:
    """Note what ``actor`` did; with ``before`` (see ``state``) what it changed, which the audit log gets too."""
    now = state(issue)
    changed = sorted(key for key in now if before is not None and before.get(key) != now[key])
    details = {key: {"before": before.get(key), "after": now[key]} for key in changed} if before is not None else {}
    session.add(
        IssueNote(
            issue_id=issue.id,
            model_id=issue.model_id,
            actor=actor,
            action=action,
            text=text,
            evidence=evidence,
            details=details,
        )
    )
    if before is not None:
        was, has = ({key: of.get(key) for key in changed} for of in (before, now))
        audit_log.record(
            session,
            actor,
            f"issue.{action}",
            f"issue/{issue.id}",
            before=was,
            after=has,
            reason=text,
            evidence=evidence,
        )
