"""A service that probes its own gateway: registered and deployed by the command line, asked by its worker."""

from __future__ import annotations

import pytest
import yaml

from tests.audits.waiting import wait_until
from tests.catalog.releases import with_skops
from tests.end_to_end.test_service import started
from tests.end_to_end.test_serving import MODEL, OLD, House

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path, elsewhere, monkeypatch):
    monkeypatch.setenv("ASSAY_OUTGOING_ALLOWED_HOSTS", '["127.0.0.1"]')
    manifest, _ = with_skops(tmp_path)
    (tmp_path / "assay.yaml").write_text(yaml.safe_dump(manifest))
    folder = tmp_path / "data"
    folder.mkdir()
    with elsewhere(folder) as settings, started(settings) as service:
        made = House(service)
        made.must("model", "register", "-f", str(tmp_path / "assay.yaml"), "--version", OLD)
        yield made
        made.database.dispose()


def test_the_gateway_is_probed_like_any_other_address(house):
    house.put(OLD, "production")
    url = f"{house.service.url}/environments/production/v2/models/{MODEL}/ready"
    place = ("--url", url, "--environment", "production", "--interval", "10", "--timeout", "9", "--tolerance", "1")
    house.must(
        "uptime", "add", MODEL, "gateway", *place, "--token", house.tokens["client"], "--text", '"ready":true'
    )
    house.must("uptime", "add", MODEL, "without a token", *place)

    def states():
        with house.client() as client:
            found = {one["name"]: one for one in client.endpoints(MODEL)}
        return found if all(one["last_probe_at"] for one in found.values()) else None

    found = wait_until(states)
    assert {name: (one["state"], one["error"]) for name, one in found.items()} == {
        "gateway": ("up", None),
        "without a token": ("down", "answered 401 instead of 200"),
    }
    with house.client() as client:
        told = [one["title"] for one in client.alerts(event="endpoint.down")]
    assert told == [f"{MODEL} in production: without a token does not answer as it should"]
    assert "down" in house.must("uptime", "show", MODEL, "without a token")
