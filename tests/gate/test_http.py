"""The gate and its policies over HTTP, against the whole application."""

from __future__ import annotations

import re

import pytest

from app.gate.render import exit_code, render
from app.gate.schemas import EXAMPLE, DecisionOut
from app.tables import Audit
from tests.gate import planted

pytestmark = pytest.mark.both_databases

GATE = "/api/v1/gate/evaluations"
ASKED = {"model": "credit-default", "version": "1.0.0", "environment": "production"}
POLICY = "assay_policy: 1\nname: eu\nstages:\n  admit: {must_pass: [DATA-1]}\n"
YAML = {"Content-Type": "text/yaml"}


@pytest.fixture
def subject(database):
    return planted.registered(database)[1]


@pytest.fixture
def ci(client):
    return client("ci")


def plant(database, subject, **verdicts):
    with database.write() as session:
        planted.admissible(session, subject, **verdicts)


def paths_of(answer):
    return [error["path"] for error in answer.json()["errors"]]


# --- decisions ----------------------------------------------------------------------------------------


def test_a_decision_is_answered_and_can_be_read_again(database, subject, ci):
    plant(database, subject)
    answer = ci.post(GATE, json=ASKED)
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "pass"
    assert body.keys() == DecisionOut.model_fields.keys()
    assert ci.get(f"{GATE}/{body['id']}").json() == body
    assert ci.get(f"{GATE}/{body['id']}/replay").json() == {
        "id": body["id"],
        "same": True,
        "differing": [],
        "replayed": body,
    }


def test_the_answer_is_small_enough_for_a_rollouts_analysis(database, subject, ci):
    plant(database, subject, INFRA_4="fail")
    answer = ci.post(GATE, json=ASKED)
    assert len(answer.content) < 5000
    assert exit_code(answer.json()) == 1
    assert "INFRA-4 failed" in render(answer.json(), "table")


def test_an_audit_first_is_accepted_and_decided_later(database, subject, ci):
    answer = ci.post(GATE, json=ASKED)
    body = answer.json()
    assert (answer.status_code, body["status"], exit_code(body)) == (202, "in_progress", 2)
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["Location"] == f"{GATE}/{body['id']}"
    assert ci.get(answer.headers["Location"]).json() == body
    assert ci.get(f"{GATE}/{body['id']}/replay").status_code == 409
    with database.read() as session:
        assert session.get_one(Audit, body["audit_id"]).status == "queued"


@pytest.mark.slow
def test_the_worker_decides_when_the_audit_has_ended(database, subject, ci, work):
    asked = ci.post(GATE, json=ASKED).json()
    work()  # the planted version has neither manifest nor data, so nothing is shown
    decided = ci.get(f"{GATE}/{asked['id']}").json()
    found = {condition["name"]: condition["status"] for condition in decided["conditions"]}
    assert (decided["status"], found["must_pass.DATA-1"], found["minimum.sections.data"]) == (
        "fail",
        "unknown",
        "fail",
    )
    assert ci.get(f"{GATE}/{asked['id']}/replay").json()["same"]


def test_a_dry_run_is_answered_at_once(subject, ci):
    answer = ci.post(GATE, json={**ASKED, "dry_run": True})
    assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (200, None, "fail")
    assert "Location" not in answer.headers
    assert ci.get(GATE).json()["items"] == []


def test_the_same_key_is_answered_with_the_same_decision(database, subject, ci):
    plant(database, subject)
    key = {"Idempotency-Key": "deploy-77"}
    first = ci.post(GATE, json=ASKED, headers=key).json()
    plant(database, subject, DATA_1="fail")
    assert ci.post(GATE, json=ASKED, headers=key).json() == first
    assert ci.post(GATE, json={**ASKED, "stage": "promote"}, headers=key).status_code == 422
    assert ci.post(GATE, json=ASKED).json()["status"] == "fail"


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"model": "credit-defalt"}, 404, 'did you mean "credit-default"?'),
        ({"version": "1.0"}, 404, 'did you mean "1.0.0"?'),
        ({"environment": "prod"}, 422, "there are production, staging"),
        ({"environment": "organisation"}, 422, "no policy is written"),
        ({"stage": "promot"}, 422, 'did you mean "promote"?'),
        ({"stages": "admit"}, 422, ""),
        ({"dry_run": "perhaps"}, 422, ""),
    ],
)
def test_what_is_asked_for_must_exist(database, subject, ci, changes, status, detail):
    plant(database, subject)
    answer = ci.post(GATE, json=ASKED | changes)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


def test_decisions_are_listed_newest_first_and_filtered(database, subject, ci):
    plant(database, subject)
    with database.write() as session:
        other = planted.version(session, planted.model(session, "diabetes"))
        planted.admissible(session, other)
    ids = [ci.post(GATE, json=ASKED | {"environment": name}).json()["id"] for name in ("staging", "production") * 2]
    ids.append(ci.post(GATE, json=ASKED | {"model": "diabetes"}).json()["id"])

    def listed(**parameters):
        return [item["id"] for item in ci.get(GATE, params=parameters).json()["items"]]

    assert listed() == ids[::-1]
    assert listed(model="credit-default") == ids[3::-1]
    assert listed(model="credit-default", version="1.0.0", environment="staging") == [ids[2], ids[0]]
    assert listed(environment="production", model="diabetes") == [ids[4]]
    page = ci.get(GATE, params={"limit": 3}).json()
    rest = ci.get(GATE, params={"limit": 3, "cursor": page["next_cursor"]}).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == ids[::-1]
    assert ci.get(GATE, params={"version": "1.0.0"}).status_code == 422
    assert ci.get(GATE, params={"model": "nobody"}).status_code == 404


