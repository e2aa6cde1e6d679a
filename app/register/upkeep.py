"""What becomes due while nobody asks: overdue issues weigh more, overdue validations open one. Told once."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from app.alerts.outbox import raise_alert
from app.config import Settings
from app.db import Database, database_now
from app.register import history, queries, rules, validations
from app.tables import Issue, Model


def look_after(db: Database, settings: Settings) -> None:
    """The leader's job; two leaders at once do nothing twice. Reads only, while nothing is due."""
    with db.read() as session:
        today = database_now(session).date()
        due = queries.to_escalate(session, today) or validations.overdue(session, today, settings)
    if due:
        with db.write() as session:
            today = database_now(session).date()
            escalate(session, today)
            validations.tell_of_overdue(session, today, settings)


def escalate(session: Session, today: date) -> int:
    """Raise each overdue issue's severity a step and tell who subscribed, once for a due date. Returns how many."""
    rows = queries.to_escalate(session, today, lock=True)
    for issue in rows:
        before = history.state(issue)
        issue.severity, issue.escalated_for = rules.worse(issue.severity), issue.due_on
        session.add(issue)
        why = f"It was due by {issue.due_on}."
        history.note(session, issue, validations.KEEPER, "escalated", why, before=before)
        _tell(session, issue, str(before["severity"]))
    return len(rows)


def _tell(session: Session, issue: Issue, before: str) -> None:
    model = session.get_one(Model, issue.model_id)
    lines = [
        f"{issue.title}: {issue.description}",
        f"{issue.owner} was to solve it by {issue.due_on}. Plan: {issue.plan or 'none'}.",
        f"Severity: {issue.severity} ({before} before).",
    ]
    raise_alert(
        session,
        event="issue.overdue",
        severity="critical" if issue.severity == "critical" else "warning",
        title=f"{model.name}: issue {issue.id} is overdue since {issue.due_on}",
        body={"lines": lines, "path": f"/issues/{issue.id}", "issue": issue.id, "owner": issue.owner},
        model_id=model.id,
        environment=issue.environment or None,
    )
