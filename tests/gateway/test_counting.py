"""Requests are counted by version and role, those without an answer too."""

from __future__ import annotations

import os
import signal

import pytest
from sqlmodel import select

from app.monitoring.predictions import Destination
from app.monitoring.requests import Counted, count_requests
from app.tables import Model, RequestCount, Version
from tests.gateway.test_protocol import body


@pytest.fixture(scope="module")
def counted(house):
    house.plant("counted", "1.0.0", "1.1.0")
    house.put("counted", "1.0.0")
    house.put("counted", "1.1.0", "canary")
    return house


def counts(house):
    """(requests, errors) by role."""
    assert house.gateway.keeper.flush()
    made = {}
    with house.database.read() as session:
        for row in session.exec(select(RequestCount)):
            requests, errors = made.get(row.role, (0, 0))
            made[row.role] = requests + row.requests, errors + row.errors
            assert row.first_at <= row.last_at
    return made


def test_answers_and_what_got_none_are_counted_by_role(counted):
    stable, canary = "/v2/models/counted/infer", "/v2/models/counted/versions/1.1.0/infer"
    assert (
        counted.caller.post(stable, json=body(radius=(1.0, 2.0, 3.0), texture=(1.0, 2.0, 3.0))).status_code == 200
    )
    assert counted.caller.post(stable, json=body(radius=("x",))).status_code == 422  # nothing that a version did
    for _ in range(2):
        assert counted.caller.post(canary, json=body()).status_code == 200
    runners = counted.gateway._runners.values()
    process = [one.process_id for one in runners][-1]
    os.kill(process, signal.SIGSTOP)
    tight = counted.settings.model_copy(update={"prediction_seconds": 0.3})
    for runner in runners:
        runner._settings = tight
    assert counted.caller.post(canary, json=body()).status_code == 503
    for runner in runners:
        runner._settings = counted.settings
    assert counts(counted) == {"stable": (1, 0), "canary": (3, 1)}
    page = counted.caller.get("/metrics", headers=counted.headers["viewer"]).text
    for role, outcome, count in (
        ("stable", "answered", 1), ("stable", "refused", 1), ("canary", "answered", 2), ("canary", "failed", 1),
    ):  # fmt: skip
        labels = f'environment="production",model="counted",outcome="{outcome}",role="{role}"'
        assert f"assay_gateway_requests_total{{{labels}}} {count}.0\n" in page
    labels = 'environment="production",model="counted",role="canary"'
    assert f"assay_gateway_request_seconds_count{{{labels}}} 2.0\n" in page


def test_a_file_of_the_spool_is_counted_once(counted):
    before = counts(counted)
    with counted.database.read() as session:
        row = session.exec(select(RequestCount).where(RequestCount.role == "canary")).first()
        model, version = session.get_one(Model, row.model_id), session.get_one(Version, row.version_id)
    to = Destination(model, version, row.environment, row.role, "gateway", "gateway")
    again = Counted(row.requests, row.errors, row.first_at, row.last_at)
    count_requests(counted.database, to, row.source, again)
    assert counts(counted) == before
    count_requests(counted.database, to, "another", again)
    assert counts(counted) != before
