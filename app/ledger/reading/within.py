"""The part of a history that is about one pipeline, or about one model; and what all readings ask of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from app.alerts.events import is_production
from app.catalog.pipelines import PipelineForm
from app.ledger.events import FINAL, PipelineRunEvent, RegisteredVersionEvent
from app.ledger.history import DeploymentFact, History, PipelineFact
from app.scorecards.windows import DEFAULT_CADENCE_DAYS, interval_days

RECENT_DAYS = 90.0
"""Practice is judged by the runs of these days, or of three cadences where that is longer."""
CADENCES_REMEMBERED = 3
CADENCES_FRESH = 2
"""An output is fresh for so many cadences: one run may fail before anybody is told that it is late."""


def of_pipeline(history: History, name: str) -> History:
    """What is known of one pipeline and of the versions that it made."""
    facts = [one for one in history.pipelines if one.name == name]
    runs = tuple(one for one in history.runs if one.pipeline == name)
    made = {(one.model, one.version) for one in runs if one.version is not None}
    versions = {
        (one.model, one.name) for one in history.versions if one.pipeline == name or (one.model, one.name) in made
    }
    models = {model for model, _ in versions} | {model for fact in facts if fact.form for model in fact.form.models}
    narrowed = _about(history, facts, models)
    return replace(
        narrowed,
        runs=runs,
        registered_versions=tuple(
            one for one in history.registered_versions if _is_of(one, versions, {run.run for run in runs})
        ),
        versions=tuple(one for one in history.versions if (one.model, one.name) in versions),
        deployments=tuple(one for one in history.deployments if (one.model, one.version) in versions),
        decisions=tuple(one for one in history.decisions if (one.model, one.version) in versions),
        turns=tuple(one for one in history.turns if (one.model, one.version) in versions),
        findings=tuple(one for one in history.findings if (one.model, one.version) in versions),
        validations=tuple(one for one in history.validations if (one.model, one.version) in versions),
        traffic=tuple(one for one in history.traffic if (one.model, one.version) in versions),
    )


def of_model(history: History, name: str) -> History:
    """What is known of one model, its experiments, and the pipelines that make it or are declared to."""
    versions = tuple(one for one in history.versions if one.model == name)
    making = {one.pipeline for one in versions} | {one.pipeline for one in history.runs if one.model == name}
    facts = [
        one for one in history.pipelines if one.name in making or (one.form is not None and name in one.form.models)
    ]
    named = {one.name for one in facts}
    return replace(
        _about(history, facts, {name}),
        runs=tuple(
            one for one in history.runs if one.model == name or (one.model is None and one.pipeline in named)
        ),
        registered_versions=tuple(one for one in history.registered_versions if one.model == name),
        versions=versions,
        deployments=tuple(one for one in history.deployments if one.model == name),
        decisions=tuple(one for one in history.decisions if one.model == name),
        turns=tuple(one for one in history.turns if one.model == name),
        findings=tuple(one for one in history.findings if one.model == name),
        validations=tuple(one for one in history.validations if one.model == name),
        traffic=tuple(one for one in history.traffic if one.model == name),
    )


def _about(history: History, pipelines: Collection[PipelineFact], models: Collection[str]) -> History:
    names = {one.name for one in pipelines}
    repositories = {one.form.repository for one in pipelines if one.form}
    return replace(
        history,
        pipelines=tuple(pipelines),
        models=tuple(one for one in history.models if one.name in models),
        commits=tuple(one for one in history.commits if one.repository in repositories),
        ci_runs=tuple(one for one in history.ci_runs if one.repository in repositories),
        pipeline_versions=tuple(one for one in history.pipeline_versions if one.pipeline in names),
        components=tuple(one for one in history.components if one.pipeline in names),
        training=tuple(one for one in history.training if one.pipeline in names and one.model in models),
        ab_tests=tuple(one for one in history.ab_tests if one.model in models),
        incidents=tuple(one for one in history.incidents if one.model in models),
        schedules=tuple(one for one in history.schedules if one.model in models),
        watched=tuple(one for one in history.watched if one in models),
        listeners=tuple(one for one in history.listeners if one.model in models),
        endpoints=tuple(one for one in history.endpoints if one.model in models),
        measurements=tuple(one for one in history.measurements if one.model in models),
    )


def _is_of(one: RegisteredVersionEvent, versions: Collection[tuple[str, str]], runs: Collection[str]) -> bool:
    return (one.model, one.version) in versions or (one.run is not None and one.run in runs)


# --- what readings ask ----------------------------------------------------------------------------


def forms(history: History) -> list[PipelineForm]:
    return [one.form for one in history.pipelines if one.form is not None]


def cadence_days(history: History) -> float | None:
    """How often the pipeline is declared to run: by its owner, its schedule, a version's manifest, the model."""
    declared = [
        form.cadence_days or (interval_days(form.schedule) if form.schedule else None) for form in forms(history)
    ]
    manifests = [(one.manifest["version"].get("pipeline") or {}).get("cadence_days") for one in history.versions]
    models = [one.retraining_days for one in history.models]
    for said in (declared, manifests[-1:], models):
        if days := [float(one) for one in said if one]:
            return min(days)
    return None


def fresh_days(history: History) -> float:
    """How long an output of the pipeline counts as fresh."""
    return CADENCES_FRESH * (cadence_days(history) or DEFAULT_CADENCE_DAYS / CADENCES_FRESH)


def started(run: PipelineRunEvent) -> datetime:
    return run.started_at or run.at


def serving(history: History) -> list[DeploymentFact]:
    """What takes traffic now: production first, stable first, the newest first."""
    live = [one for one in history.deployments if one.ended_at is None]
    return sorted(live, key=prominence)


def prominence(one: DeploymentFact) -> tuple[bool, bool, bool, float, int]:
    return (
        one.ended_at is not None,
        not is_production(one.environment),
        one.role != "stable",
        -one.started_at.timestamp(),
        -one.id,
    )


def age_days(history: History, at: datetime) -> float:
    return (history.as_of - at).total_seconds() / 86400


def recent_runs(history: History) -> list[PipelineRunEvent]:
    """Those that ended and by which practice is judged, in the order in which they were started."""
    days = max(RECENT_DAYS, CADENCES_REMEMBERED * (cadence_days(history) or 0))
    since = history.as_of - timedelta(days=days)
    found = [one for one in history.runs if one.state in FINAL and started(one) >= since]
    return sorted(found, key=lambda one: (started(one), one.run, one.id))


def succeeded(runs: Collection[PipelineRunEvent]) -> list[PipelineRunEvent]:
    return [one for one in runs if one.state == "succeeded"]


def roles(history: History, run: PipelineRunEvent) -> dict[str, str]:
    """What each stage of a run is for: as the run says, else as the pipeline's owner declared the stage."""
    declared = {
        stage.name: stage.role for form in forms(history) if form.name == run.pipeline for stage in form.stages
    }
    return {
        stage.name: stage.role if stage.role != "other" else declared.get(stage.name, "other")
        for stage in run.stages
    }


def bare(digest: str | None) -> str | None:
    """A digest without the name of its algorithm, in which tools differ."""
    return digest.removeprefix("sha256:") if digest else None


def same_commit(one: str | None, other: str | None) -> bool:
    """Whether both are known and one commit; a manifest may abbreviate it."""
    return bool(one and other) and (str(one).startswith(str(other)) or str(other).startswith(str(one)))


def short(digest: str | None) -> str:
    """As people read it; "-" for none."""
    return (bare(digest) or "-")[:12]


def by_whom(history: History, kind: str, key: str) -> str:
    """Who told of an event."""
    return history.sources.get((kind, key), "")
