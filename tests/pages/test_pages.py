"""What the pages say, and that nobody's text becomes part of them."""

from datetime import timedelta

import pytest

from app.db import utcnow
from app.tables import Audit
from checks.rubric import TESTS
from tests.scorecards import stored

from .story import CSV, PLOT

CARD = "/models/credit-default/versions/1.1.0"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class TestFleet:
    def test_every_model_with_its_score(self, story, open_page, client):
        page = open_page("/")
        rows = client("viewer").get("/api/v1/fleet").json()["items"]
        assert len(rows) == 3
        for row in rows:
            shown = page.rows[row["model"]]
            assert page.fields[f"{row['model']}.score"] == f"{row['score']:g}"
            assert page.fields[f"{row['model']}.open_failures"] == str(row["open_failures"])
            for section, score in row["section_scores"].items():
                assert page.fields[f"{row['model']}.{section}"] == f"{score:g}"
            for part in (row["owner"], row["version"], row["risk_tier"], row["band"]["name"]):
                assert part in shown
        assert "production · 1.1.0" in page.rows["credit-default"]
        assert "never asked" in page.rows["diabetes-progression"]
        assert "none yet" in page.rows["diabetes-progression"]
        assert f"/decisions/{story['decision fail']}" in page.links

    def test_an_empty_one_says_how_to_begin(self, open_page):
        page = open_page("/")
        assert page.says("No model is registered yet")
        assert page.says("assay model register -f assay.yaml")

    @pytest.mark.usefixtures("story")
    def test_the_next_page(self, open_page):
        first = open_page("/?limit=2")
        following = next(link for link in first.links if "cursor=" in link)
        assert list(open_page(following).rows) == ["credit-default"]


