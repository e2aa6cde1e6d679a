"""Four lights: continuous integration, delivery, training and monitoring, each with the events behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.ledger.events import FINAL, PipelineRunEvent
from app.ledger.history import DeploymentFact, History, VersionFact
from app.ledger.reading import builds, chain, links, training, within
from app.ledger.reading.stages import CODE_DAYS
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown, worst
from app.scorecards.windows import DEFAULT_CADENCE_DAYS

DELIVERY_LINKS = ("pipeline_version", "pipeline_run", "model_version", "deployment")
TRAFFIC_DAYS = 7.0
DATA_TESTS, QUALITY_TESTS = ("MON-2", "MON-3"), ("MON-7",)


@dataclass(frozen=True)
class Light:
    """``name``: CI, CD, CT or CM. Its proofs are the events behind it."""

    name: str
    title: str
    judged: Judged


def of_pipeline(history: History, name: str) -> tuple[Light, ...]:
    return read(within.of_pipeline(history, name))


def of_model(history: History, name: str) -> tuple[Light, ...]:
    return read(within.of_model(history, name))


def read(history: History) -> tuple[Light, ...]:
    """All four. Args: history: narrowed to a pipeline or a model."""
    return (
        Light("CI", "Tests and validates code, data and models, then builds packages", integration(history)),
        Light("CD", "Delivers the training pipeline, which deploys the prediction service", delivery(history)),
        Light("CT", "Retrains automatically for redeployment", continuous_training(history)),
        Light("CM", "Watches production data, and metrics that stand for the business's", watching(history)),
    )


def integration(history: History) -> Judged:
    """Of the commit that CI finished last."""
    ended = [one for one in history.ci_runs if one.state in FINAL]
    if not ended:
        return unknown("no CI run is known that ended", builds.TELL_CI)
    newest = max(ended, key=lambda one: (one.at, one.run))
    if within.age_days(history, newest.at) > CODE_DAYS:
        missing = f"the last CI run was {within.age_days(history, newest.at):.0f} days ago"
        return unknown(missing, "Does CI still tell of its runs?", builds.proof(history, newest))
    built = builds.packages(builds.runs_of(history, newest.commit))
    packages = (
        met() if built else unknown("CI tells of no package that it built", "Tell the `packages` of CI runs.")
    )
    return worst([builds.tested(history, newest.commit), packages])


def delivery(history: History) -> Judged:
    """What serves was made by a run of a pipeline version that was delivered."""
    if not within.serving(history):
        return unknown("nothing serves", "assay deploy MODEL@VERSION --environment ENVIRONMENT")
    found = chain.newest(history)
    return worst(one.judged for one in (found.links if found else ()) if one.name in DELIVERY_LINKS)


def continuous_training(history: History) -> Judged:
    """A recent run that nobody started made a version, and the version went on to the gate or into service."""
    triggered = training.automatic_trigger(history)
    if not triggered.holds:
        return triggered
    runs = [one for one in within.succeeded(within.recent_runs(history)) if one.trigger in training.AUTOMATIC]
    if not runs:
        return unknown("none of the runs that nobody started succeeded", "See why they fail.", *triggered.proofs)
    age = within.age_days(history, within.started(runs[-1]))
    if age > within.fresh_days(history):
        missing = f"the last retraining was {age:.0f} days ago, {within.fresh_days(history):g} are allowed"
        return lacking(missing, "See why the trigger did not fire.", training.proof(history, runs[-1]))
    return _went_on(history, runs)


def _went_on(history: History, runs: Sequence[PipelineRunEvent]) -> Judged:
    made = {(one.pipeline, one.run): one for one in history.versions if one.run}
    by_name = {(one.model, one.name): one for one in history.versions}
    newest = training.proof(history, runs[-1])
    versions = [
        found for run in runs if (found := made.get((run.pipeline, run.run)) or by_name.get(_version_of(run)))
    ]
    if not versions:
        return unknown(f"no version is known that run {runs[-1].run} made", links.TIE, newest)
    for one in reversed(versions):
        if proof := _next_step(history, one):
            return met(newest, proof)
    missing = f"{versions[-1].name} that a run made went neither to the gate nor into service"
    return lacking(missing, "Let the pipeline ask the gate for what it registers: assay gate check", newest)


def _version_of(run: PipelineRunEvent) -> tuple[str, str]:
    return run.model or "", run.version or ""


def _next_step(history: History, version: VersionFact) -> Proof | None:
    key = (version.model, version.name)
    for decision in history.decisions:
        if (decision.model, decision.version) == key:
            text = f"the gate said {decision.status} to {version.name} in {decision.environment}"
            return Proof(text, decision.at, "gate", f"/decisions/{decision.id}")
    for place in history.deployments:
        if place.version_id == version.id:
            text = f"{version.name} {place.role} in {place.environment}"
            return Proof(text, place.started_at, place.actor, f"/models/{version.model}/serving")
    return None


def watching(history: History) -> Judged:
    place = next(iter(within.serving(history)), None)
    if place is None:
        return unknown("nothing serves, so there is nothing to watch", "Deploy a version first.")
    return worst(
        [
            _traffic(history, place),
            _tested(history, place, DATA_TESTS, "production data"),
            _tested(history, place, QUALITY_TESTS, "model metrics"),
            _business_metric(history, place),
        ]
    )


def _traffic(history: History, place: DeploymentFact) -> Judged:
    seen = [one for one in history.traffic if (one.model, one.environment) == (place.model, place.environment)]
    push = "Serve through Assay's gateway, or: assay predictions push"
    if not seen:
        return unknown(f"no prediction in {place.environment} is known", push)
    newest = max(seen, key=lambda one: (one.last_at, one.version))
    path = f"/models/{place.model}/serving"
    proof = Proof(f"{newest.rows} predictions of {newest.version} in {place.environment}", newest.last_at, "", path)
    age = within.age_days(history, newest.last_at)
    if age > TRAFFIC_DAYS:
        return lacking(f"the last prediction in {place.environment} was {age:.0f} days ago", push, proof)
    return met(proof)


def _tested(history: History, place: DeploymentFact, tests: Sequence[str], what: str) -> Judged:
    """One of ``tests`` came to a conclusion lately without anybody asking for it."""
    ran = [
        one
        for one in history.findings
        if (one.model, one.environment) == (place.model, place.environment) and one.test in tests
    ]
    names, schedule = " and ".join(tests), "Give it a schedule: assay schedule set MODEL --environment ENVIRONMENT"
    concluded = [one for one in ran if one.verdict in {"pass", "fail"}]
    if not concluded:
        why = "came to no conclusion" if ran else "did not run"
        return unknown(f"{what} are not watched: {names} {why} in {place.environment}", schedule)
    newest = max(concluded, key=lambda one: (one.automatic, one.at, one.id))
    text = f"{newest.test} {newest.verdict} in {place.environment}"
    proof = Proof(text, newest.at, f"audit {newest.audit_id}", f"/findings/{newest.id}")
    age = within.age_days(history, newest.at)
    if age > DEFAULT_CADENCE_DAYS:
        return lacking(f"{newest.test} ran {age:.0f} days ago for the last time", schedule, proof)
    if not newest.automatic:
        return lacking(f"a person has to ask for {newest.test}", schedule, proof)
    return met(proof)


def _business_metric(history: History, place: DeploymentFact) -> Judged:
    model = next((one for one in history.models if one.name == place.model), None)
    name = model.business_metric.get("name") if model else None
    if not name:
        return unknown("the model names no business metric", "Give model.business_metric in the manifest.")
    seen = [one for one in history.measurements if one.model == place.model and one.name == name]
    if not seen:
        collect = f"Hand it in: assay evidence collect prometheus --name {name!r} ..."
        return unknown(f"the business metric {name!r} was never measured", collect)
    newest = max(seen, key=lambda one: one.at)
    path = f"/api/v1/evidence/{newest.evidence_id}/content"
    return met(Proof(f"{name} = {newest.value:g} {newest.unit}".rstrip(), newest.at, newest.tool, path))
