"""GitLab's, MLflow's and anybody's messages, signed as each documents it, to the ledger."""

import time

import pytest

from tests.connections.messages import REPOSITORY, SHA, gitlab, mlflow, standard

pytestmark = pytest.mark.both_databases

PROJECT = {"id": 1, "path_with_namespace": REPOSITORY, "default_branch": "main"}
PUSH = {
    "object_kind": "push",
    "ref": "refs/heads/main",
    "before": "0" * 40,
    "after": SHA,
    "project": PROJECT,
    "commits": [
        {
            "id": SHA,
            "message": "Train on March\n\nAll of it.",
            "timestamp": "2026-03-01T01:27:31Z",
            "author": {"name": "Ada", "email": "ada@example.com"},
        }
    ],
    "total_commits_count": 1,
}
PIPELINE = {
    "object_kind": "pipeline",
    "object_attributes": {
        "id": 31,
        "ref": "main",
        "tag": False,
        "sha": SHA,
        "status": "success",
        "created_at": "2026-03-01 02:00:00 UTC",
        "finished_at": "2026-03-01 02:09:00 UTC",
        "url": "https://gitlab.example.com/bank/credit/-/pipelines/31",
    },
    "project": PROJECT,
    "builds": [
        {"id": 380, "started_at": None, "finished_at": None},
        {"id": 377, "started_at": "2026-03-01 02:01:00 UTC", "finished_at": "2026-03-01 02:08:00 UTC"},
    ],
}
JOB = {
    "object_kind": "build",
    "ref": "main",
    "tag": False,
    "sha": SHA,
    "build_id": 377,
    "build_status": "failed",
    "build_created_at": "2026-03-01T02:00:00.123Z",
    "build_started_at": "2026-03-01 02:01:00 UTC",
    "build_finished_at": None,
    "pipeline_id": 31,
    "project": PROJECT,
}
MERGE = {
    "object_kind": "merge_request",
    "user": {"name": "Grace"},
    "project": PROJECT,
    "object_attributes": {
        "iid": 9,
        "action": "merge",
        "title": "Train on March",
        "target_branch": "main",
        "merge_commit_sha": SHA,
        "updated_at": "2026-03-01 02:00:00 UTC",
    },
}
RUN = {
    "kind": "pipeline_run",
    "id": "nightly",
    "at": "2026-03-01T02:10:00Z",
    "pipeline": "credit-training",
    "run": "nightly",
    "state": "succeeded",
}


class TestGitLab:
    @pytest.fixture
    def key(self, connect, declared):  # noqa: ARG002
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
    def test_what_is_told(self, key, send, told, event, body, expected):
        answer = send("gitlab", *gitlab(key, event, body))
        assert (answer.status_code, answer.json()["status"]) == (200, "recorded"), answer.text
        (found,) = told()
        assert {name: found[name] for name in expected} == expected

    def test_a_signing_token_is_standard_webhooks(self, key, send, told):
        headers, content = standard(key, PUSH)
        assert send("gitlab", headers | {"X-Gitlab-Event": "Push Hook"}, content).status_code == 200
        spoilt = headers | {"webhook-signature": "v1,AAAA", "X-Gitlab-Token": key, "webhook-id": "other"}
        assert send("gitlab", spoilt, content).status_code == 401  # a bad signature is not rescued by a token
        assert len(told()) == 1

    def test_a_wrong_token_and_the_same_message_again(self, key, send, told, messages):
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
    def test_what_is_not_taken(self, key, send, messages, told, event, body, code, words):
        answer = send("gitlab", *gitlab(key, event, body))
        assert answer.status_code == code
        ((status, reason, _),) = messages("gitlab")
        assert status == ("ignored" if code == 200 else "refused")
        assert words in reason
        assert told() == []


