"""The delivery metrics over HTTP, from rows of a real database."""

import pytest

from tests.ledger.planting import CI, plant
from tests.ledger.story import at, half_a_year

pytestmark = pytest.mark.both_databases


@pytest.fixture
def read(database, story, client):
    story.model("n", owner="fraud")
    for day in (3, 6, 9):
        story.deploy(str(day), day)
    story.deploy("1", 5, model="n")
    plant(database, story, CI)
    reader = client("viewer")

    def get(path, status=200, **asked):
        answer = reader.get(f"/api/v1/{path}", params={"as_of": at(14).isoformat()} | asked)
        assert answer.status_code == status, answer.text
        return answer.json()

    return get


def test_of_a_model(read):
    told = read("models/m/delivery-metrics", days=[7, 14])
    (model,) = told["models"]
    assert model["name"] == "m"
    assert [one["period"]["name"] for one in model["windows"]] == ["7 days", "14 days"]
    assert [one["frequency"]["deployments"] for one in model["windows"]] == [1, 3]
    assert model["windows"][1]["frequency"] == {
        "deployments": 3,
        "models": 1,
        "per_week": 1.5,
        "band": "high",
        "reason": "",
    }
    assert len(model["trend"]) == 12


def test_of_the_fleet_and_of_a_team(read):
    fleet = read("delivery-metrics", days=[14], every="month")
    assert fleet["fleet"]["windows"][0]["frequency"]["deployments"] == 4
    assert [one["name"] for one in fleet["models"]] == ["m", "n"]
    team = read("delivery-metrics", days=[14], team="fraud")
    assert team["fleet"]["windows"][0]["frequency"]["deployments"] == 1
    assert [one["name"] for one in team["models"]] == ["n"]


@pytest.mark.parametrize(
    ("path", "asked", "status", "says"),
    [
        ("models/mm/delivery-metrics", {}, 404, "no model is registered as 'mm'"),
        ("delivery-metrics", {"team": "frauds"}, 404, 'did you mean "fraud"'),
        ("delivery-metrics", {"days": [0]}, 422, "days"),
        ("delivery-metrics", {"days": list(range(1, 10))}, 422, "days"),
        ("delivery-metrics", {"every": "day"}, 422, "every"),
    ],
)
def test_what_cannot_be_answered_is_refused(read, path, asked, status, says):
    answer = read(path, status, **asked)
    assert says in answer["detail"] + str(answer.get("errors"))


def test_nothing_that_happened_later_is_known(read):
    told = read("models/m/delivery-metrics", days=[14], as_of=at(8).isoformat())
    assert told["models"][0]["windows"][0]["frequency"]["deployments"] == 2


def test_what_is_behind_a_models_numbers(database, client):
    plant(database, half_a_year(), CI)
    answer = client("viewer").get("/api/v1/models/m/delivery-metrics", params={"as_of": at(178).isoformat()})
    facts = answer.json()["models"][0]["facts"]
    assert [one["version"] for one in facts["rollouts"][:2]] == ["0", "1"]
    assert (
        sorted(map(tuple, facts["failed"].values()))
        == [("ab_test",)] * 4 + [("auc",)] * 3 + [("recall", "rollback")] * 4
    )
    assert facts["episodes"][0]["seconds"] == {
        "debugging": 43200.0,
        "retraining": 0.0,
        "redeploying": 0.0,
        "rollback": 21600.0,
    }


def test_ways_into_products(read):
    told = read("products")
    assert (told["models"], told["nowhere"]) == (2, 0)
    assert [(one["model"], one["addresses"][0]["environment"]) for one in told["products"]] == [
        ("m", "production"),
        ("n", "production"),
    ]
    assert [one["model"] for one in read("products", team="fraud")["products"]] == ["n"]
    assert "did you mean" in read("products", 404, team="frauds")["detail"]
