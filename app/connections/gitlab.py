"""What GitLab's webhooks tell.

https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator

from app.connections.translating import Ignored, Payload, Translate, branch_name, commit_event, key, read
from app.evidence.documents import FullCommit, Word
from app.ledger.events import FINAL, CIRunEvent, Event, State

BRANCH = "refs/heads/"
NOTHING = "0" * 40
"""``after`` of a push that deleted a branch."""

STATES: Mapping[str, State] = {
    "running": "running",
    "canceling": "running",
    "success": "succeeded",
    "failed": "failed",
    "canceled": "cancelled",
    "skipped": "cancelled",
}
"""Others (created, pending, manual, scheduled ...) wait."""


def _plain(given: Any) -> Any:
    """GitLab writes some times as 2016-08-12 15:23:28 UTC."""
    return f"{given.removesuffix(' UTC')}Z" if isinstance(given, str) and given.endswith(" UTC") else given


Time = Annotated[AwareDatetime, BeforeValidator(_plain)]


class Project(Payload):
    path_with_namespace: Word


class Person(Payload):
    name: str = ""


class Commit(Payload):
    id: FullCommit
    message: str = ""
    timestamp: Time
    author: Person


class Push(Payload):
    object_kind: Literal["push"]
    ref: str
    after: str
    project: Project
    commits: list[Commit]


class PipelinePart(Payload):
    id: int
    ref: str | None = None
    tag: bool = False
    sha: FullCommit
    status: str
    created_at: Time
    finished_at: Time | None = None
    url: str | None = None


class Build(Payload):
    started_at: Time | None = None


class Pipeline(Payload):
    object_kind: Literal["pipeline"]
    object_attributes: PipelinePart
    project: Project
    builds: list[Build] = []


class Job(Payload):
    object_kind: Literal["build"]
    ref: str
    tag: bool = False
    sha: FullCommit
    build_id: int
    build_status: str
    build_created_at: Time
    build_started_at: Time | None = None
    build_finished_at: Time | None = None
    pipeline_id: int
    project: Project


class MergePart(Payload):
    iid: int
    action: str = ""
    title: str = ""
    target_branch: Word
    merge_commit_sha: FullCommit | None = None
    updated_at: Time


class MergeRequest(Payload):
    object_kind: Literal["merge_request"]
    object_attributes: MergePart
    project: Project
    user: Person


def _push(body: Mapping[str, Any]) -> list[Event]:
    """The newest 20 commits, which is what GitLab tells of a longer push."""
    told = read(Push, body, "a push")
    if told.after == NOTHING or not told.ref.startswith(BRANCH):
        raise Ignored(f"no commit reached a branch: {told.ref}")
    branch, repository = told.ref.removeprefix(BRANCH)[:250], told.project.path_with_namespace
    return [
        commit_event(repository, branch, one.id, one.timestamp, one.author.name, one.message)
        for one in told.commits
    ]


def _merge_request(body: Mapping[str, Any]) -> list[Event]:
    told = read(MergeRequest, body, "a merge request")
    merge, repository = told.object_attributes, told.project.path_with_namespace
    if merge.action != "merge" or merge.merge_commit_sha is None:
        raise Ignored(f"merge request {merge.iid} made no merge commit: {merge.action or 'no action'}")
    made = (merge.target_branch, merge.merge_commit_sha, merge.updated_at, told.user.name, merge.title)
    return [commit_event(repository, *made, way=("merge", merge.iid))]


def _pipeline(body: Mapping[str, Any]) -> list[Event]:
    told = read(Pipeline, body, "a pipeline")
    part = told.object_attributes
    started = min((one.started_at for one in told.builds if one.started_at), default=None)
    state = STATES.get(part.status, "queued")
    at = (part.finished_at if state in FINAL else started if state == "running" else None) or part.created_at
    run = (told.project.path_with_namespace, part.id, part.sha, None if part.tag else part.ref)
    return [_ci_run(*run, state, at, part.status, started, part.url or "")]


def _job(body: Mapping[str, Any]) -> list[Event]:
    """Of its pipeline only that it is at work: another of its jobs may still fail."""
    told = read(Job, body, "a job")
    state: State = "running" if told.build_started_at else "queued"
    at = told.build_finished_at or told.build_started_at or told.build_created_at
    run = (told.project.path_with_namespace, told.pipeline_id, told.sha, None if told.tag else told.ref)
    return [_ci_run(*run, state, at, f"job {told.build_id} {told.build_status}")]


def _ci_run(
    repository: str,
    run: int,
    commit: str,
    branch: str | None,
    state: State,
    at: datetime,
    part: str,
    started_at: datetime | None = None,
    url: str = "",
) -> CIRunEvent:
    return CIRunEvent(
        kind="ci_run",
        id=key(repository, run, state, part, at.isoformat(), started_at or ""),
        at=at,
        repository=repository,
        run=str(run),
        commit=commit,
        branch=branch_name(branch),
        state=state,
        started_at=started_at,
        url=url[:1000],
    )


TRANSLATORS: Mapping[str, Translate] = {
    "Push Hook": _push,
    "Merge Request Hook": _merge_request,
    "Pipeline Hook": _pipeline,
    "Job Hook": _job,
}
