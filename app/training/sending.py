"""Sends requests, by the rules of the alerts' outbox: a claim is written first, the answer afterwards.

::

    pending --claim--> pending, due again when the claim lapses --settle--> sent
                                                                --postpone--> pending, due later
                                                                --give up--> failed

Whoever is killed in between loses nothing. A request reaches its receiver a second time only if its sender died
between the receiver's answer and the note of it; it then carries the same id. A fence that grows with every claim
lets the newest of two senders write.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from app.access import audit_log
from app.alerts.channels import NotDelivered, Wires
from app.alerts.ledger import JITTER
from app.config import Settings
from app.db import Database, database_now, rows_changed
from app.tables import Model, Pipeline, Trainer, TrainingRequest
from app.training import queries, telling
from app.training.raising import TRAINER
from app.training.senders import SENDERS, Call, Started

DELAYS = (5, 30, 120, 600, 1800, 3600)
"""Seconds after each failed attempt: about two hours in all, then people are told."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """The right to send a request, until it lapses."""

    request_id: int
    fence: int
    kind: str
    deadline_hours: float
    call: Call


def send_one(db: Database, settings: Settings, wires: Wires) -> bool:
    """Send the next request that may be sent. False when there is none."""
    claimed = claim(db, settings)
    if claimed is None:
        return False
    details = {"assay.training.request": claimed.call.key}
    try:
        started = SENDERS[claimed.kind](claimed.call, wires)
    except NotDelivered as problem:
        log.warning("a pipeline was not asked to train: %s", problem, extra=details)
        postpone_or_fail(db, claimed, problem)
    except Exception as error:
        log.exception("a pipeline could not be asked to train", extra=details)
        postpone_or_fail(db, claimed, NotDelivered(f"{type(error).__name__}: {error}"))
    else:
        if settle(db, claimed, started):
            log.info("a pipeline was asked to train", extra=details)
        else:
            log.warning("a pipeline was asked to train, but that was noted too late", extra=details)
    return True


def claim(db: Database, settings: Settings) -> Claim | None:
    """Take the next request that may be sent, for the length of a lease; None when there is none."""
    with db.read() as session:
        if _next(session, database_now(session)) is None:
            return None
    with db.write() as session:
        now = database_now(session)
        while request := _next(session, now):
            trainer = session.get(Trainer, request.pipeline_id)
            if trainer is None:
                telling.end(session, request, "superseded", "the pipeline has no trainer any more")
            elif _recovered(session, request):
                telling.end(session, request, "superseded", "the tests recovered before it was sent")
            elif request.attempts > len(DELAYS):
                _give_up(session, request, "the last sender fell silent")
            else:
                return _claim(session, request, trainer, now, settings)
            session.flush()
    return None


def _next(session: Session, now: datetime) -> TrainingRequest | None:
    """The first that is due and may be sent."""
    due = queries.due(session, now)
    return next((one for one in due if _may_be_sent(session, one, now)), None)


def _may_be_sent(session: Session, request: TrainingRequest, now: datetime) -> bool:
    """Unless the model's cool-down goes on, or as many requests as may be are open."""
    trainer = session.get(Trainer, request.pipeline_id)
    if trainer is None:
        return True  # it will end
    last = queries.last_sent(session, request.pipeline_id, request.model_id)
    cool = last is None or now >= last + timedelta(hours=trainer.cool_down_hours)
    return cool and queries.others_open(session, request) < trainer.most_open


def _recovered(session: Session, request: TrainingRequest) -> bool:
    """A test that cannot tell any more has not recovered."""
    tests = {one["test"] for one in request.detail.get("tests", ())}
    return bool(tests) and request.attempts == 0 and queries.passing(session, request, tests) == len(tests)


def _claim(
    session: Session, request: TrainingRequest, trainer: Trainer, now: datetime, settings: Settings
) -> Claim:
    request.attempts += 1
    request.fence += 1
    request.due_at = now + timedelta(seconds=settings.lease_seconds)
    session.add(request)
    call = Call(
        key=request.key,
        attempt=request.attempts,
        at=request.created_at,
        target=trainer.target,
        secret=trainer.secret,
        document=document(session, request, settings.public_url),
    )
    return Claim(request.id, request.fence, trainer.kind, trainer.deadline_hours, call)


def document(session: Session, request: TrainingRequest, public_url: str) -> Mapping[str, Any]:
    """What the pipeline is told."""
    detail = dict(request.detail)
    return {
        "request": request.key,
        "pipeline": session.get_one(Pipeline, request.pipeline_id).name,
        "model": session.get_one(Model, request.model_id).name,
        "environment": request.environment,
        "cause": request.cause,
        "because": detail.pop("because"),
        **detail,
        "alert_id": request.alert_id,
        "url": f"{public_url.rstrip('/')}/api/v1/training-requests/{request.key}",
    }


def settle(db: Database, claim: Claim, started: Started) -> bool:
    """Note that the request arrived. False when the claim had lapsed, or the pipeline answered sooner."""
    with db.write() as session:
        now = database_now(session)
        values = {
            "status": "sent",
            "answer": {**started.receipt, "at": now.isoformat()},
            "run": started.run,
            "reason": None,
            "sent_at": now,
            "due_at": now + timedelta(hours=claim.deadline_hours),
        }
        settled = _write(session, claim, **values)
        if settled:
            subject = f"training-request/{claim.call.key}"
            audit_log.record(session, TRAINER.name, "training.sent", subject, attempts=claim.call.attempt)
        return settled


def postpone_or_fail(db: Database, claim: Claim, problem: NotDelivered) -> None:
    """Note that the request did not arrive, and when it is sent again; after the last attempt it has failed."""
    with db.write() as session:
        if not problem.permanent and claim.call.attempt <= len(DELAYS):
            wait = DELAYS[claim.call.attempt - 1] * random.uniform(1 - JITTER, 1 + JITTER)
            due_at = database_now(session) + timedelta(seconds=max(wait, problem.retry_after or 0))
            _write(session, claim, due_at=due_at, reason=str(problem))
        elif _write(session, claim, reason=str(problem)):
            _give_up(session, session.get_one(TrainingRequest, claim.request_id), str(problem))


def _give_up(session: Session, request: TrainingRequest, why: str) -> None:
    told = f"The pipeline could not be asked, after {request.attempts} attempts: {why}"
    telling.end(session, request, "failed", told, attempts=request.attempts)


def _write(session: Session, claim: Claim, **values: Any) -> bool:
    mine = (
        col(TrainingRequest.id) == claim.request_id,
        col(TrainingRequest.status) == "pending",
        col(TrainingRequest.fence) == claim.fence,
    )
    return rows_changed(session.execute(update(TrainingRequest).where(*mine).values(**values))) == 1
