"""Scorecards, fleet and badges over HTTP."""

import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient

from app.catalog.queries import find_version
from app.db import utcnow
from app.scorecards.service import scorecard
from app.tables import Dataset, VersionDataset
from checks.rubric import RUBRIC_VERSION

from . import stored

CARD = "/api/v1/models/credit-default/versions/1.0.0/scorecard"


@pytest.fixture
def planted(database):
    """A model whose DATA-1 passes and MODEL-5 fails automatically, with an attested MODEL-1."""
    now = utcnow()
    with database.write() as session:
        model = stored.model(session)
        version = stored.version(session, model)
        for days in (9, 2):
            stored.finding(session, version, "DATA-1", created_at=now - timedelta(days=days))
            stored.finding(
                session,
                version,
                "MODEL-5",
                verdict="fail",
                remedy="Use the simpler model.",
                created_at=now - timedelta(days=days),
                exhibits=[{"name": "baselines", "media_type": "text/csv", "digest": "a" * 64}],
            )
        stored.attestation(session, version, created_at=now - timedelta(days=5), expires_at=now + timedelta(days=9))
        stored.decision(session, version, "production", "fail", created_at=now - timedelta(days=3))
        stored.decision(session, version, "production", "pass", created_at=now - timedelta(days=1))
        stored.decision(session, version, "staging", "pass")
    return database


@pytest.mark.usefixtures("planted")
class TestScorecard:
    def test_says_what_the_service_says(self, planted, client):
        body = client("viewer").get(CARD).json()
        with planted.read() as session:
            card = scorecard(session, *find_version(session, "credit-default", "1.0.0"))
        assert body["schema_version"] == 1
        assert body["rubric_version"] == RUBRIC_VERSION
        assert (body["score"], body["open_failures"]) == (card.score, card.open_failures) == (0, 1)
        assert body["band"]["name"] == "research project"
        assert {item["section"]: item["score"] for item in body["sections"]} == {
            "data": 1,
            "model": 1.5,
            "infra": 0,
            "monitoring": 0,
        }
        assert body["limiting"] == ["infra", "monitoring"]
        assert [test["id"] for test in body["tests"]] == [test.id for test in card.tests]
        assert [item["test_id"] for item in body["raises"]] == [item.test_id for item in card.raises]

    def test_evidence_leads_to_what_the_check_made(self, client):
        tests = {test["id"]: test for test in client("viewer").get(CARD).json()["tests"]}
        failed = tests["MODEL-5"]
        assert (failed["score"], failed["verdict"], failed["remedy"]) == (1, "fail", "Use the simpler model.")
        made = failed["newest"]["exhibits"]
        assert [(item["name"], item["url"]) for item in made] == [
            ("baselines", f"/findings/{failed['newest']['id']}/exhibits/0")
        ]
        attested = tests["MODEL-1"]["counted"]
        assert (attested["source"], attested["person"]) == ("attestation", "Ada")
        assert attested["link"].startswith("https://forge.example.com/")
        assert tests["DATA-2"]["newest"] is None

    def test_as_of(self, client):
        api = client("viewer")

        def score_of_data_1(**when):
            return next(
                test["score"] for test in api.get(CARD, params=when).json()["tests"] if test["id"] == "DATA-1"
            )

        now = utcnow()
        assert score_of_data_1() == 1
        assert score_of_data_1(as_of=(now - timedelta(days=4)).isoformat()) == 0.5
        assert score_of_data_1(as_of=(now - timedelta(days=20)).isoformat()) == 0
        assert score_of_data_1(as_of=(now + timedelta(days=29)).isoformat()) == 0.5
        zoneless = (now - timedelta(days=4)).replace(tzinfo=None).isoformat()
        assert score_of_data_1(as_of=zoneless) == 0.5

    @pytest.mark.parametrize("when", ["yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T00:00:00Z"])
    def test_absurd_times_are_refused(self, client, when):
        answer = client("viewer").get(CARD, params={"as_of": when})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["path"] == "query.as_of"

    @pytest.mark.parametrize("path", [CARD.replace("credit-default", "credit"), CARD.replace("1.0.0", "1.0.1")])
    def test_what_is_not_registered_is_not_found(self, client, path):
        assert client("viewer").get(path).status_code == 404

    def test_needs_a_token(self, client):
        assert client(None).get(CARD).status_code == 401


@pytest.mark.usefixtures("planted")
class TestFleet:
    def test_one_row_a_model_with_its_newest_version(self, planted, client):
        with planted.write() as session:
            model = stored.model(session, "another", risk_tier="low")
            stored.version(session, model, "0.1.0")
            stored.version(session, model, "0.2.0")
            stored.model(session, "empty")
        body = client("viewer").get("/api/v1/fleet").json()
        rows = {row["model"]: row for row in body["items"]}
        assert list(rows) == ["empty", "another", "credit-default"]
        assert (rows["empty"]["version"], rows["empty"]["score"]) == (None, None)
        assert (rows["another"]["version"], rows["another"]["age_days"]) == ("0.2.0", None)
        row = rows["credit-default"]
        assert (row["score"], row["open_failures"], row["section_scores"]["model"]) == (0, 1, 1.5)
        assert row["age_days"] == pytest.approx(2, abs=0.01)
        assert [(item["environment"], item["status"]) for item in row["decisions"]] == [
            ("production", "pass"),
            ("staging", "pass"),
        ]

    def test_pages(self, planted, client):
        with planted.write() as session:
            stored.model(session, "another")
        api = client("viewer")
        first = api.get("/api/v1/fleet", params={"limit": 1}).json()
        second = api.get("/api/v1/fleet", params={"limit": 1, "cursor": first["next_cursor"]}).json()
        assert [row["model"] for row in first["items"] + second["items"]] == ["another", "credit-default"]
        assert second["next_cursor"] is None


