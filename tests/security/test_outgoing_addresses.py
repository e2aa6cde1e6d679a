"""Every address that a user can name and the service calls: refused when it is given, and when it is used."""

from __future__ import annotations

import threading

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.uptime.prober import Prober
from app.worker import run
from tests.outgoing.conftest import listener  # noqa: F401 - a fixture
from tests.outgoing.test_urls import HOSTILE

MODEL = "credit-default"
PIPELINES = {
    "by-webhook": {"kind": "webhook"},
    "by-kubeflow": {"kind": "kfp", "pipeline_id": "p"},
    "by-github": {"kind": "github", "repository": "a/b"},
}


def givings(url):
    """(kind, method, path, body) of each way to make the service call ``url``."""
    for channel in ("webhook", "slack"):
        yield channel, "POST", "/api/v1/subscriptions", {"name": channel, "channel": channel, "target": url}
    for name, target in PIPELINES.items():
        body = {"target": {**target, "url": url}, "causes": ["on_demand"], "models": [MODEL]}
        body |= {} if name == "by-webhook" else {"token": "t"}
        yield name, "PUT", f"/api/v1/pipelines/{name}/trainer", body
    endpoint = {"name": "scoring", "url": url, "environment": "production", "interval_seconds": 10}
    yield "endpoint", "POST", f"/api/v1/models/{MODEL}/endpoints", endpoint | {"timeout_seconds": 5}


KINDS = [kind for kind, *_ in givings("")]


@pytest.fixture
def pipelines(client, database):
    from tests.scorecards import stored

    with database.write() as session:
        stored.version(session, stored.model(session, MODEL))
    for name in PIPELINES:
        stage = {"name": "train", "role": "training"}
        body = {"name": name, "owner": "ml@example.com", "models": [MODEL], "stages": [stage]}
        assert client("admin").put(f"/api/v1/pipelines/{name}", json=body).status_code in {200, 201}


@pytest.mark.usefixtures("pipelines")
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_addresses_are_refused_when_they_are_given(client, kind):
    admin = client("admin")
    for url in HOSTILE:
        [(method, path, body)] = [rest for found, *rest in givings(url) if found == kind]
        answer = admin.request(method, path, json=body)
        assert answer.status_code == 422, (url, answer.text)
        assert {error["path"].split(".")[-1] for error in answer.json()["errors"]} <= {"url", "target"}, answer.text
    assert admin.get("/api/v1/subscriptions").json()["items"] == []
    assert admin.get(f"/api/v1/models/{MODEL}/endpoints").json() in ([], {"items": [], "next_cursor": None})


@pytest.mark.usefixtures("pipelines")
@pytest.mark.parametrize("kind", KINDS)
def test_public_ones_are_taken(client, kind):
    """Positive control."""
    [(method, path, body)] = [rest for found, *rest in givings("https://1.1.1.1/x") if found == kind]
    assert client("admin").request(method, path, json=body).status_code in {200, 201}


@pytest.mark.slow
@pytest.mark.usefixtures("pipelines")
@pytest.mark.parametrize("still_allowed", [False, True])
def test_what_is_stored_already_is_looked_at_again_when_it_is_used(
    settings,
    secret,
    database,
    listener,  # noqa: F811
    still_allowed,
):
    """As where a name leads elsewhere by now, or an administrator allows less: loopback hears nothing."""
    loose = settings.model_copy(update={"outgoing_allowed_hosts": ["127.0.0.1"]})
    with TestClient(create_app(loose), headers={"Authorization": f"Bearer {secret('admin')}"}) as admin:
        for kind, method, path, body in givings(f"http://127.0.0.1:{listener.port}/"):
            answer = admin.request(method, path, json=body)
            assert answer.status_code in {200, 201}, (kind, answer.text)
            if "subscriptions" in path:
                assert admin.post(f"{path}/{answer.json()['id']}/test").status_code < 300
            if "trainer" in path:
                asked = {"cause": "on_demand", "model": MODEL, "environment": "production"}
                answer = admin.post(path.replace("trainer", "training-requests"), json=asked)
                assert answer.status_code < 300, answer.text
    used = loose if still_allowed else settings
    for future in Prober(database, used).round():
        future.result()
    run(used, stop=threading.Event(), once=True)
    assert (listener.connections >= len(KINDS)) if still_allowed else (listener.connections == 0)
