"""From the run that answers a request to a version that is audited and gated, by Assay itself.

What answers: a run that names the request (``request`` of a pipeline_run event), the run whose id the receiver
told, and a version whose manifest names such a run, or the request itself, as ``pipeline.run``. Each step is
computed from what is stored, under the request's lock: whoever else follows it, it is taken once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

import app.audits.service as audits
from app.access import audit_log
from app.audits.ledger import ENDED
from app.config import Settings
from app.db import Database, database_now
from app.errors import AssayError
from app.gate.schemas import EvaluationIn
from app.gate.service import evaluate
from app.gate.terms import Status
from app.ledger import folding
from app.ledger.events import FINAL, PipelineRunEvent
from app.tables import Decision, Model, Pipeline, TrainingRequest, Version
from app.training import queries, telling
from app.training.raising import TRAINER

Step = Callable[[Session, TrainingRequest], None]

log = logging.getLogger(__name__)


def follow_all(db: Database, settings: Settings) -> int:
    """Take the next step of every request that has one. Returns how many were taken."""
    with db.read() as session:
        ids = [one.id for one in queries.followed(session)]
    return sum(_follow(db, request_id, settings) for request_id in ids)


def _follow(db: Database, request_id: int, settings: Settings) -> bool:
    """One that cannot be followed must not hold up the others."""
    try:
        with db.read() as session:
            if _next_step(session, session.get_one(TrainingRequest, request_id), settings) is None:
                return False
        return _take(db, request_id, settings)
    except (ValueError, LookupError):
        log.exception("a training request could not be followed", extra={"assay.training.request": request_id})
        return False


def _take(db: Database, request_id: int, settings: Settings) -> bool:
    with db.write() as session:
        request = session.get_one(TrainingRequest, request_id, with_for_update=True)
        step = _next_step(session, request, settings) if request.ended_at is None else None
        if step is None:
            return False
        step(session, request)
        session.add(request)
    log.info("a training request is %s", request.status, extra={"assay.training.request": request.key})
    return True


def _next_step(session: Session, request: TrainingRequest, settings: Settings) -> Step | None:
    if request.decision_id is not None:
        return _finish if session.get_one(Decision, request.decision_id).status != _OPEN else None
    if request.audit_id is not None:
        done = queries.audit(session, request.audit_id).status in ENDED
        return (lambda s, r: _gate(s, r, settings)) if done else None
    answers = _answers(session, request)
    if answers.version is not None:
        return lambda s, r: _audit(s, r, answers)
    if answers.news(request):
        return lambda s, r: _note_run(s, r, answers)
    return _time_out if request.status != "pending" and request.due_at <= database_now(session) else None


_OPEN = Status.IN_PROGRESS.value


@dataclass(frozen=True)
class Answers:
    """``run``: the one that answers, as far as it went. ``version``: what came out, once it is registered."""

    run: PipelineRunEvent | None
    version: Version | None

    @property
    def status(self) -> str | None:
        """That the run gives the request."""
        if self.run is None:
            return None
        if self.run.state not in FINAL:
            return "running"
        return "answered" if self.run.state == "succeeded" else "failed"

    def news(self, request: TrainingRequest) -> bool:
        return self.status is not None and self.status != request.status


def _answers(session: Session, request: TrainingRequest) -> Answers:
    pipeline = session.get_one(Pipeline, request.pipeline_id)
    rows = queries.run_events(session, pipeline.name, request)
    own = folding.runs(PipelineRunEvent.model_validate(row.body) for row in rows)
    own.sort(key=lambda one: (one.state == "succeeded", one.at))  # one that succeeded stands for those tried before
    names = {request.key, request.run, *(one.run for one in own)}
    told = {one.version for one in own if one.version}
    versions = queries.versions_since(session, request)
    version = next((one for one in versions if _run_of(one) in names or one.name in told), None)
    return Answers(own[-1] if own else None, version)


def _run_of(version: Version) -> str:
    part = version.manifest["version"].get("pipeline") or {}
    return part.get("run") or ""


def _note_run(session: Session, request: TrainingRequest, answers: Answers) -> None:
    run, status = answers.run, answers.status
    if run is None or status is None:
        return
    request.run = run.run
    if status == "failed":
        telling.end(session, request, status, f"The run {run.run} {run.state}. {run.url}".strip())
    else:
        _mark(session, request, status)


def _mark(session: Session, request: TrainingRequest, status: str) -> None:
    request.status, request.reason = status, None
    request.sent_at = request.sent_at or database_now(session)
    details = {"run": request.run, "version": request.version_id}
    audit_log.record(session, TRAINER.name, f"training.{status}", f"training-request/{request.key}", **details)


def _audit(session: Session, request: TrainingRequest, answers: Answers) -> None:
    """The version is here: have all of its tests run."""
    version = answers.version
    if version is None:
        return
    request.run = answers.run.run if answers.run else _run_of(version)
    request.version_id = version.id
    model = session.get_one(Model, request.model_id)
    audit = audits.enqueue(session, model=model, version=version, identity=TRAINER, trigger="training")
    request.audit_id = audit.id
    _mark(session, request, "answered")


def _gate(session: Session, request: TrainingRequest, settings: Settings) -> None:
    """Ask whether the version may go where the request came from; what the answer still lacks is audited first."""
    model = session.get_one(Model, request.model_id)
    version = session.get_one(Version, request.version_id)
    asked = EvaluationIn(model=model.name, version=version.name, environment=request.environment, stage="admit")
    try:
        request.decision_id = evaluate(session, asked, TRAINER, settings).id
    except AssayError as error:
        telling.end(session, request, "failed", f"{version.name} could not be gated: {error.detail}")


def _finish(session: Session, request: TrainingRequest) -> None:
    decision = session.get_one(Decision, request.decision_id)
    version = session.get_one(Version, request.version_id)
    status = "succeeded" if decision.status == Status.PASS.value else "failed"
    against = [one["reason"] for one in decision.body["conditions"] if one["status"] != "pass"]
    reason = (
        f"{version.name} came out of run {request.run}; the gate of {request.environment} says {decision.status}"
    )
    telling.end(
        session,
        request,
        status,
        f"{reason}.",
        against[:5],
        version=version.name,
        audit_id=request.audit_id,
        decision_id=decision.id,
        decision=decision.status,
    )


def _time_out(session: Session, request: TrainingRequest) -> None:
    what = f"Run {request.run} is over" if request.status == "answered" else "It was asked"
    told = f"{what}, and no version of it is registered at {request.due_at:%Y-%m-%d %H:%M} UTC."
    telling.end(session, request, "timed_out", told)