@pytest.mark.usefixtures("planted")
class TestBadges:
    def test_shields_format(self, client):
        answer = client(None).get("/badges/credit-default.json")
        assert answer.headers["cache-control"] == "max-age=300"
        assert answer.json() == {
            "schemaVersion": 1,
            "label": "ML test score",
            "message": "0 · 1 failing · 1.0.0 · 2 d",
            "color": "red",
            "isError": False,
            "cacheSeconds": 300,
        }

    def test_svg_says_the_same(self, client):
        answer = client(None).get("/badges/credit-default.svg")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["cache-control"] == "max-age=300"
        drawn = ET.fromstring(answer.text)
        assert drawn.get("aria-label") == "ML test score: 0 · 1 failing · 1.0.0 · 2 d"

    def test_of_a_version(self, planted, client):
        with planted.write() as session:
            model, _ = find_version(session, "credit-default", "1.0.0")
            stored.version(session, model, "1.1.0")
        api = client(None)
        assert "1.1.0 · no evidence" in api.get("/badges/credit-default.json").json()["message"]
        assert "1.0.0 · 2 d" in api.get("/badges/credit-default.json?version=1.0.0").json()["message"]

    @pytest.mark.parametrize("name", ["nothing.json", "credit-default.json?version=9", "nothing.svg"])
    def test_what_is_not_registered_is_unknown(self, client, name):
        answer = client(None).get(f"/badges/{name}")
        assert answer.status_code == 404
        if "svg" in name:
            assert ET.fromstring(answer.text).get("aria-label") == "ML test score: unknown"
        else:
            assert (answer.json()["message"], answer.json()["isError"]) == ("unknown", True)

    def test_names_are_escaped(self, planted, client):
        with planted.write() as session:
            model, _ = find_version(session, "credit-default", "1.0.0")
            stored.version(session, model, '"><script>alert(1)</script>')
        drawn = client(None).get("/badges/credit-default.svg").text
        assert "<script" not in drawn
        assert "&lt;script&gt;" in drawn
        ET.fromstring(drawn)

    def test_switched_off_they_need_a_token(self, settings, secret):
        from app.main import create_app

        private = create_app(settings.model_copy(update={"public_badges": False}))
        with TestClient(private) as api:
            assert api.get("/badges/credit-default.json").status_code == 401
            token = {"Authorization": f"Bearer {secret('viewer')}"}
            assert api.get("/badges/credit-default.json", headers=token).status_code == 200

    def test_failures_are_never_green(self, planted, client):
        from checks.rubric import TESTS

        now = utcnow()
        with planted.write() as session:
            version = stored.version(session, stored.model(session, "green"))
            for test in TESTS:
                for days in (2, 1):
                    stored.finding(session, version, test.id, created_at=now - timedelta(days=days))
        api = client(None)
        assert api.get("/badges/green.json").json()["color"] == "brightgreen"
        with planted.write() as session:
            _, version = find_version(session, "green", "1.0.0")
            stored.finding(session, version, "DATA-1", verdict="fail", created_at=now)
        badge = api.get("/badges/green.json").json()
        assert (badge["color"], badge["message"]) == ("orange", "7 · 1 failing · 1.0.0 · 0 h")
        assert re.search(r"fill=\"#b35409\"", api.get("/badges/green.svg").text)


def test_evaluations_on_one_holdout_are_counted_and_shown(database, client):
    now = utcnow()
    with database.write() as session:
        model = stored.model(session)
        other = stored.model(session, "another")
        shared, own = (Dataset(digest=letter * 64, format="parquet", rows=9, columns={}) for letter in "ab")
        session.add_all([shared, own])
        session.flush()
        made = [stored.version(session, model, f"1.{n}.0") for n in range(3)] + [stored.version(session, other)]
        for version, test in zip(made, (shared, shared, own, shared), strict=True):
            session.add(VersionDataset(version_id=version.id, dataset_id=test.id, role="test"))
            session.add(VersionDataset(version_id=version.id, dataset_id=shared.id, role="train"))
        for version, days, check, verdict in [
            (made[0], 9, "INFRA-4", "pass"),
            (made[0], 8, "INFRA-4", "fail"),
            (made[1], 7, "INFRA-4", "pass"),
            (made[1], 1, "INFRA-4", "pass"),  # after what is asked for below
            (made[1], 7, "INFRA-4", "error"),
            (made[1], 7, "DATA-1", "pass"),
            (made[2], 7, "INFRA-4", "pass"),
            (made[3], 7, "INFRA-4", "pass"),
        ]:
            stored.finding(session, version, check, verdict=verdict, created_at=now - timedelta(days=days))
    http = client("viewer")

    def counted(version, **asked):
        path = f"/api/v1/models/credit-default/versions/{version}/scorecard"
        found = http.get(path, params=asked).json()["holdout"]
        return found["digest"][0], found["versions"], found["evaluations"]

    assert counted("1.0.0") == counted("1.1.0") == ("a", 2, 4)
    assert counted("1.2.0") == ("b", 1, 1)
    assert counted("1.0.0", as_of=(now - timedelta(days=5)).isoformat()) == ("a", 2, 3)
    page = http.get("/models/credit-default/versions/1.0.0").text
    assert 'evaluated <span data-field="holdout_evaluations">4</span> times, on 2 versions' in page
