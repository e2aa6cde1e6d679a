"""MLflow's and anybody's messages, signed as each documents it, to the ledger."""

import time

import pytest

from tests.connections.messages import mlflow, standard

pytestmark = pytest.mark.both_databases

RUN = {
    "kind": "pipeline_run",
    "id": "nightly",
    "at": "2026-03-01T02:10:00Z",
    "pipeline": "credit-training",
    "run": "nightly",
    "state": "succeeded",
}


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
