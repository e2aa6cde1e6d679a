"""Scorecards of pipelines, over HTTP and on a real database."""

from datetime import timedelta

import pytest

from app.db import utcnow
from tests.ledger.reading.planted import MODEL, PIPELINE, REPOSITORY, digest

pytestmark = pytest.mark.both_databases

DECLARED = {"name": PIPELINE, "owner": "risk", "repository": REPOSITORY, "models": [MODEL]}
STAGES = [
    {"name": "check-data", "role": "validation", "state": "succeeded"},
    {"name": "check-model", "role": "model_validation", "state": "succeeded"},
]


def ago(days):
    return (utcnow() - timedelta(days=days)).isoformat()


def a_run(name, days, **more):
    told = {"kind": "pipeline_run", "id": name, "at": ago(days), "pipeline": PIPELINE, "run": name}
    return told | {"state": "succeeded", "trigger": "schedule"} | more


def whole(name, days, environment="production"):
    return a_run(
        name,
        days,
        environment=environment,
        pipeline_digest=digest("pipeline"),
        data_digest=digest(name),
        evaluation_digest=digest("test"),
        stages=STAGES,
        parameters={"depth": 6},
        metrics={"auc": 0.8},
        model=MODEL,
    )


@pytest.fixture
def ci(client):
    return client("ci")


@pytest.fixture
def declared(ci):
    assert ci.put(f"/api/v1/pipelines/{PIPELINE}", json=DECLARED).status_code == 200


@pytest.fixture
def tell(ci):
    def send(*events):
        answer = ci.post("/api/v1/ledger/events", json={"events": events})
        assert answer.status_code == 200, answer.text

    return send


@pytest.fixture
def card(client):
    viewer = client("viewer")

    def get(**asked):
        answer = viewer.get(f"/api/v1/pipelines/{PIPELINE}/scorecard", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


def test_the_automation_level_of_a_pipeline(declared, tell, card):
    assert card()["automation"]["level"] is None
    tell(a_run("by-hand", 9, trigger="manual"))
    assert card()["automation"]["level"] == 0
    tell(whole("nightly-1", 2, "development"), whole("nightly-2", 1))
    tell(whole("by-hand", 9) | {"trigger": "manual", "id": "by-hand-more"})
    found = card()["automation"]
    assert found["level"] == 1, found["missing"]
    assert [one["judged"]["status"] for one in found["clauses"]["1"]] == ["met"] * 6
    assert card(as_of=ago(5))["automation"]["level"] == 0
    assert card(as_of=ago(500))["automation"]["level"] is None


def test_an_unknown_pipeline_is_named_with_the_nearest(declared, ci):
    answer = ci.get(f"/api/v1/pipelines/{PIPELINE}s/scorecard")
    assert (answer.status_code, PIPELINE in answer.json()["detail"]) == (404, True)
