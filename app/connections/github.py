"""What GitHub's webhooks tell.

https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.connections.github_payloads import (
    CheckRun,
    CheckSuite,
    Delivered,
    DeploymentStatus,
    PackageMessage,
    Published,
    PullRequest,
    Push,
    RegistryPackageMessage,
    Release,
    Suite,
    WorkflowJob,
    WorkflowRun,
)
from app.connections.translating import Ignored, Translate, branch_name, commit_event, key, read
from app.ledger.events import CIRunEvent, Event, Package, PipelineVersionEvent, State

BRANCH = "refs/heads/"
ACTIONS = "github-actions"
COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

CONCLUSIONS: Mapping[str, State] = {
    "success": "succeeded",
    "neutral": "succeeded",
    "failure": "failed",
    "timed_out": "failed",
    "startup_failure": "failed",
    "cancelled": "cancelled",
    "skipped": "cancelled",
    "stale": "cancelled",
}
"""Others (action_required) are unknown: somebody must decide first."""


def _push(body: Mapping[str, Any]) -> list[Event]:
    told = read(Push, body, "a push")
    if told.deleted or not told.ref.startswith(BRANCH):
        raise Ignored(f"no commit reached a branch: {told.ref}{' was deleted' if told.deleted else ''}")
    commits = {one.id: one for one in (*told.commits, *filter(None, [told.head_commit]))}
    branch, repository = told.ref.removeprefix(BRANCH)[:250], told.repository.full_name
    return [
        commit_event(repository, branch, one.id, one.timestamp, one.author.name, one.message)
        for one in commits.values()
    ]


def _pull_request(body: Mapping[str, Any]) -> list[Event]:
    told = read(PullRequest, body, "a pull request")
    proposal, repository = told.pull_request, told.repository.full_name
    if not (told.action == "closed" and proposal.merged and proposal.merged_at and proposal.merge_commit_sha):
        raise Ignored(f"pull request {proposal.number} is not merged: {told.action}")
    who = proposal.merged_by.login if proposal.merged_by else ""
    merge = (proposal.base.ref, proposal.merge_commit_sha, proposal.merged_at, who, proposal.title)
    return [commit_event(repository, *merge, way=("pull", proposal.number))]


def _workflow_run(body: Mapping[str, Any]) -> list[Event]:
    told = read(WorkflowRun, body, "a workflow run")
    run, repository = told.workflow_run, told.repository.full_name
    state = _state(run.status, run.conclusion)
    return [
        CIRunEvent(
            kind="ci_run",
            id=key(repository, run.id, run.run_attempt, state, run.updated_at.isoformat()),
            at=run.updated_at,
            repository=repository,
            run=str(run.id),
            commit=run.head_sha,
            branch=branch_name(run.head_branch),
            state=state,
            started_at=run.run_started_at,
            url=run.html_url[:1000],
        )
    ]


def _workflow_job(body: Mapping[str, Any]) -> list[Event]:
    """Of the run only that it is at work: another of its jobs may still fail."""
    told = read(WorkflowJob, body, "a job of a workflow")
    job, repository = told.workflow_job, told.repository.full_name
    state: State = "queued" if job.status in {"queued", "waiting", "pending"} else "running"
    return [
        CIRunEvent(
            kind="ci_run",
            id=key(repository, job.run_id, "job", job.id, job.status),
            at=job.completed_at or job.started_at,
            repository=repository,
            run=str(job.run_id),
            commit=job.head_sha,
            branch=branch_name(job.head_branch),
            state=state,
        )
    ]


def _check_suite(body: Mapping[str, Any]) -> list[Event]:
    told = read(CheckSuite, body, "a check suite")
    suite = told.check_suite
    return _of_suite(told.repository.full_name, suite, suite.updated_at, _state(suite.status, suite.conclusion))


def _check_run(body: Mapping[str, Any]) -> list[Event]:
    """Of its suite only that it is at work."""
    told = read(CheckRun, body, "a check run")
    check = told.check_run
    state: State = "queued" if check.status == "queued" else "running"
    at = check.completed_at or check.started_at
    return _of_suite(told.repository.full_name, check.check_suite, at, state, check.id)


def _of_suite(
    repository: str, suite: Suite, at: datetime | None, state: State, check: int | str = ""
) -> list[Event]:
    if suite.app.slug == ACTIONS:
        raise Ignored("of GitHub Actions the workflow runs are read, which tell the same")
    if at is None:
        raise Ignored("it does not tell when")
    return [
        CIRunEvent(
            kind="ci_run",
            id=key(repository, "suite", suite.id, check, state, at.isoformat()),
            at=at,
            repository=repository,
            run=f"check-suite-{suite.id}",
            commit=suite.head_sha,
            branch=branch_name(suite.head_branch),
            state=state,
        )
    ]


def _package(body: Mapping[str, Any]) -> list[Event]:
    told = read(PackageMessage, body, "a package")
    return _published(told.repository.full_name, told.package)


def _registry_package(body: Mapping[str, Any]) -> list[Event]:
    told = read(RegistryPackageMessage, body, "a package of a registry")
    return _published(told.repository.full_name, told.registry_package)


def _published(repository: str, package: Published) -> list[Event]:
    version = package.package_version
    tag = version.container_metadata and version.container_metadata.tag if version else None
    digest = (tag and tag.digest) or (version.name if version else "")
    if version is None or version.created_at is None or not COMMIT.fullmatch(version.target_oid or ""):
        raise Ignored(f"the package {package.name} does not tell which commit it was built from")
    if not DIGEST.fullmatch(digest):
        raise Ignored(f"the package {package.name} does not tell its digest")
    return [
        CIRunEvent(
            kind="ci_run",
            id=key(repository, "package", version.id),
            at=version.created_at,
            repository=repository,
            run=f"package-{version.id}",
            commit=version.target_oid or "",
            state="succeeded",
            packages=[Package(name=package.name, digest=digest)],
            url=(package.html_url or "")[:1000],
        )
    ]


def _release(body: Mapping[str, Any]) -> list[Event]:
    told = read(Release, body, "a release")
    release, repository = told.release, told.repository.full_name
    if told.action != "published" or release.published_at is None:
        raise Ignored(f"the release {release.tag_name} is not published: {told.action}")
    if not COMMIT.fullmatch(release.target_commitish):
        raise Ignored(f"the release {release.tag_name} names no commit: {release.target_commitish or 'nothing'}")
    packages = [Package(name=one.name, digest=one.digest) for one in release.assets if one.digest]
    return [
        CIRunEvent(
            kind="ci_run",
            id=key(repository, "release", release.id),
            at=release.published_at,
            repository=repository,
            run=f"release-{release.id}",
            commit=release.target_commitish,
            state="succeeded",
            packages=packages,
            url=release.html_url[:1000],
        )
    ]


def _deployment_status(body: Mapping[str, Any]) -> list[Event]:
    """A pipeline that was delivered, where the deployment's payload says which."""
    told = read(DeploymentStatus, body, "a deployment's status")
    status = told.deployment_status
    if status.state != "success":
        raise Ignored(f"the deployment has not succeeded: {status.state}")
    payload = told.deployment.payload
    if not isinstance(payload, dict) or "pipeline" not in payload:
        raise Ignored("the deployment's payload names no pipeline and digest that were delivered")
    delivered = read(Delivered, payload, "a deployment's payload")
    return [
        PipelineVersionEvent(
            kind="pipeline_version",
            id=key(told.repository.full_name, "deployment", status.id),
            at=status.created_at,
            pipeline=delivered.pipeline,
            digest=delivered.digest,
            environment=status.environment,
            commit=told.deployment.sha,
            packages=delivered.packages,
        )
    ]


def _state(status: str | None, conclusion: str | None) -> State:
    if status == "completed":
        return CONCLUSIONS.get(conclusion or "", "unknown")
    return "running" if status == "in_progress" else "queued"


TRANSLATORS: Mapping[str, Translate] = {
    "push": _push,
    "pull_request": _pull_request,
    "workflow_run": _workflow_run,
    "workflow_job": _workflow_job,
    "check_suite": _check_suite,
    "check_run": _check_run,
    "package": _package,
    "registry_package": _registry_package,
    "release": _release,
    "deployment_status": _deployment_status,
}
