"""The links of a chain, one by one; ``app.ledger.reading.chain`` puts them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.alerts.events import is_production
from app.ledger.events import FINAL, CIRunEvent, PipelineRunEvent, PipelineVersionEvent
from app.ledger.history import DeploymentFact, History, VersionFact
from app.ledger.reading import builds, within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown

TIE = "Name the run in the manifest (version.pipeline.run), or tell `model` and `version` with the run."
TELL_DELIVERIES = "Tell of a pipeline_version whenever a pipeline is delivered, with its commit and packages."
DELIVER = "Run the pipeline version that was delivered, or deliver the one that ran."


@dataclass(frozen=True)
class Ends:
    """What a version's chain consists of, as far as it is known.

    ``commit``: as the version says, else its run, else the pipeline version. ``builds``: CI runs of it.
    ``delivered``: the pipeline version that ran, else the one that was delivered when the run started.
    ``place``: where pipelines are delivered to for it. ``packages``: digests of what the pipeline consists of.
    """

    version: VersionFact
    deployment: DeploymentFact | None
    run: PipelineRunEvent | None
    place: str | None
    delivered: PipelineVersionEvent | None
    commit: str | None
    builds: Sequence[CIRunEvent]

    @property
    def packages(self) -> list[str]:
        told = self.delivered.packages if self.delivered else ()
        return [within.bare(one) or "" for one in told] or list(builds.packages(self.builds))


def ends(history: History, version: VersionFact, deployment: DeploymentFact | None) -> Ends:
    run = run_of(history, version)
    pipeline = run.pipeline if run and run.pipeline else version.pipeline
    deliveries = sorted(
        (one for one in history.pipeline_versions if one.pipeline == pipeline), key=lambda one: (one.at, one.id)
    )
    place = _place(deliveries, [deployment.environment if deployment else None, run.environment if run else None])
    said = version.commit or (run.commit if run else None)
    delivered = _delivered(deliveries, run, place, said)
    commit = said or (delivered.commit if delivered else None)
    full = next((one.commit for one in history.commits if within.same_commit(one.commit, commit)), commit)
    return Ends(version, deployment, run, place, delivered, full, builds.runs_of(history, full) if full else ())


def run_of(history: History, version: VersionFact) -> PipelineRunEvent | None:
    """The run that made a version: as its manifest says, else as a run says, else as a model registry says."""
    named = [one for one in history.runs if one.run == version.run and version.pipeline in {None, one.pipeline}]
    if version.run and named:
        return max(named, key=lambda one: (one.at, one.id))
    registered = {
        one.run for one in history.registered_versions if (one.model, one.version) == (version.model, version.name)
    }
    claimed = [one for one in history.runs if _claims(one, version)] or [
        one for one in history.runs if one.run in registered
    ]
    return max(claimed, key=lambda one: (one.at, one.id), default=None)


def _claims(run: PipelineRunEvent, version: VersionFact) -> bool:
    return (run.model, run.version) == (version.model, version.name)


def _place(deliveries: Sequence[PipelineVersionEvent], wanted: Sequence[str | None]) -> str | None:
    """The first wanted environment that a pipeline was delivered to, else production, else any."""
    known = sorted({one.environment for one in deliveries}, key=lambda name: (not is_production(name), name))
    return next((one for one in wanted if one in known), known[0] if known else None)


def _delivered(
    deliveries: Sequence[PipelineVersionEvent], run: PipelineRunEvent | None, place: str | None, commit: str | None
) -> PipelineVersionEvent | None:
    ran = within.bare(run.pipeline_digest) if run else None
    if same := [one for one in deliveries if ran and within.bare(one.digest) == ran]:
        return next((one for one in reversed(same) if one.environment == place), same[-1])
    if run is not None and (there := at_start(deliveries, run, place)):
        return there
    return next((one for one in reversed(deliveries) if within.same_commit(one.commit, commit)), None)


def at_start(
    deliveries: Sequence[PipelineVersionEvent], run: PipelineRunEvent, place: str | None
) -> PipelineVersionEvent | None:
    """The pipeline version that was in place when the run started."""
    before = [one for one in deliveries if one.environment == place and one.at <= within.started(run)]
    return max(before, key=lambda one: (one.at, one.id), default=None)


def commit(history: History, ends: Ends) -> Judged:
    if ends.commit is None:
        missing = "neither the version nor its run says which commit it was made from"
        return unknown(missing, "Give version.commit in the manifest; assay model register takes git's HEAD.")
    told = next((one for one in history.commits if one.commit == ends.commit), None)
    if told is None:
        return unknown(
            f"nothing was told of the commit {within.short(ends.commit)}",
            "Declare the pipeline's repository, and connect the repository's webhook or tell of commits.",
        )
    text = f"commit {within.short(told.commit)} on {told.branch} by {told.author}"
    return met(Proof(text, told.at, within.by_whom(history, told.kind, told.id)))


def ci_run(history: History, ends: Ends) -> Judged:
    if ends.commit is None:
        return unknown("the commit is not known", builds.TELL_CI)
    return builds.tested(history, ends.commit)


def package(history: History, ends: Ends) -> Judged:
    mine, all_built = builds.packages(ends.builds), builds.packages(history.ci_runs)
    consists = ends.packages
    if all_built and (nobody := [one for one in consists if one not in all_built]):
        missing = f"no CI run built the package {within.short(nobody[0])}, which the pipeline version consists of"
        return lacking(missing, "Deliver the packages that CI built and tested, by their digests.")
    if not mine:
        return unknown(
            f"CI tells of no package built from commit {within.short(ends.commit)}",
            "Build the pipeline's packages in CI, and tell their digests with the CI run.",
        )
    return met(*(builds.proof(history, run) for run in ends.builds if run in mine.values()))


def delivery(history: History, ends: Ends) -> Judged:
    """The pipeline version consists of what was built from the version's commit."""
    told = ends.delivered
    if told is None:
        return unknown("no pipeline version is known that the version was made by", TELL_DELIVERIES)
    source = within.by_whom(history, told.kind, told.id)
    proof = Proof(f"pipeline {within.short(told.digest)} delivered to {told.environment}", told.at, source)
    what, remedy = f"pipeline version {within.short(told.digest)}", "Deliver a pipeline built from one commit."
    if told.commit and ends.commit and not within.same_commit(told.commit, ends.commit):
        made = f"{what} is of commit {within.short(told.commit)}, the version of {within.short(ends.commit)}"
        return lacking(made, remedy, proof)
    if not told.packages:
        return unknown(f"{what} does not say which packages it consists of", TELL_DELIVERIES, proof)
    mine, all_built = builds.packages(ends.builds), builds.packages(history.ci_runs)
    for one in ends.packages:
        if one not in mine and one in all_built:
            other = within.short(all_built[one].commit)
            return lacking(f"{what} consists of a package that was built from commit {other}", remedy, proof)
    if any(one not in mine for one in ends.packages):
        return unknown(f"who built the packages of {what} is not known", builds.TELL_CI, proof)
    return met(proof)