@pytest.mark.usefixtures("story")
class TestScorecard:
    def test_numbers_are_the_apis(self, open_page, client):
        page = open_page(CARD)
        card = client("viewer").get(f"/api/v1{CARD}/scorecard").json()
        assert page.fields["score"] == f"{card['score']:g}"
        for section in card["sections"]:
            assert page.fields[section["section"]] == f"{section['score']:g}"
        shown = {given["data-test"]: given for tag, given in page.tags if tag == "tr" and "data-test" in given}
        assert list(shown) == [test.id for test in TESTS]
        for test in card["tests"]:
            assert shown[test["id"]]["data-score"] == f"{test['score']:g}"
            assert shown[test["id"]]["data-verdict"] == test["verdict"]
            assert ("data-open" in shown[test["id"]]) == test["open_failure"]
            for part in (test["title"], test["reason"], test["remedy"]):
                assert part in page.rows[test["id"]]
        assert page.says(card["explanation"])
        assert page.says(card["band"]["sentence"])
        assert page.says("2 open failures")

    def test_every_kind_of_evidence_is_told_apart(self, open_page):
        page = open_page(CARD)
        said = {
            "DATA-1": "Runs automatically and repeatedly",
            "DATA-3": "Never run and not attested.",
            "MODEL-1": "attested by Ada",
            "MODEL-7": "Before that: ✓pass 3 d ago, which counts.",
            "INFRA-2": "counts half: handed in by a person",
            "INFRA-7": "The attestation expired on",
            "MON-3": "carried over from 1.0.0",
            "MON-5": "!error",
        }
        for test_id, words in said.items():
            assert words in " ".join(page.rows[test_id].split()), test_id
        assert "Drop postcode_area" in page.rows["DATA-2"]

    def test_leads_to_the_evidence(self, open_page, story):
        links = open_page(CARD).links
        for link in (
            f"/findings/{story['DATA-1']}",
            f"/findings/{story['DATA-1']}/exhibits/0",
            "https://forge.example.com/credit/pull/41",
            "/checks/DATA-1",
            f"/audits/{story['running']}",
            f"/decisions/{story['decision fail']}",
            "/models/credit-default/versions/1.0.0",
        ):
            assert link in links
        for link in links:
            if link.startswith("/") and not link.startswith(("/static", "/api")) and "/exhibits/" not in link:
                open_page(link.partition("#")[0])

    def test_tells_what_the_version_is(self, open_page):
        page = open_page(CARD)
        for words in (
            "Loan officers",
            "expected loss, below 2 %",
            "every 90 days",
            "new data",
            "3f2a91c0d4e5",
            "skops",
        ):
            assert page.says(words)

    def test_what_would_raise_it(self, open_page, client):
        page = open_page(CARD)
        for item in client("viewer").get(f"/api/v1{CARD}/scorecard").json()["raises"]:
            assert page.says(item["action"])

    def test_as_of(self, open_page):
        before = (utcnow() - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")
        page = open_page(f"{CARD}?as_of={before}&environment=")
        assert page.says("As it stood at")
        assert page.fields["score"] == "0"
        assert "no evidence" in page.rows["DATA-1"]

    def test_in_one_environment(self, open_page):
        assert "carried over" in open_page(f"{CARD}?environment=production").rows["MON-3"]
        assert "carried over" not in open_page(f"{CARD}?environment=staging").rows["MON-3"]

    def test_a_models_address_leads_to_its_newest_version(self, client):
        answer = client("viewer").get("/models/credit-default", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, CARD)

    def test_unknown_ones_are_a_page_that_names_the_nearest(self, open_page):
        assert open_page("/models/credit-defualt", 404).says("credit-default")
        assert open_page("/models/credit-default/versions/1.1.9", 404).says("1.1.0")


class TestFinding:
    def test_measured_values_beside_thresholds(self, story, open_page):
        page = open_page(f"/findings/{story['DATA-2']}")
        for words in (
            "All features are beneficial",
            "1 of 9 clusters adds nothing",
            "Drop postcode_area",
            "48\N{NARROW NO-BREAK SPACE}000",
            "6.25e-05",
            "max failing cells 0.001",
            "income 3 6.25e-05",
            "<b>region</b>",
            "income 17 -4",
        ):
            assert page.says(words), words
        assert f"/findings/{story['DATA-2']}/exhibits/1" in [
            given.get("src") for tag, given in page.tags if tag == "img"
        ]

    def test_exhibits_are_served_as_nothing_that_runs(self, story, client):
        browser = client("viewer")
        table, plot = (browser.get(f"/findings/{story['DATA-2']}/exhibits/{number}") for number in (0, 1))
        assert (table.content, plot.content) == (CSV, PLOT)
        assert table.headers["content-type"].startswith("text/plain")
        assert plot.headers["content-type"] == "image/svg+xml"
        for answer in (table, plot):
            assert "sandbox" in answer.headers["content-security-policy"]
            assert "script" not in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("path", ["{id}/exhibits/2", "{id}/exhibits/-1", "999999", "999999/exhibits/0"])
    def test_nothing_there(self, story, open_page, path):
        open_page(f"/findings/{path.format(id=story['DATA-2'])}", 404)

    @pytest.mark.usefixtures("story")
    def test_evidence_that_is_gone_is_said_to_be(self, open_page, database):
        with database.write() as session:
            version = stored.version(session, stored.model(session, "other"))
            exhibit = {"name": "lost", "media_type": "text/csv", "digest": "0" * 64}
            row = stored.finding(session, version, exhibits=[exhibit])
        assert open_page(f"/findings/{row.id}").says("It is no longer stored.")


class TestAudit:
    def test_under_way(self, story, open_page):
        page = open_page(f"/audits/{story['running']}")
        assert page.says("1 of 3 checks are done")
        assert "running" in page.rows["DATA-2"]
        assert "waiting" in page.rows["MODEL-5"]
        live = next(given for tag, given in page.tags if tag == "main")
        assert live["data-live"] == f"/api/v1/audits/{story['running']}"
        assert live["data-state"] == "running 1"

    def test_ended(self, story, open_page, database):
        with database.write() as session:
            audit = session.get(Audit, story["running"])
            audit.status, audit.error = "failed", "the worker ran out of memory"
            session.add(audit)
        page = open_page(f"/audits/{story['running']}")
        assert page.says("the worker ran out of memory")
        assert "not run" in page.rows["MODEL-5"]
        assert all("data-live" not in given for _, given in page.tags)

    def test_leads_to_its_findings(self, story, open_page, database):
        finding = story["DATA-1"]
        with database.read() as session:
            from app.tables import Finding

            audit = session.get(Finding, finding).audit_id
        page = open_page(f"/audits/{audit}")
        assert f"/findings/{finding}" in page.links
        assert "All 14 features" in page.rows["DATA-1"]

    def test_nothing_there(self, open_page):
        open_page("/audits/77", 404)


class TestDecision:
    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("pass", "Yes: all 1 conditions hold."),
            ("fail", "No: of 3 conditions 1 fails and 1 could not be shown to hold."),
            ("unknown", "Not shown: for 1 of 2 conditions"),
            ("in_progress", "an audit runs first"),
        ],
    )
    def test_the_answer_with_its_reasons(self, story, open_page, status, words):
        page = open_page(f"/decisions/{story[f'decision {status}']}")
        assert page.says(words)
        if status == "fail":
            assert page.says("INFRA-4 failed: roc_auc is credibly below the floor 0.72.")
            assert page.says("Retrain.")
            assert page.says("production, version 1")
            conditions = [given["data-condition"] for _, given in page.tags if "data-condition" in given]
            assert conditions[-1] == "must_pass.DATA-1"  # what holds comes last
        assert any("data-live" in given for _, given in page.tags) == (status == "in_progress")

    def test_nothing_there(self, open_page):
        open_page("/decisions/77", 404)


class TestChecks:
    @pytest.mark.parametrize("test", TESTS, ids=lambda test: test.id)
    def test_every_test_has_a_page(self, open_page, test):
        from checks import discover

        page = open_page(f"/checks/{test.id}")
        assert page.says(test.title)
        assert page.says("No automated check yet") == (test.id not in discover())

    def test_of_a_check_from_its_docstring(self, open_page):
        page = open_page("/checks/DATA-1")
        for words in ("Measured", "Formula", "Source", "max failing cells", "0.001"):
            assert page.says(words)
        assert "``" not in page.text

    def test_the_list(self, open_page):
        links = open_page("/checks").links
        assert all(f"/checks/{test.id}" in links for test in TESTS)

    def test_unknown_ones(self, open_page):
        assert open_page("/checks/DATA-8", 404).says("is not a test of the rubric")
