"""Runs of Kubeflow Pipelines, and what starts them by a schedule, over its v2beta1 REST API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.connections.importing import identified
from app.evidence import pipeline_runs
from app.evidence.collecting import kfp
from app.evidence.collecting.kfp import Run
from app.evidence.collecting.reading import Reader
from app.ledger.events import MOST_ITEMS, ComponentEvent, Event, PipelineRunEvent, Stage, State, Trigger

STATES: Mapping[str, State] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "skipped": "cancelled",
    "running": "running",
    "unknown": "unknown",
}
CANCELLED = frozenset({"CANCELED", "CANCELING"})
TRIGGERS: Mapping[str, Trigger] = {"schedule": "schedule", "ci": "ci", "manual": "manual", "event": "on_demand"}


def events(
    server: Reader,
    pipeline_id: str,
    pipeline: str,
    *,
    namespace: str = "",
    trigger: pipeline_runs.Trigger = "unknown",
) -> list[Event]:
    """The newest runs of a pipeline, and Kubeflow itself as the pipeline's orchestrator.

    Args:
        trigger: what started the runs that are of no recurring run. Kubeflow does not record that.

    Raises:
        Invalid: what answers is not this API.
    """
    runs = list(kfp.runs(server, pipeline_id, namespace))
    recurring = kfp.recurring_runs(server, pipeline_id, namespace)
    found: list[Event] = [_run(one, pipeline, trigger) for one in runs]
    return [*found, *_orchestrator(pipeline, runs, recurring)]


def _run(run: Run, pipeline: str, trigger: pipeline_runs.Trigger) -> Event:
    form = kfp.form_of(run, trigger)
    begun = form.started_at or datetime.fromisoformat(run["created_at"])
    event = PipelineRunEvent(
        kind="pipeline_run",
        id="-",
        at=form.finished_at or begun,
        run=form.id,
        pipeline=pipeline,
        state="cancelled" if run.get("state") in CANCELLED else STATES[form.state],
        trigger=TRIGGERS.get(form.trigger, "unknown"),
        tool="kfp",
        orchestrator="kfp",
        orchestrated=True,
        stages=[Stage(name=one.name, state=STATES[one.state]) for one in form.stages],
        parameters=_parameters(run),
        started_at=begun,
        finished_at=form.finished_at,
    )
    return identified(event, form.id)


def _parameters(run: Run) -> dict[str, Any]:
    given = (run.get("runtime_config") or {}).get("parameters") or {}
    return {key[:250]: _plain(value) for key, value in list(given.items())[:MOST_ITEMS]}


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return json.dumps(value, sort_keys=True)[:6000]


def _orchestrator(pipeline: str, runs: Sequence[Run], recurring: Sequence[Run]) -> list[Event]:
    """It answered, and when it last did something; nothing where it has nothing of the pipeline."""
    moments = [one[key] for one in (*runs, *recurring) for key in ("created_at", "updated_at") if one.get(key)]
    if not moments:
        return []
    last = max(datetime.fromisoformat(one) for one in moments)
    schedules = "; ".join(_told(one) for one in recurring) or "no recurring runs"
    event = ComponentEvent(
        kind="component",
        id="-",
        at=last,
        pipeline=pipeline,
        component="orchestrator",
        name="Kubeflow Pipelines",
        reachable=True,
        last_activity_at=last,
        detail=schedules[:1000],
    )
    return [identified(event, pipeline, "kfp")]


def _told(recurring: Run) -> str:
    trigger = recurring.get("trigger") or {}
    cron = (trigger.get("cron_schedule") or {}).get("cron")
    seconds = (trigger.get("periodic_schedule") or {}).get("interval_second")
    when = cron or (f"every {seconds} s" if seconds else "")
    parts = (
        recurring.get("display_name") or recurring["recurring_run_id"],
        when,
        recurring.get("status", "").lower(),
    )
    return " ".join(part for part in parts if part)
