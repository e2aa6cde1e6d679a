"""Floor, policy and additions over HTTP: written, shown with their origin, compared when a decision is used."""

from __future__ import annotations

import pytest

from app.tables import Model
from tests.gate import planted

pytestmark = pytest.mark.both_databases

GATE = "/api/v1/gate/evaluations"
ASKED = {"model": "credit-default", "version": "1.0.0", "environment": "eu"}
POLICY = "assay_policy: 1\nname: eu\nstages:\n  admit: {must_pass: [DATA-1]}\n"
FLOOR = "assay_policy: 1\nname: organisation\nfloor:\n  stages:\n    admit: {must_pass: [MODEL-5]}\n"
ADDITIONS = "assay_policy: 1\nmodel: credit-default\nstages:\n  admit: {must_pass: [MODEL-7]}\n"
YAML = {"Content-Type": "text/yaml"}
EFFECTIVE = "/api/v1/policies/eu/effective"
OF_MODEL = "/api/v1/models/credit-default/policy"


@pytest.fixture
def subject(database):
    return planted.registered(database)[1]


@pytest.fixture
def admin(client, subject, database):
    with database.write() as session:
        planted.admissible(session, subject)
    found = client("admin")
    put(found, "/api/v1/policies/eu", POLICY)
    return found


def put(client, url, text, status=201):
    answer = client.put(url, content=text, headers=YAML)
    assert answer.status_code == status, answer.text
    return answer.json()


def deploy(client, decision):
    body = {"model": "credit-default", "version": "1.0.0", "environment": "eu", "role": "shadow", "reason": "r"}
    return client.post("/api/v1/deployments", json={**body, "decision_id": decision["id"]})


@pytest.mark.parametrize(
    ("url", "text", "expected"),
    [
        ("/api/v1/policies/organisation", FLOOR, "the organisation's floor or the model's additions have changed"),
        (OF_MODEL, ADDITIONS, "the organisation's floor or the model's additions have changed"),
        ("/api/v1/policies/eu", POLICY + "# again\n", "was made under version 1 of the policy eu; version 2 is in"),
    ],
)
def test_a_decision_is_of_no_use_once_any_of_what_bound_it_has_changed(admin, url, text, expected):
    decision = admin.post(GATE, json=ASKED).json()
    assert decision["status"] == "pass"
    put(admin, url, text)
    refused = deploy(admin, decision)
    assert (refused.status_code, expected in refused.json()["detail"]) == (409, True)
    anew = admin.post(GATE, json=ASKED).json()
    assert (anew["status"], anew["policy"]["digest"] == decision["policy"]["digest"]) == ("pass", False)
    assert admin.get(f"{GATE}/{decision['id']}/replay").json()["same"]
    assert deploy(admin, anew).status_code == 201


def test_bans_alone_bind_no_decision_anew(admin):
    decision = admin.post(GATE, json=ASKED).json()
    put(admin, "/api/v1/policies/organisation", "assay_policy: 1\nname: organisation\nbanned_features: [age]\n")
    assert deploy(admin, decision).status_code == 201


def test_a_model_that_was_put_into_another_risk_tier_needs_a_new_decision(admin, database, subject):
    decision = admin.post(GATE, json=ASKED).json()
    with database.write() as session:
        session.get_one(Model, subject.model_id).risk_tier = "high"
    refused = deploy(admin, decision)
    assert (refused.status_code, "risk tier medium; it is high now" in refused.json()["detail"]) == (409, True)


def test_the_effective_policy_tells_who_asks_what(admin):
    put(admin, "/api/v1/policies/organisation", FLOOR)
    put(admin, OF_MODEL, ADDITIONS)
    shown = admin.get(EFFECTIVE, params={"model": "credit-default"}).json()
    assert [(ask["name"], ask["origin"], ask["enforced"]) for ask in shown["conditions"]] == [
        ("must_pass.MODEL-5", "organisation v2", True),
        ("must_pass.DATA-1", "eu v1", True),
        ("must_pass.MODEL-7", "model credit-default v1", True),
    ]
    decision = admin.post(GATE, json=ASKED).json()
    assert decision["policy"]["digest"] == shown["digest"]
    assert [(c["name"], c["origin"]) for c in decision["conditions"]] == [
        (ask["name"], ask["origin"]) for ask in shown["conditions"]
    ]
    of_any = admin.get(EFFECTIVE).json()
    assert (of_any["model"], len(of_any["conditions"])) == (None, 2)
    assert [policy["name"] for policy in shown["policies"]] == ["eu", "organisation", "models/credit-default"]


