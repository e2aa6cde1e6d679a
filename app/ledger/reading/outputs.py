"""The newest output of each of the six stages, and whether it was made from that of the stage before."""

from __future__ import annotations

from dataclasses import dataclass

from app.alerts.events import is_production
from app.ledger.events import PipelineRunEvent
from app.ledger.history import DeploymentFact, FindingFact, History
from app.ledger.reading import builds, links, monitoring, training, within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown, worst

QUALITY_TEST = "MON-7"


@dataclass(frozen=True)
class Output:
    """``link``: to the output of the stage before. ``again``: how to get a newer one."""

    proof: Proof
    link: Judged
    again: str


def source_code(history: History) -> Output | Judged:
    if not history.commits:
        remedy = "Declare the pipeline's repository, and connect its webhook or tell of commits."
        return unknown("no commit of the pipeline's repository is known", remedy)
    one = max(history.commits, key=lambda one: (one.at, one.id))
    text = f"commit {within.short(one.commit)} on {one.branch} by {one.author}"
    proof = Proof(text, one.at, within.by_whom(history, one.kind, one.id))
    return Output(proof, met(), "Is the webhook of the repository still connected?")


def packages(history: History) -> Output | Judged:
    built = [one for one in history.ci_runs if one.state == "succeeded" and one.packages]
    if not built:
        return unknown("no CI run is known that built packages", "Tell the `packages` that CI runs built.")
    newest = max(built, key=lambda one: (one.at, one.id))
    proof = builds.proof(history, newest)
    if any(within.same_commit(one.commit, newest.commit) for one in history.commits):
        link = met()
    else:
        link = unknown(
            f"nothing was told of the commit {within.short(newest.commit)} that was built",
            "Connect the repository's webhook, or tell of commits.",
        )
    return Output(proof, link, "Let CI build the pipeline's packages again.")


def deployed_pipeline(history: History) -> Output | Judged:
    """Of those of production, where there are any."""
    if not history.pipeline_versions:
        return unknown("no pipeline is known to have been delivered", links.TELL_DELIVERIES)
    newest = max(history.pipeline_versions, key=lambda one: (is_production(one.environment), one.at, one.id))
    text = f"pipeline {newest.pipeline} {within.short(newest.digest)} in {newest.environment}"
    proof = Proof(text, newest.at, within.by_whom(history, newest.kind, newest.id))
    return Output(proof, _consists_of_built(history, newest.packages), "Deliver the pipeline again.")


def _consists_of_built(history: History, consists: list[str]) -> Judged:
    built = builds.packages(history.ci_runs)
    if not consists:
        return unknown("it does not say which packages it consists of", links.TELL_DELIVERIES)
    strange = [one for one in consists if within.bare(one) not in built]
    if not strange:
        return met()
    missing = f"no CI run built its package {within.short(strange[0])}"
    remedy = "Deliver the packages that CI built, by their digests."
    return lacking(missing, remedy) if built else unknown(missing, builds.TELL_CI)


def trained_model(history: History) -> Output | Judged:
    """The newest version in a model registry, or in Assay."""
    told = max(history.registered_versions, key=lambda one: (one.at, one.id), default=None)
    own = max(history.versions, key=lambda one: (one.created_at, one.id), default=None)
    again = "Let the pipeline train again, and register what comes out."
    if own is not None and (told is None or told.at <= own.created_at):
        path = f"/models/{own.model}/versions/{own.name}"
        proof = Proof(f"{own.model} {own.name} registered in Assay", own.created_at, own.created_by, path)
        return Output(proof, _trained_by_delivered(history, links.run_of(history, own)), again)
    if told is None:
        return unknown("no registered version is known", "Register versions with assay model register.")
    run = next((one for one in history.runs if told.run is not None and one.run == told.run), None)
    text = f"{told.name} {told.number} in {told.registry}"
    proof = Proof(text, told.at, within.by_whom(history, told.kind, told.id))
    return Output(proof, _trained_by_delivered(history, run), again)


def _trained_by_delivered(history: History, run: PipelineRunEvent | None) -> Judged:
    """A run that no person started, of a pipeline version that was delivered."""
    if run is None:
        return unknown("it is tied to no run that is known", links.TIE)
    if run.trigger == "manual":
        return lacking(f"a person started run {run.run} that made it", training.NO_AUTOMATIC_RUN)
    if run.trigger not in training.NOT_A_PERSON:
        return unknown(f"run {run.run} that made it does not say what started it", training.TELL_TRIGGERS)
    delivered = {within.bare(one.digest) for one in history.pipeline_versions if one.pipeline == run.pipeline}
    if run.pipeline_digest is None or not delivered:
        return unknown(f"which delivered pipeline ran in run {run.run} is not known", links.TELL_DELIVERIES)
    if within.bare(run.pipeline_digest) not in delivered:
        missing = f"run {run.run} ran pipeline {within.short(run.pipeline_digest)}, which was never delivered"
        return lacking(missing, links.DELIVER)
    return met()


def prediction_service(history: History) -> Output | Judged:
    live = within.serving(history)
    deploy = "Deploy what the gate lets pass: assay deploy MODEL@VERSION --environment ENVIRONMENT"
    if not history.deployments:
        return unknown("no deployment is known", deploy)
    if not live:
        last = max(history.deployments, key=lambda one: (one.started_at, one.id))
        return lacking(f"nothing serves any more; {last.version} was the last in {last.environment}", deploy)
    place = live[0]
    text = f"{place.model} {place.version} {place.role} in {place.environment}"
    proof = Proof(text, place.started_at, place.actor, f"/models/{place.model}/serving")
    version = next(one for one in history.versions if one.id == place.version_id)
    tied = links.run_of(history, version) is not None
    return Output(
        proof, met() if tied else unknown("its version is tied to no run that is known", links.TIE), deploy
    )


def performance(history: History) -> Output | Judged:
    """The newest judgement of prediction quality where the model serves, and the retraining that it called for."""
    place = next(iter(within.serving(history)), None)
    if place is None:
        return unknown("nothing serves, so there is nothing to watch", "Deploy a version first.")
    judged = [
        one
        for one in history.findings
        if one.test == QUALITY_TEST and one.environment == place.environment and one.verdict in {"pass", "fail"}
    ]
    again = f"Push labels, and schedule audits with {QUALITY_TEST}: assay schedule set"
    if not judged:
        rows = sum(one.rows for one in history.traffic if one.environment == place.environment)
        return unknown(f"{rows} predictions in {place.environment}, none of them judged by {QUALITY_TEST}", again)
    newest = max(judged, key=lambda one: (one.at, one.id))
    text = f"{QUALITY_TEST} {newest.verdict} for {newest.version} in {place.environment}"
    proof = Proof(text, newest.at, f"audit {newest.audit_id}", f"/findings/{newest.id}")
    return Output(proof, worst([_of_what_serves(newest, place), monitoring.alarms_answered(history)]), again)


def _of_what_serves(finding: FindingFact, place: DeploymentFact) -> Judged:
    if finding.version == place.version:
        return met()
    missing = f"it is of {finding.version}, {place.version} serves"
    return lacking(missing, f"Audit what serves: assay audit run {place.model}@{place.version}")
