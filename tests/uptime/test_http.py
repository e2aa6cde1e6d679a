"""Endpoints over HTTP, on the command line, and on the page of the model in service."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.cli import run, uptime
from app.client import Assay
from app.db import database_now
from app.tables import AuditLog, Endpoint, Probe
from tests.pages.reading import Page

GIVEN = {"name": "scoring", "url": "http://127.0.0.1:9/health", "environment": "production"}


@pytest.fixture
def http(client, model):
    return client("owner")


@pytest.fixture
def add(http):
    def send(status=201, headers=None, **given):
        answer = http.post("/api/v1/models/credit-default/endpoints", json=GIVEN | given, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


@pytest.fixture
def plant_probes(database):
    """``plant_probes(endpoint, states)``: one a minute up to now; "u" up, "d" down, "-" nobody asked."""

    def make(endpoint_id, states, seconds=0.1):
        with database.write() as session:
            now = database_now(session)
            for age, state in enumerate(reversed(states)):
                if state != "-":
                    ok, at = state == "u", now - age * timedelta(minutes=1) - timedelta(seconds=1)
                    error = None if ok else "answered 500 instead of 200"
                    session.add(Probe(endpoint_id=endpoint_id, at=at, ok=ok, seconds=seconds, error=error))

    return make


def test_added_shown_and_removed(add, http, database, client):
    made = add(token="s3cret", expected_text="ready")
    assert (made["state"], made["has_token"], made["interval_seconds"]) == ("unknown", True, 60)
    viewer = client("viewer")
    listed = viewer.get("/api/v1/models/credit-default/endpoints").json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert "s3cret" not in viewer.get(f"/api/v1/endpoints/{made['id']}").text
    assert viewer.delete(f"/api/v1/endpoints/{made['id']}").status_code == 403
    assert http.delete(f"/api/v1/endpoints/{made['id']}").status_code == 204
    assert http.delete(f"/api/v1/endpoints/{made['id']}").status_code == 204
    assert viewer.get("/api/v1/models/credit-default/endpoints").json()["items"] == []
    assert len(viewer.get("/api/v1/models/credit-default/endpoints?removed=true").json()["items"]) == 1
    add()  # the name is free again
    with database.read() as session:
        assert session.get(Endpoint, made["id"]).token is None
        log = session.exec(select(AuditLog)).all()
    noted = [(one.action, one.subject) for one in log if one.action.startswith("endpoint")]
    assert noted == [
        ("endpoint.add", "endpoint/1"),
        ("endpoint.remove", "endpoint/1"),
        ("endpoint.add", "endpoint/2"),
    ]
    assert "s3cret" not in str([one.details for one in log])


def test_sent_twice_under_a_key_it_is_added_once(add):
    key = {"Idempotency-Key": "k1"}
    assert add(headers=key)["id"] == add(headers=key)["id"]
    add(status=422, headers=key, name="other")


@pytest.mark.parametrize(
    ("given", "status", "path", "says"),
    [
        ({"url": "http://10.0.0.8/"}, 422, "url", "ASSAY_OUTGOING_ALLOWED_HOSTS"),
        ({"url": "ftp://127.0.0.1/"}, 422, "url", "https://"),
        ({"url": "http://user:pw@127.0.0.1/"}, 422, "url", ""),
        ({"interval_seconds": 9}, 422, "body.interval_seconds", ""),
        ({"interval_seconds": 10, "timeout_seconds": 10}, 422, "body", "less than interval_seconds"),
        ({"timeout_seconds": 15.1}, 422, "body.timeout_seconds", ""),
        ({"timeout_seconds": 0}, 422, "body.timeout_seconds", ""),
        ({"environment": "Prod!"}, 422, "body.environment", ""),
        ({"name": "a\nb"}, 422, "body.name", "printable"),
        ({"token": "a\r\nHost: b"}, 422, "body.token", ""),
        ({"expected_state": 200}, 422, "body.expected_state", ""),
    ],
)
def test_what_is_wrong_is_named(add, given, status, path, says):
    told = add(status=status, **given)
    assert told["errors"][0]["path"].endswith(path.removeprefix("body.")), told
    assert says in told["errors"][0]["message"]


def test_names_and_numbers(add, http):
    add()
    assert "already" in add(status=409)["detail"]
    missing = http.post("/api/v1/models/credit-defualt/endpoints", json=GIVEN)
    assert (missing.status_code, "credit-default" in missing.json()["detail"]) == (404, True)
    assert http.get("/api/v1/endpoints/99").status_code == 404
    assert http.get("/api/v1/endpoints/99/probes").status_code == 404
    for i in range(49):
        add(name=f"n{i}")
    assert "the most there may be" in add(status=409, name="one more")["detail"]


def test_windows_and_history(add, http, plant_probes):
    made = add()
    plant_probes(made["id"], "u" * 50 + "-" * 10 + "d" * 5 + "u" * 35)
    told = http.get(f"/api/v1/endpoints/{made['id']}").json()
    assert told["endpoint"]["state"] == "up"
    day = told["windows"]["24h"]
    assert (day["probes"], day["failures"], day["p95"]) == (90, 5, 0.1)
    assert day["down_seconds"] == pytest.approx(300, abs=0.1)
    assert day["availability"] == pytest.approx(1 - 300 / (85 * 60 + 300 + 30), abs=1e-3)
    assert day["known"] == pytest.approx((90 * 60 + 30) / 86400, abs=1e-3)
    assert told["windows"]["30d"]["known"] < told["windows"]["7d"]["known"] < day["known"]
    assert [one["recovered"] for one in day["outages"]] == [True]
    assert told["history"][:44] == ["unknown"] * 44
    assert told["history"][-2:] == ["down", "up"]
    first = http.get(f"/api/v1/endpoints/{made['id']}/probes?limit=60").json()
    assert [one["ok"] for one in first["items"]][:1] == [True]
    rest = http.get(f"/api/v1/endpoints/{made['id']}/probes?limit=60&cursor={first['next_cursor']}").json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (60, 30, None)


def test_an_old_answer_says_nothing_of_now(add, http, plant_probes):
    made = add()
    plant_probes(made["id"], "u--")
    assert http.get("/api/v1/models/credit-default/endpoints").json()["items"][0]["state"] == "unknown"


def test_the_page_of_the_model_in_service(add, plant_probes, client):
    page = client("viewer")
    assert "Reached" not in page.get("/models/credit-default/serving").text
    made = add()
    plant_probes(made["id"], "u" * 10 + "d" * 2)
    shown = page.get("/models/credit-default/serving").text
    assert Page(shown).says("answered 500 instead of 200")
    assert '<span data-window="24h">90.' in shown
    assert 'aria-label="0 of 48 half hours up, 1 with a failure, 47 unknown; the newest last"' in shown
    assert "1 outage in 30 days" in shown
    assert "lasts" in shown


@pytest.fixture
def assay(http, monkeypatch, capsys):
    http.base_url = "http://testserver/api/v1/"

    def connected():
        connection = Assay()
        connection._http = http
        return connection

    monkeypatch.setattr(uptime, "Assay", connected)

    def call(*arguments):
        code = run(["uptime", *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def test_the_command_line(assay, plant_probes):
    where = ("--url", GIVEN["url"], "--environment", "production")
    code, said = assay("add", "credit-default", "scoring", *where, "--interval", "30", "--token", "t")
    assert (code, "every 30 s" in said) == (0, True), said
    plant_probes(1, "u" * 9999 + "d")
    listed = assay("list", "credit-default")[1]
    assert "down" in listed
    assert "answered 500" in listed
    shown = assay("show", "credit-default", "scoring")[1]
    assert "answered 500 instead of 200" in shown
    assert "lasts" in shown
    assert "99.9" in shown
    assert "100.00 %" not in shown
    code, said = assay("show", "credit-default", "scorin")
    assert (code, "there are: scoring" in said) == (64, True)
    assert assay("remove", "credit-default", "scoring")[0] == 0
    assert "removed" in assay("list", "credit-default", "--all")[1]
    assert assay("add", "credit-default", "x", "--url", "http://10.0.0.8/", "--environment", "production")[0] == 1
