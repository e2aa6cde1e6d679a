"""What Assay logs and exports is ECS as Elastic publishes it; the template and the dashboard are about just that.

Elasticsearch and Kibana themselves were not at hand.
"""

from __future__ import annotations

import ast
import json
import logging
import re
import runpy
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import yaml

from app import log
from app.access import audit_log, ecs
from app.cli import run
from app.config import ROOT
from app.db import database_now, utcnow
from app.tables import Endpoint
from app.uptime.probing import Outcome
from app.uptime.watch import note
from tests.audits.conftest import plant
from tests.integrations.ecs import ELASTIC, FIELDS, MAPPING, TEMPLATE, leaves, problems

pytestmark = pytest.mark.slow


# --- the judge itself -----------------------------------------------------------------------------

GOOD = {
    "@timestamp": "2026-11-24T05:00:00Z",
    "ecs.version": "9.4.0",
    "event": {"category": ["iam"], "type": ["change"]},
}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"http": {"response": {"status_code": "200"}}}, "http.response.status_code: '200' is no long"),
        ({"http": {"response": {"status_code": True}}}, "http.response.status_code: True is no long"),
        ({"http": {"response": {"status": 200}}}, "http.response.status is no field of ECS"),
        ({"event": {"category": "iam"}}, "event.category is no list"),
        ({"event": {"category": ["models"]}}, "event.category: 'models' is not allowed"),
        (
            {"event": {"category": ["configuration"], "type": ["user"]}},
            "'user' is no type of the category 'configuration'",
        ),
        ({"user": {"name": ["a"]}}, "user.name is a list"),
        ({"client": {"ip": "testclient"}}, "client.ip: 'testclient' is no ip"),
        ({"@timestamp": "2026-11-24T05:00:00"}, "@timestamp: '2026-11-24T05:00:00' is no date"),
        ({"assay": {"modell": 1}}, "assay.modell is no field of the template"),
        ({"assay": {"details": {"any": {"thing": 1}}}}, None),
        ({"ecs.version": 9}, "ecs.version: 9 is no keyword"),
    ],
)
def test_the_judge_sees_what_is_wrong(changes, problem):
    assert problems({**GOOD, **changes}) == ([problem] if problem else [])


def test_the_list_is_elastics():
    assert len(FIELDS) == 1675
    assert FIELDS["event.duration"] == {"type": "long", "level": "core"}
    assert "Apache License" in (ELASTIC / "ecs" / "LICENSE").read_text()
    assert ecs.ECS_VERSION == "9.4.0"


# --- what is written ------------------------------------------------------------------------------


