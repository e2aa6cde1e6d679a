"""The pages and the command line show what the API answers."""

import json

import pytest

from app.cli import run
from tests.evidence.collecting.conftest import server
from tests.ledger.planting import CI, plant
from tests.ledger.story import at, half_a_year
from tests.pages.reading import Page

__all__ = ["server"]

AS_OF = at(178).isoformat()


@pytest.fixture
def planted(database):
    plant(database, half_a_year(), CI)


@pytest.fixture
def open_page(planted, client):
    browser = client("viewer")

    def get(path, status=200, **asked):
        answer = browser.get(path, params={"as_of": AS_OF} | asked, headers={"Accept": "text/html"})
        assert answer.status_code == status, answer.text
        return Page(answer.text)

    return get


def test_a_model_page(open_page):
    page = open_page("/models/m/delivery")
    assert page.says("How m is delivered")
    for words in (
        "median 1 d, p90 1 d (n = 24) high",
        "median 1.5 d, p90 1.5 d (n = 24) high",
        "Failed deployment recovery time: from the impairment of a service to its recovery.",
        "46% (11 of 24 deployments) low",
        "by what showed it: recall 4, auc 3, ab test 4, rollback 4",
        "elite under an hour, high under a day, medium under a week, low longer",
    ):
        assert page.says(words), words
    assert sum(tag == "svg" for tag, _ in page.tags) == 5
    assert sum("data-deployment" in given for _, given in page.tags) == 24


def test_the_fleet_page(open_page):
    page = open_page("/delivery", days=365)
    assert " ".join(page.rows["m"].split()).startswith("m 0.94 a week medium")
    assert page.says("churn unknown unknown unknown unknown unknown")
    assert page.says("1 episode open, in no mean")
    assert page.says("0 of 3 models answer users as an API of their own, 1 serve otherwise, 2 serve nowhere")
    links = set(page.links)
    assert {"/models/m/delivery", "/delivery?team=risk&days=365"} <= links
    team = open_page("/delivery", team="fraud", days=30)
    assert team.says("How fraud delivers")
    assert set(team.rows) == {"fraud-score"}


def test_of_what_is_not_there(open_page):
    open_page("/models/nobody/delivery", status=404)
    open_page("/delivery", status=404, team="nobody")
    open_page("/delivery", status=422, days=0)


@pytest.mark.slow
def test_the_command_line(planted, server, secret, monkeypatch, capsys):
    monkeypatch.setenv("ASSAY_URL", server.url)
    monkeypatch.setenv("ASSAY_TOKEN", secret("viewer"))

    def assay(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    code, told = assay("delivery-metrics", "m", "--days", "3650")
    assert code == 0
    assert "Lead time, experiment to ready" in told
    assert "median 1 d, p90 1 d (n = 24)" in told
    code, told = assay("delivery-metrics", "--team", "fraud", "--days", "3650")
    assert "1 models" in told
    assert "fraud-score" in told
    told = assay("delivery-metrics", "m", "-o", "json")[1]
    assert json.loads(told[told.index("{\n") :])["models"][0]["name"] == "m"
    assert assay("delivery-metrics", "m", "--team", "x")[0] == 64
    code, told = assay("experiments", "list", "p")
    assert (code, "week-3" in told, "evaluation_digest" in told) == (0, True, True)
    code, told = assay("experiments", "diff", "p", "train-1", "train-2")
    assert (code, "cannot be compared" in told) == (1, True)
    assert assay("experiments", "best", "p")[0] == 0
