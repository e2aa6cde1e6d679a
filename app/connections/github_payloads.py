"""The parts of GitHub's messages that are read, after the schemas that it publishes (@octokit/webhooks-schemas)."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from app.connections.translating import Payload
from app.evidence.documents import FullCommit, Word
from app.ledger.events import Digest, Environment


class Repository(Payload):
    full_name: Word


class Person(Payload):
    name: str = ""
    login: str = ""


class Commit(Payload):
    id: FullCommit
    message: str
    timestamp: AwareDatetime
    author: Person


class Push(Payload):
    ref: str
    deleted: bool = False
    commits: list[Commit]
    head_commit: Commit | None = None
    repository: Repository


class Ref(Payload):
    ref: Word


class Proposal(Payload):
    number: int
    title: str = ""
    merged: bool | None = None
    merged_at: AwareDatetime | None = None
    merge_commit_sha: FullCommit | None = None
    merged_by: Person | None = None
    base: Ref


class PullRequest(Payload):
    action: str
    pull_request: Proposal
    repository: Repository


class Run(Payload):
    id: int
    run_attempt: int = 1
    head_sha: FullCommit
    head_branch: str | None = None
    status: str
    conclusion: str | None = None
    run_started_at: AwareDatetime | None = None
    updated_at: AwareDatetime
    html_url: str = ""


class WorkflowRun(Payload):
    workflow_run: Run
    repository: Repository


class Job(Payload):
    id: int
    run_id: int
    head_sha: FullCommit
    head_branch: str | None = None
    status: str
    started_at: AwareDatetime
    completed_at: AwareDatetime | None = None


class WorkflowJob(Payload):
    workflow_job: Job
    repository: Repository


class App(Payload):
    slug: str = ""


class Suite(Payload):
    id: int
    head_sha: FullCommit
    head_branch: str | None = None
    status: str | None = None
    conclusion: str | None = None
    updated_at: AwareDatetime | None = None
    app: App


class CheckSuite(Payload):
    check_suite: Suite
    repository: Repository


class Check(Payload):
    id: int
    status: str
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    html_url: str | None = None
    check_suite: Suite


class CheckRun(Payload):
    check_run: Check
    repository: Repository


class Asset(Payload):
    name: Word
    digest: Digest | None = None


class Tag(Payload):
    digest: str | None = None


class Container(Payload):
    tag: Tag | None = None


class PublishedVersion(Payload):
    id: int
    name: str = ""
    target_oid: str | None = None
    created_at: AwareDatetime | None = None
    container_metadata: Container | None = None


class Published(Payload):
    name: Word
    html_url: str | None = None
    package_version: PublishedVersion | None = None


class PackageMessage(Payload):
    package: Published
    repository: Repository


class RegistryPackageMessage(Payload):
    registry_package: Published
    repository: Repository


class Version(Payload):
    id: int
    tag_name: Word
    target_commitish: str = ""
    published_at: AwareDatetime | None = None
    html_url: str = ""
    assets: list[Asset] = []


class Release(Payload):
    action: str
    release: Version
    repository: Repository


class Deployed(Payload):
    id: int
    state: str
    environment: Environment
    created_at: AwareDatetime


class Delivered(Payload):
    """``pipeline`` and ``digest``: what the deployment's author put into its free ``payload``."""

    pipeline: Word
    digest: Digest
    packages: list[Digest] = []


class Deployment(Payload):
    sha: FullCommit
    payload: Any = None


class DeploymentStatus(Payload):
    deployment_status: Deployed
    deployment: Deployment
    repository: Repository