def test_what_comes_later_is_shown_with_its_day(admin):
    later = "    phased_in:\n      - {enforced_from: 2100-01-01, must_pass: [DATA-1, MON-5], minimum: {score: 2}}\n"
    put(
        admin,
        "/api/v1/policies/eu",
        POLICY.replace("{must_pass: [DATA-1]}\n", "\n    must_pass: [DATA-1]\n" + later),
    )
    shown = admin.get(EFFECTIVE).json()["conditions"]
    assert [(ask["name"], ask["enforced"], ask["enforced_from"]) for ask in shown] == [
        ("must_pass.DATA-1", True, None),
        ("must_pass.MON-5", False, "2100-01-01"),
        ("minimum.score", False, "2100-01-01"),
    ]
    decision = admin.post(GATE, json=ASKED).json()
    assert decision["status"] == "pass"
    assert [c["enforced"] for c in decision["conditions"]] == [True, False, False]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("accept_not_applicable: [MODEL-5]\n", "accept_not_applicable"),
        ("decision_lifetime_hours: 48\n", "decision_lifetime_hours"),
    ],
)
def test_an_environment_cannot_claim_to_loosen_the_floor(admin, more, path):
    floor = FLOOR.replace("floor:\n", "floor:\n  decision_lifetime_hours: 24\n")
    put(admin, "/api/v1/policies/organisation", floor)
    refused = admin.put("/api/v1/policies/eu", content=POLICY + more, headers=YAML)
    assert (refused.status_code, [(e["path"], e["line"]) for e in refused.json()["errors"]]) == (422, [(path, 5)])
    assert put(admin, "/api/v1/policies/eu", POLICY + more.replace("MODEL-5", "DATA-2").replace("48", "24"))


def test_a_wrong_floor_is_refused(admin):
    refused = admin.put(
        "/api/v1/policies/organisation", content=FLOOR.replace("must_pass", "must_pas"), headers=YAML
    )
    assert (refused.status_code, refused.json()["errors"][0]["line"]) == (422, 5)


def test_additions_are_kept_by_version_and_are_no_environment(admin, client):
    assert admin.get(OF_MODEL).status_code == 404
    first = put(admin, OF_MODEL, ADDITIONS)
    assert put(admin, OF_MODEL, ADDITIONS, 200) == first == admin.get(OF_MODEL).json()
    assert put(admin, OF_MODEL, ADDITIONS + "# more\n")["version"] == 2
    names = [policy["name"] for policy in admin.get("/api/v1/policies").json()]
    assert names == ["eu", "organisation", "production", "staging"]
    wrong = admin.put("/api/v1/models/credit-default/policy", content=ADDITIONS.replace("t-d", "t-x"), headers=YAML)
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "model")
    assert admin.put("/api/v1/models/nobody/policy", content=ADDITIONS, headers=YAML).status_code == 404
    assert client("owner").put(OF_MODEL, content=ADDITIONS, headers=YAML).status_code == 403
    asked = admin.post(GATE, json=ASKED | {"environment": "models/credit-default"})
    assert (asked.status_code, "no policy is written" in asked.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("parameters", "status"),
    [({"model": "nobody"}, 404), ({"stage": "promote"}, 422), ({"risk_tier": "extreme"}, 422), ({}, 200)],
)
def test_what_there_is_not_is_not_shown(admin, parameters, status):
    assert admin.get(EFFECTIVE, params=parameters).status_code == status
    assert admin.get("/api/v1/policies/organisation/effective").status_code == 422
