"""Deployments over HTTP."""

from __future__ import annotations

URL = "/api/v1/deployments"
PLACE = {
    "model": "credit-default",
    "version": "1.0.0",
    "environment": "production",
    "role": "canary",
    "reason": "first release",
}


def test_a_deployment_is_made_listed_shown_and_stopped(world, client):
    ci = client("ci")
    decision = world.decide("1.0.0")
    made = ci.post(URL, json=PLACE)
    assert made.status_code == 201
    body = made.json()
    assert (body["version"], body["role"], body["kind"]) == ("1.0.0", "canary", "decision")
    assert (body["decision_id"], body["reason"], body["actor"]) == (decision.id, "first release", "test-ci")
    assert ci.get(f"{URL}/{body['id']}").json() == body
    asked = {"model": "credit-default", "environment": "production", "serving": "true"}
    assert ci.get(URL, params=asked).json()["items"] == [body]
    stopped = ci.post(f"{URL}/{body['id']}/stop", json={"reason": "enough"})
    assert stopped.json()["outcome"] == "stopped"
    assert ci.get(URL, params=asked).json()["items"] == []
    assert ci.get(URL, params=asked | {"serving": "false"}).json()["items"] == [stopped.json()]


def test_a_refusal_tells_a_pipeline_what_to_ask_the_gate(world, client):
    refused = client("ci").post(URL, json=PLACE)
    assert refused.status_code == 409
    assert refused.json()["stage"] == "admit"
    assert refused.json()["command"].startswith("assay gate check credit-default@1.0.0")


def test_sent_again_under_its_key_it_is_carried_out_once(world, client):
    ci = client("ci")
    world.decide("1.0.0")
    first = ci.post(URL, json=PLACE, headers={"Idempotency-Key": "release-1"})
    again = ci.post(URL, json=PLACE, headers={"Idempotency-Key": "release-1"})
    assert (first.status_code, again.json()) == (201, first.json())


def test_rollback_over_http(world, client):
    world.stable("1.0.0")
    world.stable("1.1.0")
    ci = client("ci")
    asked = {"model": "credit-default", "environment": "production", "reason": "errors"}
    back = ci.post(f"{URL}/rollback", json=asked)
    assert back.status_code == 201
    assert (back.json()["version"], back.json()["kind"]) == ("1.0.0", "rollback")
    assert ci.post(f"{URL}/rollback", json=asked).status_code == 409


def test_break_glass_over_http(world, client):
    asked = PLACE | {"role": "stable", "break_glass": True}
    assert client("owner").post(URL, json=asked).status_code == 403
    made = client("admin").post(URL, json=asked)
    assert made.status_code == 201
    assert made.json()["review_due_at"] is not None


def test_those_who_may_not_deploy_are_refused(world, client):
    world.decide("1.0.0")
    assert client("reviewer").post(URL, json=PLACE).status_code == 403
    assert client("client").get(URL).status_code == 403


def test_what_is_wrong_is_named(world, client):
    ci = client("ci")
    wrong = ci.post(URL, json=PLACE | {"role": "blue"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["path"].endswith("role")
    assert ci.post(URL, json=PLACE | {"version": "9"}).status_code == 404
    assert ci.get(f"{URL}/999").status_code == 404
    assert ci.post(URL, json={k: v for k, v in PLACE.items() if k != "reason"}).status_code == 422
