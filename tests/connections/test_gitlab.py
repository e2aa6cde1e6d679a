"""GitLab's messages, signed as it documents, to the ledger; held against schemas of what its code sends."""

import json
from pathlib import Path

import pytest
from jsonschema import ValidationError, validate

from tests.connections.messages import REPOSITORY, SHA, gitlab, standard

pytestmark = pytest.mark.both_databases

URL = "https://gitlab.example.com"
PROJECT = {
    "id": 1,
    "name": "Credit",
    "description": "",
    "web_url": f"{URL}/{REPOSITORY}",
    "avatar_url": None,
    "git_ssh_url": f"git@gitlab.example.com:{REPOSITORY}.git",
    "git_http_url": f"{URL}/{REPOSITORY}.git",
    "namespace": "Bank",
    "visibility_level": 0,
    "path_with_namespace": REPOSITORY,
    "default_branch": "main",
    "ci_config_path": None,
}
GRACE = {"id": 5, "name": "Grace", "username": "grace", "avatar_url": None, "email": "[REDACTED]"}
COMMIT = {
    "id": SHA,
    "message": "Train on March\n\nAll of it.",
    "title": "Train on March",
    "timestamp": "2026-03-01T01:27:31Z",
    "url": f"{URL}/{REPOSITORY}/-/commit/{SHA}",
    "author": {"name": "Ada", "email": "ada@example.com"},
}
PUSH = {
    "object_kind": "push",
    "event_name": "push",
    "before": "0" * 40,
    "after": SHA,
    "ref": "refs/heads/main",
    "ref_protected": True,
    "checkout_sha": SHA,
    "user_id": 5,
    "user_name": "Grace",
    "user_username": "grace",
    "user_email": None,
    "user_avatar": None,
    "project_id": 1,
    "project": PROJECT,
    "commits": [COMMIT],
    "total_commits_count": 1,
}
RUNNER = {
    "id": 2,
    "description": "shared",
    "active": True,
    "is_shared": True,
    "runner_type": "instance_type",
    "tags": [],
}


def build(number, **more):
    return {
        "id": number,
        "stage": "test",
        "name": f"job {number}",
        "status": "success",
        "created_at": "2026-03-01 02:00:00 UTC",
        "started_at": None,
        "finished_at": None,
        "duration": None,
        "queued_duration": None,
        "failure_reason": None,
        "when": "on_success",
        "manual": False,
        "allow_failure": False,
        "user": GRACE,
        "runner": None,
        "artifacts_file": {"filename": None, "size": None},
        "environment": None,
    } | more


PIPELINE = {
    "object_kind": "pipeline",
    "object_attributes": {
        "id": 31,
        "iid": 3,
        "name": None,
        "ref": "main",
        "tag": False,
        "sha": SHA,
        "before_sha": "0" * 40,
        "source": "push",
        "status": "success",
        "detailed_status": "passed",
        "stages": ["test"],
        "created_at": "2026-03-01 02:00:00 UTC",
        "finished_at": "2026-03-01 02:09:00 UTC",
        "duration": 540,
        "queued_duration": 3,
        "variables": [],
        "url": f"{URL}/{REPOSITORY}/-/pipelines/31",
    },
    "merge_request": None,
    "user": GRACE,
    "project": PROJECT,
    "commit": COMMIT,
    "builds": [
        build(380),
        build(377, started_at="2026-03-01 02:01:00 UTC", finished_at="2026-03-01 02:08:00 UTC"),
    ],
}
JOB = {
    "object_kind": "build",
    "ref": "main",
    "tag": False,
    "before_sha": "0" * 40,
    "sha": SHA,
    "build_id": 377,
    "build_name": "test",
    "build_stage": "test",
    "build_status": "failed",
    "build_created_at": "2026-03-01T02:00:00.123Z",
    "build_started_at": "2026-03-01 02:01:00 UTC",
    "build_finished_at": None,
    "build_duration": None,
    "build_queued_duration": 3.5,
    "build_allow_failure": False,
    "build_failure_reason": "script_failure",
    "retries_count": 0,
    "pipeline_id": 31,
    "project_id": 1,
    "project_name": "Bank / Credit",
    "user": GRACE,
    "commit": {
        "id": 31,
        "name": "nightly",
        "sha": SHA,
        "message": "Train on March",
        "author_name": "Ada",
        "author_email": "ada@example.com",
        "status": "running",
        "duration": None,
        "started_at": "2026-03-01 02:01:00 UTC",
        "finished_at": None,
    },
    "project": PROJECT,
    "runner": RUNNER,
    "environment": None,
    "source_pipeline": {
        "project": {"id": 1, "web_url": f"{URL}/{REPOSITORY}", "path_with_namespace": REPOSITORY},
        "pipeline_id": 30,
        "job_id": 376,
    },
}
MERGE = {
    "object_kind": "merge_request",
    "event_type": "merge_request",
    "user": GRACE,
    "project": PROJECT,
    "object_attributes": {
        "id": 90,
        "iid": 9,
        "action": "merge",
        "title": "Train on March",
        "description": None,
        "source_branch": "march",
        "source_project_id": 1,
        "target_branch": "main",
        "target_project_id": 1,
        "author_id": 5,
        "assignee_id": None,
        "milestone_id": None,
        "state": "merged",
        "merge_status": "can_be_merged",
        "merge_commit_sha": SHA,
        "labels": [],
        "source": PROJECT,
        "target": PROJECT,
        "last_commit": COMMIT,
        "draft": False,
        "detailed_merge_status": "not_open",
        "created_at": "2026-03-01 01:30:00 UTC",
        "updated_at": "2026-03-01 02:00:00 UTC",
    },
    "labels": [],
    "changes": {},
}