@pytest.mark.parametrize(("path", "status"), [("999", 404), ("0", 422), (str(2**70), 422), ("x", 422)])
def test_a_decision_that_is_not_there(ci, path, status):
    assert ci.get(f"{GATE}/{path}").status_code == status
    assert ci.get(f"{GATE}/{path}/replay").status_code == status


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("viewer", 403), ("reviewer", 200), ("admin", 200)])
def test_asking_the_gate_needs_its_scope(database, subject, client, role, status):
    plant(database, subject)
    assert client(role).post(GATE, json=ASKED).status_code == status


# --- policies -----------------------------------------------------------------------------------------


def test_the_defaults_are_there(client):
    viewer = client("viewer")
    listed = viewer.get("/api/v1/policies").json()
    assert [(policy["name"], policy["version"]) for policy in listed] == [
        ("organisation", 1),
        ("production", 1),
        ("staging", 1),
    ]
    assert viewer.get("/api/v1/policies/production").json() == listed[1]
    assert "must_pass:" in listed[1]["text"]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_policy_is_written_once_and_read_again(client, as_json):
    admin = client("admin")

    def put(text):
        body = {"json": {"text": text}} if as_json else {"content": text, "headers": YAML}
        return admin.put("/api/v1/policies/eu", **body)

    first, again, second = put(POLICY), put(POLICY), put(POLICY + "# stricter soon\n")
    assert [answer.status_code for answer in (first, again, second)] == [201, 200, 201]
    assert [answer.json()["version"] for answer in (first, again, second)] == [1, 1, 2]
    assert put(POLICY).json()["version"] == 3  # going back is a new version too
    assert admin.get("/api/v1/policies/eu", params={"version": 1}).json() == first.json()
    assert admin.get("/api/v1/policies/eu").json()["text"] == POLICY
    versions = admin.get("/api/v1/policies/eu/versions").json()["items"]
    assert [row["version"] for row in versions] == [3, 2, 1]
    assert admin.get("/api/v1/policies/eu", params={"version": 4}).status_code == 404


def test_a_new_policy_decides_at_once(database, subject, client):
    plant(database, subject, DATA_1="inconclusive")
    admin = client("admin")
    strict = admin.post(GATE, json=ASKED).json()
    text = POLICY.replace("eu", "production").replace("must_pass", "must_not_fail")
    digest = admin.put("/api/v1/policies/production", content=text, headers=YAML).json()["digest"]
    lenient = admin.post(GATE, json=ASKED).json()
    assert (strict["status"], lenient["status"]) == ("unknown", "pass")
    assert lenient["policy"] == {"name": "production", "version": 2, "digest": digest}
    assert admin.get(f"{GATE}/{strict['id']}/replay").json()["same"]


def test_a_wrong_policy_is_refused_with_its_lines(client):
    wrong = POLICY + "thresholds:\n  DATA-1: {max_failing: 1}\nwindow: {DATA-1: 1}\n"
    answer = client("admin").put("/api/v1/policies/eu", content=wrong, headers=YAML)
    assert answer.status_code == 422
    assert [(error["path"], error["line"]) for error in answer.json()["errors"]] == [("window", 7)]
    assert 'did you mean "windows"?' in answer.json()["errors"][0]["message"]
    assert client("viewer").get("/api/v1/policies/eu").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "kind", "path"),
    [
        ("us", POLICY, "text/yaml", "name"),
        ("organisation", POLICY, "text/yaml", "name"),
        ("eu", POLICY.replace("name: eu", "name: organisation"), "text/yaml", "name"),
        ("eu", "stages: [", "text/yaml", ""),
        ("eu", b"\xff\xfe", "text/yaml", "body"),
        ("eu", POLICY, "application/pdf", "header.Content-Type"),
        ("eu", "{", "application/json", "body"),
        ("eu", '{"txt": "x"}', "application/json", "text"),
        ("eu", '{"text": 3}', "application/json", "text"),
        ("Eu", POLICY, "text/yaml", "path.name"),
    ],
)
def test_what_is_no_policy_of_that_name_is_refused(client, name, content, kind, path):
    answer = client("admin").put(f"/api/v1/policies/{name}", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert path in paths_of(answer)


def test_the_organisations_policy_is_written_the_same_way(client):
    text = "assay_policy: 1\nname: organisation\nbanned_features: [age]\n"
    answer = client("admin").put("/api/v1/policies/organisation", content=text, headers=YAML)
    assert (answer.status_code, answer.json()["version"]) == (201, 2)


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("owner", 403), ("ci", 403), ("admin", 201)])
def test_writing_a_policy_needs_its_scope(client, role, status):
    assert client(role).put("/api/v1/policies/eu", content=POLICY, headers=YAML).status_code == status


def test_a_policy_that_is_not_there(client):
    viewer = client("viewer")
    answer = viewer.get("/api/v1/policies/prodction")
    assert answer.status_code == 404
    assert re.search(
        r'did you mean "production"\?\); there are organisation, production, staging', answer.json()["detail"]
    )
    assert viewer.get("/api/v1/policies/prodction/versions").status_code == 404


# --- the contract -------------------------------------------------------------------------------------


def test_the_example_in_the_documentation_is_a_decision():
    assert DecisionOut.model_validate(EXAMPLE).model_dump(mode="json").keys() == EXAMPLE.keys()


def test_the_api_document_tells_both_answers_and_both_ways_to_write(client):
    document = client("viewer").get("/api/v1/openapi.json").json()
    assert {"200", "202"} <= document["paths"][GATE]["post"]["responses"].keys()
    written = document["paths"]["/api/v1/policies/{name}"]["put"]
    assert written["requestBody"]["content"].keys() == {"text/yaml", "application/json"}
    assert document["components"]["schemas"]["DecisionOut"]["examples"] == [EXAMPLE]
