"""Ends requests, and tells people how they ended, in the transaction that ends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from app.access import audit_log
from app.alerts.events import Severity, is_production
from app.alerts.outbox import raise_alert
from app.db import database_now
from app.tables import Model, Pipeline, TrainingRequest
from app.training.raising import TRAINER

EVENTS = {"succeeded": "training.finished", "failed": "training.failed", "timed_out": "training.overdue"}
WORDS = {
    "succeeded": "a new version may go there",
    "failed": "no new version may go there",
    "timed_out": "no new version came in time",
}


def end(
    session: Session, request: TrainingRequest, status: str, reason: str, lines: Sequence[str] = (), **data: Any
) -> None:
    """End a request that is held for writing, and tell of it unless nothing is lost (superseded)."""
    request.status, request.reason, request.ended_at = status, reason, database_now(session)
    session.add(request)
    audit_log.record(session, TRAINER.name, f"training.{status}", f"training-request/{request.key}", reason=reason)
    if status in EVENTS:
        _tell(session, request, [reason, *lines], data)


def _tell(session: Session, request: TrainingRequest, lines: Sequence[str], data: dict[str, Any]) -> None:
    model = session.get_one(Model, request.model_id)
    pipeline = session.get_one(Pipeline, request.pipeline_id)
    because = request.detail["because"]
    raise_alert(
        session,
        event=EVENTS[request.status],
        severity=_severity(request),
        title=f"{model.name} in {request.environment}: {WORDS[request.status]}, after {request.cause}",
        body={
            "lines": [*lines, f"{pipeline.name} was asked because: {' '.join(because)}"[:3000]],
            "path": f"/audits/{request.audit_id}" if request.audit_id else "/alerts",
            "request": request.key,
            "cause": request.cause,
            "pipeline": pipeline.name,
            "run": request.run,
            **data,
        },
        model_id=model.id,
        environment=request.environment,
    )


def _severity(request: TrainingRequest) -> Severity:
    if request.status == "succeeded":
        return "info"
    return "critical" if is_production(request.environment) else "warning"
