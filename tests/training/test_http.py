"""Trainers and requests over HTTP."""

from __future__ import annotations

import pytest

from tests.audits.conftest import plant
from tests.training.conftest import MODEL, PIPELINE, WHERE

pytestmark = pytest.mark.both_databases

URL = "https://93.184.215.14/hook"
TRAINER = f"/api/v1/pipelines/{PIPELINE}/trainer"
ASK = f"/api/v1/pipelines/{PIPELINE}/training-requests"


def form(**changes):
    given = {"target": {"kind": "webhook", "url": URL}, "models": [MODEL], "environments": [WHERE]}
    return given | changes


@pytest.fixture
def ci(client, version):
    return client("ci")


@pytest.fixture
def put(ci):
    def send(status=200, **changes):
        answer = ci.put(TRAINER, json=form(**changes))
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


@pytest.fixture
def ask(ci):
    def send(status=201, headers=None, **asked):
        answer = ci.post(ASK, json={"cause": "on_demand"} | asked, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


def paths(problem):
    return [one["path"] for one in problem["errors"]]


def test_the_secret_is_shown_once(put, ci):
    made = put()
    assert made["secret"].startswith("whsec_")
    assert (made["pipeline"], made["signed_by"], made["created_by"]) == (PIPELINE, "signature", "test-ci")
    assert put()["secret"] is None
    assert put(cool_down_hours=1)["secret"] is None
    shown = ci.get(TRAINER).json()
    assert shown["cool_down_hours"] == 1
    assert made["secret"] not in str(shown)
    moved = put(target={"kind": "webhook", "url": f"{URL}/2"})
    assert moved["secret"] not in {None, made["secret"]}


def test_a_viewer_sees_and_changes_nothing(put, client):
    put()
    viewer = client("viewer")
    assert viewer.get(TRAINER).status_code == 200
    assert viewer.put(TRAINER, json=form()).status_code == 403
    assert viewer.delete(TRAINER).status_code == 403
    assert viewer.post(ASK, json={"cause": "on_demand"}).status_code == 403


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"target": {"kind": "webhook", "url": "http://127.0.0.1:1/"}}, "target.url"),
        ({"target": {"kind": "webhook", "url": "https://10.0.0.7/"}}, "target.url"),
        ({"target": {"kind": "kfp", "url": "http://169.254.169.254/", "pipeline_id": "p"}}, "target.url"),
        ({"target": {"kind": "webhook", "url": "file:///etc/passwd"}}, "target.url"),
        ({"target": {"kind": "github", "repository": "../x/y"}, "token": "t"}, "target.github.repository"),
        ({"target": {"kind": "github", "repository": "a/b", "workflow": "../x"}}, "target.github.workflow"),
        ({"target": {"kind": "kfp", "url": URL}}, "target.kfp.pipeline_id"),
        ({"target": {"kind": "airflow", "url": URL}}, "target"),
        ({"models": ["unknown"]}, "models.0"),
        ({"environments": ["Production!"]}, "environments.0"),
        ({"causes": ["boredom"]}, "causes.0"),
        ({"schedule": "never"}, "schedule"),
        ({"schedule": "0 6 * * *", "environments": []}, "environments"),
        ({"cool_down_hours": -1}, "cool_down_hours"),
        ({"most_open": 0}, "most_open"),
        ({"deadline_hours": 0}, "deadline_hours"),
        ({"token": "t"}, "token"),
        ({"secret": "s"}, "secret"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(put, ci, changes, path):
    assert path in paths(put(422, **changes))
    assert ci.get(TRAINER).status_code == 404


def test_a_pipeline_that_nobody_knows(ci):
    answer = ci.put("/api/v1/pipelines/credit-trainin/trainer", json=form())
    assert answer.status_code == 404
    assert f'did you mean "{PIPELINE}"?' in answer.json()["detail"]
    assert "has no trainer" in ci.post(ASK, json={"cause": "on_demand"}).json()["detail"]


def test_asking_on_demand(put, ask, ci):
    put()
    made = ask(reason="The bureau changed its scale")
    assert (made["status"], made["cause"], made["model"], made["environment"]) == (
        "pending",
        "on_demand",
        MODEL,
        WHERE,
    )
    assert made["because"] == ["test-ci asked: The bureau changed its scale"]
    assert ci.get(f"/api/v1/training-requests/{made['id']}").json() == made
    listed = ci.get("/api/v1/training-requests", params={"model": MODEL, "pipeline": PIPELINE, "status": "pending"})
    assert listed.json()["items"] == [made]
    assert ci.get("/api/v1/training-requests/tr_none").status_code == 404


def test_the_same_request_and_the_same_data_ask_once(put, ask):
    put(causes=["new_data", "on_demand"])
    once, again = (ask(headers={"Idempotency-Key": "k"})["id"] for _ in range(2))
    assert once == again
    first = ask(cause="new_data", data_digest="sha256:1")
    assert (first["status"], first["covered_by"]) == ("superseded", once)
    assert ask(cause="new_data", data_digest="sha256:1")["id"] == first["id"]
    assert ask(cause="new_data", data_digest="sha256:2")["id"] != first["id"]


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"cause": "new_data"}, "cause"),
        ({"cause": "degradation"}, "cause"),
        ({"model": "another"}, "model"),
        ({"environment": "staging"}, "environment"),
    ],
)
def test_what_the_trainer_does_not_heed(put, ask, database, asked, path):
    with database.write() as session:
        plant(session, "another")
    put(causes=["on_demand"])
    assert path in paths(ask(422, **asked))


def test_where_the_trainer_is_for_several_one_is_named(put, ask):
    put(models=[], environments=[])
    assert paths(ask(422)) == ["environment"]
    assert ask(environment="pilot")["environment"] == "pilot"


def test_what_waits_for_a_trainer_that_is_removed_is_called_off(put, ask, ci):
    put()
    waiting = ask()["id"]
    assert ci.delete(TRAINER).status_code == 204
    assert ci.get(TRAINER).status_code == 404
    left = ci.get(f"/api/v1/training-requests/{waiting}").json()
    assert (left["status"], left["reason"]) == ("superseded", "test-ci removed the trainer")
    assert put()["secret"]
