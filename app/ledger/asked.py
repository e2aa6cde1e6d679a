"""What pipelines were asked to train, as a history has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from app.ledger.history import TrainingFact
from app.tables import Decision, Pipeline, TrainingRequest


def training(
    session: Session, models: Mapping[int, str], versions: Mapping[int, str], as_of: datetime
) -> Iterator[TrainingFact]:
    """Oldest first. What came later is left out.

    Args:
        models: their names by id; ``versions``: those that there were then.
    """
    query = (
        select(TrainingRequest, Pipeline.name, Decision)
        .join(Pipeline, col(TrainingRequest.pipeline_id) == Pipeline.id)
        .outerjoin(Decision, col(TrainingRequest.decision_id) == Decision.id)
        .where(col(TrainingRequest.model_id).in_(models), col(TrainingRequest.created_at) <= as_of)
    )
    for row, pipeline, decision in session.exec(query.order_by(col(TrainingRequest.id))):
        sent = row.sent_at is not None and row.sent_at <= as_of
        ended = row.ended_at is not None and row.ended_at <= as_of
        decided = decision if decision and decision.decided_at and decision.decided_at <= as_of else None
        yield TrainingFact(
            request=row.key,
            model=models[row.model_id],
            pipeline=pipeline,
            environment=row.environment,
            cause=row.cause,
            because=tuple(row.detail["because"]),
            alert_id=row.alert_id,
            at=row.created_at,
            sent_at=row.sent_at if sent else None,
            run=row.run if sent else None,
            version=versions.get(row.version_id or 0),
            audit_id=row.audit_id if row.version_id in versions else None,
            decision_id=decided.id if decided else None,
            decision=decided.status if decided else None,
            outcome=row.status if ended else None,
            ended_at=row.ended_at if ended else None,
        )
