"""The rows of the ledger, over HTTP and the command line, each with evidence on both sides."""

import pytest
from markupsafe import escape

from tests.audits.conftest import plant

pytestmark = pytest.mark.both_databases


@pytest.fixture
def model(database):
    with database.write() as session:
        return plant(session, "credit-default")[0]


OWN = {16, 26}
"""Assay's own registry shows these as soon as a first version is registered."""


def test_nothing_is_inferred_where_nothing_was_told(client, model):
    told = client("viewer").get("/api/v1/models/credit-default/ledger").json()
    assert {row["number"] for row in told["rows"] if row["status"] == "met"} == OWN
    assert all(row["missing"] and row["remedy"] for row in told["rows"] if row["number"] not in OWN)


def test_a_model_that_nobody_registered(client, model):
    answer = client("viewer").get("/api/v1/models/credit-defualt/ledger")
    assert answer.status_code == 404
    assert 'did you mean "credit-default"' in answer.json()["detail"]


def test_the_page_shows_what_the_api_answers(client, model):
    viewer = client("viewer")
    told = viewer.get("/api/v1/models/credit-default/ledger").json()
    page = viewer.get("/models/credit-default/ledger").text
    for row in told["rows"]:
        assert f'data-row="{row["number"]}"' in page


def test_every_row_is_shown_on_the_fleet_the_scorecard_and_the_pipeline(client, model):
    """As a mark that names it, its status and what is missing, and leads to its evidence."""
    client("ci").put("/api/v1/pipelines/p", json={"name": "p", "owner": "risk", "models": ["credit-default"]})
    viewer = client("viewer")
    rows = viewer.get("/api/v1/models/credit-default/ledger").json()["rows"]
    for page in ("/", "/models/credit-default/versions/1.0.0", "/pipelines/p"):
        text = viewer.get(page).text
        for row in rows:
            mark = text.split(f'data-row="{row["number"]}"')[0].rpartition("<a ")[2]
            assert f'class="is-{row["status"]}"' in mark, (page, row["number"])
            assert f'#row-{row["number"]}"' in text
            assert str(escape(f"{row['number']} {row['title']}: {row['status']}")) in text


def test_the_fleet_and_the_scorecard_count_what_the_ledger_says(client, model, database):
    with database.write() as session:
        plant(session, "another")
    viewer = client("viewer")
    for name in ("credit-default", "another"):
        met = viewer.get(f"/api/v1/models/{name}/ledger").json()["counts"]["met"]
        assert met == len(OWN)
        assert (
            f'<span data-field="practice">{met}</span> of 45 met'
            in viewer.get(f"/models/{name}/versions/1.0.0").text
        )
    assert viewer.get("/").text.count(f'<span data-field="practice">{len(OWN)}</span> of 45') == 2