def pipeline_run(history: History, ends: Ends) -> Judged:
    """The run made the version with the pipeline version that was in place."""
    run = ends.run
    if run is None:
        named = ends.version.run
        return unknown(f"nothing was told of run {named}" if named else "the version is tied to no run", TIE)
    proof = Proof(
        f"run {run.run}: {run.state}, pipeline {within.short(run.pipeline_digest)}",
        run.at,
        within.by_whom(history, run.kind, run.id),
    )
    if run.state not in FINAL:
        return unknown(f"run {run.run} is {run.state}", "Wait until it ends, and tell how.", proof)
    if run.state != "succeeded":
        return lacking(f"run {run.run} {run.state}", "Deploy versions of runs that succeeded.", proof)
    if run.commit and ends.commit and not within.same_commit(run.commit, ends.commit):
        missing = (
            f"run {run.run} is of commit {within.short(run.commit)}, the version of {within.short(ends.commit)}"
        )
        return lacking(missing, "Register the version with the commit that its run was of.", proof)
    if run.pipeline_digest is None:
        return unknown(f"run {run.run} does not say which pipeline ran", "Tell the run's `pipeline_digest`.", proof)
    return _ran_what_was_delivered(history, ends, run, proof)


def _ran_what_was_delivered(history: History, ends: Ends, run: PipelineRunEvent, proof: Proof) -> Judged:
    deliveries = [one for one in history.pipeline_versions if one.pipeline == run.pipeline]
    there, ran = at_start(deliveries, run, ends.place), within.bare(run.pipeline_digest)
    if there is None:
        later = [one for one in deliveries if within.bare(one.digest) == ran and one.environment == ends.place]
        if later:
            missing = f"run {run.run} started before its pipeline was delivered to {ends.place}"
            return lacking(missing, DELIVER, proof)
        return unknown(f"no pipeline version was delivered before run {run.run}", TELL_DELIVERIES, proof)
    if within.bare(there.digest) != ran:
        missing = (
            f"run {run.run} ran pipeline {within.short(ran)}, delivered to {ends.place} was "
            f"{within.short(there.digest)}"
        )
        return lacking(missing, DELIVER, proof)
    return met(proof)


def model_version(history: History, ends: Ends) -> Judged:
    """Run and version say the same of each other, and of the data."""
    version, run = ends.version, ends.run
    if run is None:
        return unknown("the version is not tied to a run that is known", TIE)
    path = f"/models/{version.model}/versions/{version.name}"
    text = f"{version.model} {version.name} registered, made by run {run.run}"
    proof = Proof(text, version.created_at, version.created_by, path)
    if run.version is not None and not _claims(run, version):
        return lacking(f"run {run.run} says that it made {run.model} {run.version}", TIE, proof)
    others = [one for one in history.runs if one.pipeline == run.pipeline and one != run and _claims(one, version)]
    if others:
        missing = f"run {others[-1].run} says that it made the version, not run {run.run}"
        return lacking(missing, "Register what each run makes as a version of its own.", proof)
    trained, named = within.bare(run.data_digest), within.bare(version.data.get("train"))
    if trained and named and len(trained) == len(named) and trained != named:
        missing = f"run {run.run} was trained on {within.short(trained)}, the version names {within.short(named)}"
        return lacking(missing, "Register the version with the training data of its run.", proof)
    return met(proof)


def deployed(history: History, ends: Ends) -> Judged:  # noqa: ARG001
    """What serves is the artifact that was registered."""
    place, version = ends.deployment, ends.version
    if place is None:
        return unknown("it is not deployed", "assay deploy MODEL@VERSION --environment ENVIRONMENT")
    path = f"/decisions/{place.decision_id}" if place.decision_id else f"/models/{version.model}/serving"
    proof = Proof(f"{version.name} {place.role} in {place.environment}", place.started_at, place.actor, path)
    there, registered = within.bare(place.artifact_digest), within.bare(version.artifact_digest)
    if not there or not registered:
        missing = "no digest is known of what was " + ("registered" if not registered else "deployed")
        return unknown(
            missing, "Register the model's artifact, so that what serves can be compared with it.", proof
        )
    if there != registered:
        missing = f"deployed is artifact {within.short(there)}, registered {within.short(registered)}"
        return lacking(missing, "Deploy the registered artifact again, and find out who changed it.", proof)
    return met(proof)