class TestMLflow:
    @pytest.fixture
    def key(self, connect):
        return connect("mlflow", models={"credit": "credit-default"})["secret"]

    def test_versions_tags_and_aliases(self, key, send, told, messages):
        created = {"name": "credit", "version": "3", "source": "runs:/r7/m", "run_id": "r7", "tags": {}}
        tag = {"name": "credit", "version": "3", "key": "assay.version", "value": "1.3.0"}
        alias = {"name": "credit", "version": "3", "alias": "champion"}
        for entity, action, data in (
            ("model_version", "created", created),
            ("model_version_tag", "set", tag),
            ("model_version_alias", "created", alias),
        ):
            assert send("mlflow", *mlflow(key, entity, action, data)).status_code == 200
        assert [(one["name"], one["number"], one["model"]) for one in told()] == [
            ("credit", "3", "credit-default")
        ] * 3
        found = {name: value for one in told() for name, value in one.items()}
        assert (found["run"], found["version"], found["aliases"]) == ("r7", "1.3.0", ["champion"])
        assert {reason for _, reason, _ in messages("mlflow")} == {"no model is registered as 'credit-default'"}

    @pytest.mark.parametrize(
        ("entity", "action", "data", "code", "words"),
        [
            (
                "model_version_tag",
                "set",
                {"name": "credit", "version": "3", "key": "a", "value": "b"},
                200,
                "not a",
            ),
            ("model_version_alias", "deleted", {"name": "credit", "alias": "champion"}, 200, "are read, not"),
            ("prompt", "created", {"name": "p"}, 200, "are read, not prompt.created"),
            ("model_version", "created", {"name": "fraud", "version": "1"}, 422, "the model 'fraud'"),
            ("model_version", "created", {"name": "credit"}, 422, "this is not a model version: version"),
            (
                "model_version_tag",
                "set",
                {"name": "credit", "version": "3", "key": "assay.version", "value": ""},
                422,
                "no event of the ledger",
            ),
        ],
    )
    def test_what_is_not_taken(self, key, send, messages, told, entity, action, data, code, words):
        assert send("mlflow", *mlflow(key, entity, action, data)).status_code == code
        assert words in messages("mlflow")[0][1]
        assert told() == []

    @pytest.mark.parametrize("seconds", [-301, 302, None])
    def test_a_replay_is_refused(self, key, send, told, messages, seconds):
        at = 0 if seconds is None else time.time() + seconds
        created = {"name": "credit", "version": "3", "run_id": "r7"}
        answer = send("mlflow", *mlflow(key, "model_version", "created", created, at=at))
        assert (answer.status_code, "more than 5 minutes from now" in answer.json()["detail"]) == (401, True)
        headers, content = mlflow(key, "model_version", "created", created, at=at)
        now = headers | {"X-MLflow-Timestamp": str(int(time.time()))}
        assert send("mlflow", now, content).status_code == 401  # the time is signed
        assert (told(), messages("mlflow")) == ([], [])


class TestAnybody:
    @pytest.fixture
    def key(self, connect, declared):  # noqa: ARG002
        return connect("webhook", pipelines=["credit-training"])["secret"]

    def message(self, *events):
        return {"type": "ledger.events", "timestamp": "2026-03-01T02:10:00Z", "data": {"events": events}}

    def test_events_as_they_are(self, key, send, told, messages):
        message = standard(key, self.message(RUN))
        assert [send("webhook", *message).status_code for _ in range(3)] == [200] * 3
        assert [one["run"] for one in told()] == ["nightly"]
        assert messages("webhook") == [("recorded", "", 3)]
        assert send("webhook", *standard(key, self.message(RUN | {"state": "failed"}))).status_code == 422
        assert "with other content" in messages("webhook")[1][1]

    @pytest.mark.parametrize(
        ("event", "words"),
        [
            (RUN | {"pipeline": "scoring"}, "the pipeline 'scoring'"),
            (RUN | {"model": "credit-default"}, "the model 'credit-default'"),
            (RUN | {"state": "done"}, "state"),
            (RUN | {"colour": "red"}, "colour"),
        ],
    )
    def test_what_it_does_not_speak_about_is_refused(self, key, send, told, messages, event, words):
        assert send("webhook", *standard(key, self.message(RUN, event))).status_code == 422
        assert words in messages("webhook")[0][1]
        assert told() == []

    def test_another_type_and_an_old_message(self, key, send, told):
        body = self.message(RUN) | {"type": "invoice.paid"}
        assert "type" in send("webhook", *standard(key, body)).json()["detail"]
        old = standard(key, self.message(RUN), at=time.time() - 301)
        assert send("webhook", *old).status_code == 401
        headers, content = standard(key, self.message(RUN))
        two = headers | {"webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}
        assert send("webhook", two, content).status_code == 200
        assert len(told()) == 1
