"""Whether monitoring starts retrainings: what it found, and which runs answered."""

from __future__ import annotations

from app.ledger.events import PipelineRunEvent
from app.ledger.history import History, TrainingFact, TurnFact
from app.ledger.reading import training, within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown

BY_MONITORING = ("degradation", "distribution_change")
CALLING_TESTS = ("MON-3", "MON-4", "MON-7")
"""Skew, age and quality: what a retraining can repair."""
IN_VAIN = ("failed", "timed_out")
ANSWER_DAYS = 1.0
"""How long an alarm may wait for a run that answers it."""


def retrains(history: History) -> Judged:
    """A run was started by monitoring, and no alarm was left unanswered."""
    unanswered = alarms_answered(history)
    if not unanswered.holds:
        return unanswered
    if fired := _fired(history):
        return met(training.proof(history, fired[-1]), *_asked_for(history, fired[-1]))
    return unknown(
        "monitoring has not started a run yet",
        "Let a failed monitoring test start the pipeline, and try it: nothing that failed has called for it yet.",
    )


def alarms_answered(history: History) -> Judged:
    """Missing if the newest alarm that a retraining could answer was not answered in time."""
    alarm, fired = _newest_alarm(history), _fired(history)
    if alarm is None or (fired and within.started(fired[-1]) >= alarm.at):
        return met()
    for asked in (one for one in history.training if one.alert_id == alarm.alert_id):
        if asked.outcome in IN_VAIN and asked.version is None:
            missing = f"{asked.pipeline} was asked when {alarm.test} turned to fail, and no version came"
            return lacking(missing, f"See why: assay training show {asked.request}", _request(asked))
    if within.age_days(history, alarm.at) <= ANSWER_DAYS:
        return met()
    where = f" in {alarm.environment}" if alarm.environment else ""
    proof = Proof(f"{alarm.test} turned to fail{where}", alarm.at, f"alert {alarm.alert_id}", "/alerts")
    remedy = "Let failed monitoring tests start the pipeline."
    return lacking(f"no retraining followed when {alarm.test} turned to fail{where}", remedy, proof)


def _asked_for(history: History, run: PipelineRunEvent) -> list[Proof]:
    """The request of Assay that a run answers, if it answers one."""
    return [_request(one) for one in history.training if run.request == one.request]


def _request(one: TrainingFact) -> Proof:
    because = one.because[0] if one.because else one.cause
    text = f"Assay asked {one.pipeline} for a new version: {because}"
    return Proof(text, one.at, f"request {one.request}", f"/models/{one.model}/serving")


def _newest_alarm(history: History) -> TurnFact | None:
    alarms = [one for one in history.turns if one.test in CALLING_TESTS and one.after == "fail"]
    recent = [one for one in alarms if within.age_days(history, one.at) <= within.RECENT_DAYS]
    return max(recent, key=lambda one: (one.at, one.alert_id, one.test), default=None)


def _fired(history: History) -> list[PipelineRunEvent]:
    """Runs that monitoring started, whatever became of them, in the order in which they started."""
    since = within.RECENT_DAYS
    found = [
        one
        for one in history.runs
        if one.trigger in BY_MONITORING and within.age_days(history, within.started(one)) <= since
    ]
    return sorted(found, key=lambda one: (within.started(one), one.run, one.id))