@pytest.fixture
def served(server, secret):
    """The lines that a real server logged: requests of everybody, refused ones, and what went wrong."""

    def ask() -> list[dict]:
        viewer = {"Authorization": f"Bearer {secret('viewer')}", "X-Request-Id": "r-1"}
        for path, headers in (("/", {}), ("/", viewer), ("/api/v1/models/none", viewer), ("/metrics", viewer)):
            httpx2.get(server.url + path, headers=headers)
        httpx2.post(f"{server.url}/api/v1/tokens", json={}, headers=viewer)
        server.send(b"GET /a%0ab HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]

    return ask


@pytest.fixture
def exported(server, secret, database, monkeypatch, capsys):
    """``exported(*arguments)``: the audit log after a few changes, as the command line writes it."""
    monkeypatch.setenv("ASSAY_URL", server.url)
    monkeypatch.setenv("ASSAY_TOKEN", secret("admin"))
    with database.write() as session:
        model, _ = plant(session, "credit-default")
        endpoint = Endpoint(
            model_id=model.id, name="api", environment="production", url="https://x", interval_seconds=60,
            timeout_seconds=5, expected_status=200, tolerance=1, created_by="t",
        )  # fmt: skip
        session.add(endpoint)
        session.flush()
        note(session, endpoint.id, database_now(session), Outcome(False, 500, 0.1, "e"))

    def export(*arguments) -> list[dict]:
        code = run(["audit-log", "export", *arguments])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return [json.loads(line) for line in captured.out.splitlines()]

    return export


def test_every_line_of_a_server_is_ecs(served):
    lines = served()
    assert {line["event"]["dataset"] for line in lines} >= {"assay.access"}
    assert [found for line in lines for found in problems(line)] == []
    told = [line for line in lines if line.get("http", {}).get("request", {}).get("id") == "r-1"]
    assert {line["user"]["name"] for line in told} == {"test-viewer"}
    assert {line["http"]["response"]["status_code"] for line in told} >= {200, 404, 403}


@pytest.fixture
def failure(caplog) -> dict:
    """The line of an error within an audit."""
    with log.audit(3):
        try:
            raise ValueError("a\nb")
        except ValueError:
            logging.getLogger("app.worker").exception("failed", extra={"assay.worker": "w", "assay.attempt": 1})
        return json.loads(log.Formatter().format(caplog.records[-1]))


def test_an_error_within_an_audit_is_ecs(failure):
    line = failure
    assert problems(line) == []
    assert dict(leaves(line))["assay.audit.id"] == 3
    assert {"error.type", "error.message", "error.stack_trace", "log.origin.file.line"} <= dict(leaves(line)).keys()


FIELD_IN_CODE = re.compile(r"(assay|event|file|http|url|user|client)(\.[a-z_]+)+")


def test_every_field_that_code_adds_to_a_line_is_known():
    """Of the dictionaries that go into ``extra``, by their keys."""
    added = {
        key.value
        for path in (ROOT / "app").rglob("*.py")
        for one in ast.walk(ast.parse(path.read_text()))
        if isinstance(one, ast.Dict)
        for key in one.keys
        if isinstance(key, ast.Constant)
        and re.fullmatch(r"(assay|event|file|http|url|user|client)(\.[a-z_]+)+", str(key.value))
    }
    assert {"assay.schedule.id", "http.response.status_code"} <= added
    assert added <= MAPPING.keys()
    assert {name for name in added if not name.startswith("assay.")} <= FIELDS.keys()


@pytest.mark.usefixtures("server")
def test_the_exported_audit_log_is_ecs(exported, database):
    lines = exported()
    assert [found for line in lines for found in problems(line)] == []
    by_action = {line["event"]["action"]: line for line in lines}
    made, down = by_action["api_token.create"], by_action["endpoint.down"]
    assert (made["event"]["category"], made["event"]["type"]) == (["iam"], ["creation"])
    assert (down["event"]["category"], down["event"]["type"]) == (["configuration"], ["change"])
    assert (down["user"]["name"], down["related"]["user"]) == ("uptime", ["uptime"])
    assert down["assay"]["subject"] == {"type": "endpoint", "id": "1"}
    assert down["assay"]["details"]["environment"] == "production"
    assert [line["event"]["sequence"] for line in lines] == sorted(
        (line["event"]["sequence"] for line in lines), reverse=True
    )


@pytest.mark.usefixtures("server")
def test_many_entries_are_exported_page_by_page_and_only_those_asked_for(exported, database):
    with database.write() as session:
        for i in range(450):
            at = utcnow() - timedelta(days=9 if i < 200 else 1)
            audit_log.append(session, at, "someone", "label.push", f"model/{i}", {})
    assert len(exported("--actor", "someone")) == 450
    week = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    assert len(exported("--actor", "someone", "--since", week)) == 250
    assert {line["event"]["action"] for line in exported("--action", "endpoint.down")} == {"endpoint.down"}
    ids = [line["event"]["id"] for line in exported()]
    assert len(ids) == len(set(ids)) > 450


def test_only_an_administrator_reads_the_audit_log(client):
    assert client("owner").get("/api/v1/audit-log").status_code == 403
    page = client("admin").get("/api/v1/audit-log?limit=1").json()
    assert page["items"][0]["action"] == "api_token.create"
    assert client("admin").get("/api/v1/audit-log?since=yesterday").status_code == 422


@pytest.mark.both_databases
@pytest.mark.parametrize("since", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_nothing_can_hold_is_refused(client, since):
    assert client("admin").get(f"/api/v1/audit-log?since={since}").status_code == 422


@pytest.mark.parametrize("verb", sorted(ecs.TYPES))
def test_every_kind_of_entry_is_ecs(verb):
    for noun in ("api_token", "model"):
        entry = {
            "id": 1,
            "at": "2026-11-24T05:00:00Z",
            "actor": "a",
            "action": f"{noun}.{verb}",
            "subject": "model/a/b",
        }
        assert problems(ecs.document({**entry, "details": {"nested": {"n": [1]}}})) == []


# --- the template ---------------------------------------------------------------------------------


def test_the_template_maps_ecs_as_ecs_does():
    ecs_fields = {name: kind for name, kind in MAPPING.items() if not name.startswith("assay.")}
    assert ecs_fields == {name: FIELDS[name]["type"] for name in ecs_fields}
    assert TEMPLATE["index_patterns"] == ["logs-assay.*-*"]
    assert "data_stream" in TEMPLATE


def test_the_template_maps_everything_that_is_written(served, exported):
    written = {name for line in [*served(), *exported()] for name, _ in leaves(line)}
    assert written <= MAPPING.keys()


def test_the_shipper_writes_where_the_template_and_the_data_view_look():
    shipper = yaml.safe_load((ELASTIC / "filebeat.yml").read_text())
    index = shipper["output.elasticsearch"]["index"]
    for source in shipper["filebeat.inputs"]:
        (stream,) = [one["add_fields"]["fields"] for one in source["processors"] if "add_fields" in one]
        name = index
        for key, value in stream.items():
            name = name.replace(f"%{{[data_stream.{key}]}}", value)
        assert re.fullmatch(TEMPLATE["index_patterns"][0].replace(".", r"\.").replace("*", ".+"), name)
    (view,) = [one for one in OBJECTS if one["type"] == "index-pattern"]
    assert view["attributes"]["title"] == TEMPLATE["index_patterns"][0]


# --- the dashboard --------------------------------------------------------------------------------

OBJECTS = [json.loads(line) for line in (ELASTIC / "dashboard.ndjson").read_text().splitlines()]
DASHBOARD = OBJECTS[-1]


def test_the_file_is_what_its_script_writes():
    assert (ELASTIC / "dashboard.ndjson").read_text() == runpy.run_path(str(ELASTIC / "make_dashboard.py"))[
        "lines"
    ]()


def test_references_resolve_and_every_panel_is_there():
    known = {(one["type"], one["id"]) for one in OBJECTS}
    assert len(known) == len(OBJECTS)
    for one in OBJECTS:
        assert {(to["type"], to["id"]) for to in one["references"]} <= known
        source = json.loads(one["attributes"].get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}"))
        if "indexRefName" in source:
            assert source["indexRefName"] in {to["name"] for to in one["references"]}
    panels = json.loads(DASHBOARD["attributes"]["panelsJSON"])
    named = {to["name"]: (to["type"], to["id"]) for to in DASHBOARD["references"]}
    assert {panel["panelRefName"] for panel in panels} == named.keys()
    assert {named[panel["panelRefName"]][0] for panel in panels} == {"visualization", "search"}
    assert len(set(named.values())) == len(panels) == len(OBJECTS) - 2
    taken = [(panel["gridData"]["x"], panel["gridData"]["y"]) for panel in panels]
    assert len(set(taken)) == len(taken)
    assert all(panel["gridData"]["x"] + panel["gridData"]["w"] <= 48 for panel in panels)


def fields_of(one) -> set[str]:
    """Every field that an object asks for: in its aggregations, its columns, its order, its query."""
    attributes = one["attributes"]
    found = set(attributes.get("columns", ())) | {name for name, _ in attributes.get("sort", ())}
    found |= {attributes["timeFieldName"]} if "timeFieldName" in attributes else set()
    state = json.loads(attributes.get("visState", "{}"))
    found |= {one["params"]["field"] for one in state.get("aggs", ()) if "field" in one["params"]}
    source = json.loads(attributes.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}"))
    return found | set(re.findall(r"([@\w.]+)\s*:", source.get("query", {}).get("query", "")))


def test_every_field_of_the_dashboard_is_mapped_and_really_written(served, exported, failure):
    asked = {name for one in OBJECTS for name in fields_of(one)}
    assert {"@timestamp", "event.action", "http.response.status_code", "assay.subject.id", "error.type"} <= asked
    assert asked <= MAPPING.keys()
    written = {name for line in [*served(), *exported()] for name, _ in leaves(line)}
    assert asked <= written | dict(leaves(failure)).keys()


AGGREGATED = {"terms": {"keyword", "long", "wildcard", "ip"}, "date_histogram": {"date"}, "percentiles": {"long"}}


def test_what_is_aggregated_can_be():
    """Text cannot be: Elasticsearch would refuse."""
    for one in OBJECTS:
        state = json.loads(one["attributes"].get("visState", "{}"))
        for each in state.get("aggs", ()):
            if each["type"] != "count":
                assert MAPPING[each["params"]["field"]] in AGGREGATED[each["type"]]
        orders = {each["params"]["orderBy"] for each in state.get("aggs", ()) if each["type"] == "terms"}
        assert orders <= {each["id"] for each in state.get("aggs", ()) if each["schema"] == "metric"}


def test_queries_name_data_sets_that_are_written(served, exported):
    written = {line["event"]["dataset"] for line in [*served(), *exported()]}
    asked = {name for one in OBJECTS for name in re.findall(r'event\.dataset: \\?"([^"\\]+)', json.dumps(one))}
    asked |= set(re.findall(r'event\.dataset: \\+"([a-z.]+)', json.dumps(OBJECTS)))
    assert asked == {"assay.access", "assay.audit"}
    assert asked <= written