@pytest.fixture
def key(connect, declared):
    return connect("gitlab", repositories=[REPOSITORY])["secret"]


@pytest.mark.parametrize(
    ("event", "body", "expected"),
    [
        ("Push Hook", PUSH, {"kind": "commit", "branch": "main", "author": "Ada", "message": "Train on March"}),
        ("Push Hook", PUSH, {"at": "2026-03-01T01:27:31Z", "commit": SHA}),
        ("Merge Request Hook", MERGE, {"kind": "commit", "author": "Grace", "at": "2026-03-01T02:00:00Z"}),
        ("Pipeline Hook", PIPELINE, {"kind": "ci_run", "run": "31", "state": "succeeded"}),
        ("Pipeline Hook", PIPELINE, {"at": "2026-03-01T02:09:00Z", "started_at": "2026-03-01T02:01:00Z"}),
        ("Job Hook", JOB, {"kind": "ci_run", "run": "31", "state": "running", "commit": SHA}),
    ],
)
def test_what_is_told(key, send, told, event, body, expected):
    answer = send("gitlab", *gitlab(key, event, body))
    assert (answer.status_code, answer.json()["status"]) == (200, "recorded"), answer.text
    (found,) = told()
    assert {name: found[name] for name in expected} == expected


def test_a_signing_token_is_standard_webhooks(key, send, told):
    headers, content = standard(key, PUSH)
    assert send("gitlab", headers | {"X-Gitlab-Event": "Push Hook"}, content).status_code == 200
    spoilt = headers | {"webhook-signature": "v1,AAAA", "X-Gitlab-Token": key, "webhook-id": "other"}
    assert send("gitlab", spoilt, content).status_code == 401  # a bad signature is not rescued by a token
    assert len(told()) == 1


def test_a_wrong_token_and_the_same_message_again(key, send, told, messages):
    headers, content = gitlab(key, "Pipeline Hook", PIPELINE)
    assert send("gitlab", headers | {"X-Gitlab-Token": key[:-1]}, content).status_code == 401
    assert [send("gitlab", headers, content).status_code for _ in range(3)] == [200] * 3
    assert messages("gitlab") == [("recorded", "", 3)]
    del headers["Idempotency-Key"]  # before GitLab 17 there was none
    assert send("gitlab", headers, content).status_code == 200
    assert len(told()) == 1


@pytest.mark.parametrize(
    ("event", "body", "code", "words"),
    [
        ("Push Hook", PUSH | {"after": "0" * 40}, 200, "no commit reached a branch"),
        ("Push Hook", PUSH | {"ref": "refs/tags/v1"}, 200, "no commit reached a branch"),
        ("Issue Hook", {"object_kind": "issue"}, 200, "are read, not Issue Hook"),
        ("Pipeline Hook", PUSH, 422, "this is not a pipeline: object_kind"),
        ("Push Hook", PUSH | {"project": {"path_with_namespace": "bank/other"}}, 422, "'bank/other'"),
        ("Job Hook", JOB | {"build_created_at": "at noon"}, 422, "build_created_at"),
    ],
)
def test_what_is_not_taken(key, send, messages, told, event, body, code, words):
    answer = send("gitlab", *gitlab(key, event, body))
    assert answer.status_code == code
    ((status, reason, _),) = messages("gitlab")
    assert status == ("ignored" if code == 200 else "refused")
    assert words in reason
    assert told() == []


SENT = {"Push Hook": PUSH, "Merge Request Hook": MERGE, "Pipeline Hook": PIPELINE, "Job Hook": JOB}


SCHEMAS = json.loads(Path(__file__).with_name("gitlab").joinpath("schemas.json").read_text())


@pytest.mark.parametrize("event", SENT)
def test_the_messages_here_are_as_gitlab_sends_them(event):
    schema = SCHEMAS | {"$ref": SCHEMAS["events"][event]}
    validate(SENT[event], schema)
    with pytest.raises(ValidationError, match="is a required property"):
        validate(SENT[event] | {"project": {}}, schema)


@pytest.mark.parametrize("event", SENT)
def test_what_gitlab_may_leave_out_is_not_asked_for(key, send, event):
    """A message of what its schema requires alone, and of the ids that its code always sends, is understood."""
    least = _least(SENT[event], SCHEMAS["$defs"][SCHEMAS["events"][event].rpartition("/")[2]])
    assert send("gitlab", *gitlab(key, event, least)).status_code == 200


ALWAYS = {"id", "ref", "after", "sha", "build_created_at", "merge_commit_sha"}
"""Optional in the schemas, which are of all events at once, and never left out by GitLab's code."""


def _least(given, schema):
    if ref := schema.get("$ref"):
        schema = SCHEMAS["$defs"][ref.rpartition("/")[2]]
    if isinstance(given, list):
        return [_least(one, schema["items"]) for one in given]
    if not isinstance(given, dict) or "properties" not in schema:
        return given
    kept = set(schema.get("required", ())) | ALWAYS
    return {key: _least(value, schema["properties"].get(key, {})) for key, value in given.items() if key in kept}
