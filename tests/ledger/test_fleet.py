"""The ledger of the whole fleet over HTTP and the command line, and who told what."""

import json

import pytest

from app.cli import run
from tests.evidence.collecting.conftest import server
from tests.ledger.planting import CI, plant
from tests.ledger.story import START, Story, at
from tests.pages.reading import Page

__all__ = ["server"]


@pytest.fixture
def story(database):
    """A pipeline whose second run made the version that serves for "m"; of "n" nothing is known."""
    story = Story()
    story.pipeline()
    story.model("n", owner="fraud")
    for number in (1, 2):
        metrics = {"roc_auc": 0.8}
        story.run(f"train-{number}", number, number + 0.5, version=f"{number}", model="m", metrics=metrics)
    story.version("2", pipeline="p", run="train-2")
    story.deploy("2", 3)
    plant(database, story, CI)
    return story


@pytest.fixture
def read(story, client):
    reader = client("viewer")

    def get(path, status=200, **asked):
        answer = reader.get(f"/api/v1/{path}", params={"as_of": at(5).isoformat()} | asked)
        assert answer.status_code == status, answer.text
        return answer.json()

    return get


@pytest.mark.both_databases
def test_the_fleet_says_of_each_model_what_its_own_ledger_says(read):
    found = read("ledger")
    assert [one["model"] for one in found["items"]] == ["n", "m"]
    for told in found["items"]:
        own = read(f"models/{told['model']}/ledger")
        assert told["counts"] == own["counts"]
        assert told["rows"] == [{key: row[key] for key in told["rows"][0]} for row in own["rows"]]
    silent, served = (one["counts"]["met"] for one in found["items"])
    assert served > silent


@pytest.mark.both_databases
def test_by_pages_and_of_a_team(read):
    first = read("ledger", limit=1)
    second = read("ledger", limit=1, cursor=first["next_cursor"])
    assert [one["model"] for page in (first, second) for one in page["items"]] == ["n", "m"]
    assert second["next_cursor"] is None
    assert [one["model"] for one in read("ledger", team="fraud")["items"]] == ["n"]
    assert 'did you mean "fraud"' in read("ledger", 404, team="frauds")["detail"]


@pytest.mark.both_databases
def test_nothing_that_happened_later_is_known(read):
    before, after = (
        {one["model"]: one["counts"]["met"] for one in read("ledger", as_of=day.isoformat())["items"]}
        for day in (START, at(5))
    )
    assert before["m"] < after["m"]


def test_the_page_says_who_told(story, client, read):
    sources = {proof["source"] for row in read("models/m/ledger")["rows"] for proof in row["proofs"]}
    assert "tests" in sources
    page = client("viewer").get("/models/m/ledger", headers={"Accept": "text/html"}).text
    assert Page(page).says("told by tests")


@pytest.fixture
def assay(story, server, secret, monkeypatch, capsys):
    monkeypatch.setenv("ASSAY_URL", server.url)
    monkeypatch.setenv("ASSAY_TOKEN", secret("viewer"))
    monkeypatch.setenv("COLUMNS", "300")

    def call(*arguments):
        code = run(["ledger", *arguments])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return captured.out

    return call


@pytest.mark.slow
def test_the_command_line_says_the_same(assay):
    listed = assay()
    assert [line.split()[:2] for line in listed.splitlines() if line.split()[:1] in (["m"], ["n"])] == [
        ["n", "fraud"],
        ["m", "risk"],
    ]
    fleet = json.loads(assay("-o", "json"))
    met = {one["model"]: one["counts"]["met"] for one in fleet}
    (line,) = (line for line in listed.splitlines() if line.split()[:1] == ["m"])
    shown = [row["number"] for one in fleet if one["model"] == "m" for row in one["rows"] if row["status"] == "met"]
    assert f"{met['m']}: {shown[0]}" in line
    only = json.loads(assay("--team", "fraud", "--status", "met", "-o", "json"))
    assert [(one["model"], len(one["rows"])) for one in only] == [("n", met["n"])]
    told = assay("m")
    assert f"{met['m']} met" in told
    assert "told by tests)" in told
    assert assay("--status", "met", "m") == assay("show", "m", "--status", "met")
