"""What the runs of a pipeline prove of its automation: the clauses of level 1."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.alerts.events import is_production
from app.ledger.events import PipelineRunEvent
from app.ledger.history import History
from app.ledger.reading import metadata, within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown

AUTOMATIC = ("schedule", "new_data", "degradation", "distribution_change")
"""Triggers that need nobody."""
NOT_A_PERSON = (*AUTOMATIC, "on_demand", "ci")

NO_AUTOMATIC_RUN = "Give the pipeline a schedule, or let new data start it."
TELL_TRIGGERS = "Tell the `trigger` of every run."


def proof(history: History, run: PipelineRunEvent, more: str = "") -> Proof:
    text = f"run {run.run}: {run.state}, trigger {run.trigger.replace('_', ' ')}{more}"
    return Proof(text, run.at, within.by_whom(history, run.kind, run.id))


def automatic_trigger(history: History) -> Judged:
    runs = within.recent_runs(history)
    seen = {one.trigger: one for one in runs if one.trigger in AUTOMATIC}
    if seen:
        return met(*(proof(history, seen[kind]) for kind in AUTOMATIC if kind in seen))
    return _no_automatic_run(history, runs, "a schedule, new data or monitoring")


def _no_automatic_run(history: History, runs: Sequence[PipelineRunEvent], starters: str) -> Judged:
    told = [one for one in runs if one.trigger != "unknown"]
    if len(told) < len(runs) or not runs:
        return unknown(f"no run is known that {starters} started", TELL_TRIGGERS)
    missing = f"{starters} started none of {len(runs)} runs"
    return lacking(missing, NO_AUTOMATIC_RUN, proof(history, runs[-1]))


def new_data(history: History) -> Judged:
    """Every recent run that no person started was trained on other data than all runs of its model before."""
    recent = within.recent_runs(history)
    automatic = [one for one in recent if one.trigger in NOT_A_PERSON]
    if not automatic:
        return _no_automatic_run(history, recent, "anything but a person")
    automatic = within.succeeded(automatic)
    if not automatic:
        return unknown("none of the runs that nobody started succeeded", "See why they fail.")
    first = _first_on_each_data(history)
    for run in reversed(automatic):
        before = first.get((run.model, within.bare(run.data_digest)), run)
        if run.data_digest and before is not run:
            return lacking(
                f"run {run.run} was trained on the same data as run {before.run}",
                "Start a run when there is new data, and none when there is not.",
                proof(history, run, f", data {within.short(run.data_digest)}"),
            )
    untold = [one.run for one in automatic if one.data_digest is None]
    if untold:
        missing = f"{len(untold)} of {len(automatic)} runs do not say what they were trained on: {untold[-1]}"
        return unknown(missing, "Tell the `data_digest` of every run.")
    newest = automatic[-1]
    if not any(model == newest.model and run is not newest for (model, _), run in first.items()):
        return unknown("there is no run before to compare with", "Wait for the next run.", proof(history, newest))
    return met(proof(history, newest, f", data {within.short(newest.data_digest)}"))


def _first_on_each_data(history: History) -> dict[tuple[str | None, str | None], PipelineRunEvent]:
    """By model and data: the first run that was trained on it and succeeded."""
    first: dict[tuple[str | None, str | None], PipelineRunEvent] = {}
    for run in sorted(within.succeeded(history.runs), key=lambda one: (within.started(one), one.run, one.id)):
        if run.data_digest is not None:
            first.setdefault((run.model, within.bare(run.data_digest)), run)
    return first


def data_validation(history: History) -> Judged:
    return _validates(history, "validation", "data")


def model_validation(history: History) -> Judged:
    return _validates(history, "model_validation", "model")


def _validates(history: History, role: str, what: str) -> Judged:
    """The newest run that succeeded went through a stage of that role; one that no person started, if there is."""
    runs = within.succeeded(within.recent_runs(history))
    automatic = [one for one in runs if one.trigger in NOT_A_PERSON]
    if not runs:
        return unknown("no run that succeeded is known", "Tell of the pipeline's runs, with their stages.")
    run = (automatic or runs)[-1]
    known = within.roles(history, run)
    mine = [stage for stage in run.stages if known[stage.name] == role]
    if not known or (not mine and set(known.values()) == {"other"}):
        missing = f"run {run.run} does not say what its stages are for"
        return unknown(missing, f"Tell the run's stages, and declare in pipeline.yaml which has the role {role}.")
    if not mine:
        missing = f"no stage of run {run.run} validates the {what}: {', '.join(known)}"
        return lacking(missing, f"Add a stage of the role {role} to the pipeline.", proof(history, run))
    bad = next((stage for stage in mine if stage.state != "succeeded"), None)
    if bad is None:
        return met(proof(history, run, f", stage {mine[0].name}"))
    judge = lacking if bad.state in {"failed", "cancelled"} else unknown
    return judge(
        f"stage {bad.name} of run {run.run} is {bad.state}",
        "Let the run stop where the stage does not succeed.",
        proof(history, run),
    )


def complete_metadata(history: History) -> Judged:
    return metadata.read(history).judged


class _Seen(NamedTuple):
    at: datetime
    digest: str
    environment: str
    pipeline: str
    told: str


def same_pipeline(history: History) -> Judged:
    """The newest pipeline version of production was seen in another environment too."""
    seen = sorted(_seen(history))
    production = [one for one in seen if is_production(one.environment)]
    elsewhere = [one for one in seen if not is_production(one.environment)]
    remedy = "Deliver to production the pipeline version that ran in development."
    if not production or not elsewhere:
        where = "in production" if not production else "outside production"
        return unknown(
            f"no pipeline version is known {where}",
            "Tell of pipeline_version events of each environment, or `environment` and `pipeline_digest` of runs.",
        )
    now = production[-1]
    same = [
        one
        for one in elsewhere
        if (one.pipeline, within.bare(one.digest)) == (now.pipeline, within.bare(now.digest))
    ]
    proofs = [_sighting(one) for one in (now, (same or elsewhere)[-1])]
    if same:
        return met(*proofs)
    other = elsewhere[-1]
    missing = (
        f"{now.environment} has {within.short(now.digest)}, {other.environment} has {within.short(other.digest)}"
    )
    return lacking(missing, remedy, *proofs)


def _seen(history: History) -> list[_Seen]:
    """Where which pipeline version was delivered or ran."""
    delivered = [
        _Seen(one.at, one.digest, one.environment, one.pipeline, within.by_whom(history, one.kind, one.id))
        for one in history.pipeline_versions
    ]
    ran = [
        _Seen(one.at, one.pipeline_digest, one.environment, one.pipeline, within.by_whom(history, one.kind, one.id))
        for one in history.runs
        if one.pipeline_digest and one.environment and one.pipeline
    ]
    return delivered + ran


def _sighting(one: _Seen) -> Proof:
    return Proof(f"pipeline {one.pipeline} {within.short(one.digest)} in {one.environment}", one.at, one.told)
