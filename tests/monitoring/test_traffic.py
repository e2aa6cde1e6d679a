"""What was served, by day, version and role, and how much of it has a label."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.monitoring.predictions import store_rows
from tests.audits.conftest import plant
from tests.monitoring.conftest import START, rows

pytestmark = pytest.mark.both_databases

WHERE = {"model": "tumour-malignancy", "environment": "production"}
MARCH = WHERE | {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}
A_DAY = 24 * 60


@pytest.fixture
def http(database, blobs, destination, client):
    """1.0.0: three rows late on 2 March and two after midnight; one as canary of 2.0.0; one in staging."""
    with database.write() as session:
        other = plant(session, version="2.0.0")[1]
    store_rows(database, blobs, destination(), rows(5, start=A_DAY - 3))
    store_rows(database, blobs, destination(version=other, role="canary"), rows(1, start=1))
    store_rows(database, blobs, destination(environment="staging"), rows(1, start=2))
    ci = client("ci")
    labels = [{"id": f"p{i:06d}", "label": 1} for i in (1, 2, A_DAY - 3, A_DAY)]
    labels += [{"id": f"p{A_DAY:06d}", "label": 0}]
    assert ci.post("/api/v1/labels", json={"model": WHERE["model"], "labels": labels}).json()["corrected"] == 1
    return ci


def shown(http, **parameters):
    body = http.get("/api/v1/traffic", params=parameters).json()
    return [tuple(one.values()) for one in body["days"]], (body["rows"], body["labelled"], body["coverage"])


def test_by_day_version_and_role_newest_first(http):
    assert shown(http, **MARCH) == (
        [
            ("2026-03-03", "1.0.0", "stable", 2, 1, 0.5),
            ("2026-03-02", "1.0.0", "stable", 3, 1, 1 / 3),
            ("2026-03-02", "2.0.0", "canary", 1, 1, 1.0),
        ],
        (6, 3, 0.5),
    )


def test_a_request_that_two_versions_answered_is_two_rows_with_one_label(database, blobs, destination, http):
    with database.write() as session:
        shadow = plant(session, version="3.0.0")[1]
    store_rows(database, blobs, destination(version=shadow, role="shadow"), rows(2, start=A_DAY))
    assert shown(http, **MARCH)[0][:2] == [
        ("2026-03-03", "1.0.0", "stable", 2, 1, 0.5),
        ("2026-03-03", "3.0.0", "shadow", 2, 1, 0.5),
    ]


def test_of_one_version_within_other_bounds(http):
    midnight = (START + timedelta(days=1)).isoformat()
    assert shown(http, **MARCH | {"version": "1.0.0", "since": midnight})[1] == (2, 1, 0.5)
    assert shown(http, **MARCH | {"version": "1.0.0", "until": midnight})[1] == (3, 1, 1 / 3)


def test_of_nothing_there_is_no_coverage(http):
    assert shown(http, **MARCH | {"environment": "nowhere"}) == ([], (0, 0, None))
    assert shown(http, **WHERE) == ([], (0, 0, None))  # the last 30 days


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"version": "9"}, 404), ({"model": "x"}, 404), ({"since": "2026-05-01T00:00:00Z"}, 422)],
)
def test_what_cannot_be_shown(http, changes, status):
    assert http.get("/api/v1/traffic", params=MARCH | changes).status_code == status
