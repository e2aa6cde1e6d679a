"""Reads a pipeline's history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.catalog import queries as catalog
from app.catalog.pipelines import PipelineForm
from app.db import database_now
from app.ledger import facts
from app.ledger.events import PipelineRunEvent, State, Trigger
from app.ledger.history import History
from app.ledger.reading import automation, chain, components, lights, metadata, stages, versioning, within
from app.ledger.reading.automation import Automation
from app.ledger.reading.chain import Chain
from app.ledger.reading.components import Component
from app.ledger.reading.lights import Light
from app.ledger.reading.metadata import Metadata
from app.ledger.reading.stages import Stage
from app.ledger.reading.versioning import Versioning
from app.paging import Page, PageParams, encode_cursor

RUNS_SHOWN = 20


@dataclass(frozen=True)
class Run:
    """A run as it was told, in short. ``seconds``: how long it took, None where it does not say."""

    run: str
    state: State
    trigger: Trigger
    orchestrator: str | None
    orchestrated: bool
    started_at: datetime
    seconds: float | None
    environment: str | None
    commit: str | None
    pipeline_digest: str | None
    data_digest: str | None
    model: str | None
    version: str | None
    metrics: dict[str, float]
    url: str


@dataclass(frozen=True)
class Started:
    """``declared``: the owner says that the trigger makes the pipeline run; ``runs``: how many say that it did, the
    newest ``last_at``.
    """

    trigger: Trigger
    declared: bool
    runs: int
    last_at: datetime | None


@dataclass(frozen=True)
class PipelineScorecard:
    """What is practised around a pipeline, as it stood at ``as_of``.

    ``runs``: the newest, newest first, of ``runs_known``. ``chain``: of what serves, else of the newest version.
    """

    pipeline: str
    declared: PipelineForm | None
    models: tuple[str, ...]
    as_of: datetime
    automation: Automation
    stages: tuple[Stage, ...]
    components: tuple[Component, ...]
    metadata: Metadata
    lights: tuple[Light, ...]
    chain: Chain | None
    versioning: Versioning
    triggers: tuple[Started, ...]
    runs: tuple[Run, ...]
    runs_known: int


def scorecard(session: Session, name: str, as_of: datetime | None = None) -> PipelineScorecard:
    """Raises NotFound, naming the nearest pipeline."""
    history = _history(session, name, as_of)
    runs = _newest_first(history)
    return PipelineScorecard(
        pipeline=name,
        declared=next((one.form for one in history.pipelines), None),
        models=tuple(sorted(one.name for one in history.models)),
        as_of=history.as_of,
        automation=automation.read(history),
        stages=stages.read(history),
        components=components.read(history),
        metadata=metadata.read(history),
        lights=lights.read(history),
        chain=chain.newest(history),
        versioning=versioning.read(history),
        triggers=_triggers(history),
        runs=tuple(_run(one) for one in runs[:RUNS_SHOWN]),
        runs_known=len(runs),
    )


def _triggers(history: History) -> tuple[Started, ...]:
    """All that are declared or were seen. What a run says nothing of is none."""
    declared = [kind for form in within.forms(history) for kind in form.triggers]
    seen: dict[Trigger, list[datetime]] = defaultdict(list)
    for run in history.runs:
        if run.trigger != "unknown":
            seen[run.trigger].append(within.started(run))
    return tuple(
        Started(kind, kind in declared, len(seen.get(kind, ())), max(seen.get(kind, ()), default=None))
        for kind in dict.fromkeys([*declared, *sorted(seen)])
    )


def list_runs(session: Session, name: str, params: PageParams) -> Page[Run]:
    """All runs of a pipeline, newest first. Raises NotFound, naming the nearest pipeline.

    Runs are put together from what was told, so that a page begins where the one before ended by their number.
    """
    runs = list(reversed(_newest_first(_history(session, name, None))))
    until = len(runs) if params.before is None else min(params.before, len(runs))
    first = max(until - params.limit, 0)
    items = [_run(one) for one in reversed(runs[first:until])]
    return Page(items=items, next_cursor=encode_cursor(first) if first else None)


def _history(session: Session, name: str, as_of: datetime | None) -> History:
    row = catalog.find_pipeline(session, name)
    moment = as_of or database_now(session)
    return within.of_pipeline(facts.of_pipeline(session, row, moment), name)


def _newest_first(history: History) -> Sequence[PipelineRunEvent]:
    return sorted(history.runs, key=lambda one: (within.started(one), one.run, one.id), reverse=True)


def _run(one: PipelineRunEvent) -> Run:
    took = one.finished_at - one.started_at if one.started_at and one.finished_at else None
    return Run(
        run=one.run,
        state=one.state,
        trigger=one.trigger,
        orchestrator=one.orchestrator,
        orchestrated=one.orchestrated,
        started_at=within.started(one),
        seconds=took / timedelta(seconds=1) if took is not None else None,
        environment=one.environment,
        commit=one.commit,
        pipeline_digest=one.pipeline_digest,
        data_digest=one.data_digest,
        model=one.model,
        version=one.version,
        metrics=one.metrics,
        url=one.url,
    )
