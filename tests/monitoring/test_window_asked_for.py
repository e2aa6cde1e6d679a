"""An audit's window as it is asked for: over HTTP and on the command line."""

from __future__ import annotations

import pytest

from app.cli.output import read_moment
from app.tables import Audit

AUDITS = "/api/v1/audits"
ASKED = {"model": "tumour-malignancy", "version": "1.0.0", "environment": "production"}
MARCH, APRIL = "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"


@pytest.fixture
def http(client, planted):
    return client("ci")


def test_it_is_kept_and_shown_and_asked_for_again_by_a_retry(http, database):
    answer = http.post(AUDITS, json=ASKED | {"window_start": MARCH, "window_end": "2026-04-01T02:00:00+02:00"})
    body = answer.json()
    assert (answer.status_code, body["window_start"], body["window_end"]) == (201, MARCH, APRIL)
    with database.write() as session:
        session.get(Audit, body["id"]).status = "failed"
    again = http.post(f"{AUDITS}/{body['id']}/retry").json()
    assert (again["window_start"], again["window_end"]) == (MARCH, APRIL)


def test_either_end_may_be_left_out(http):
    body = http.post(AUDITS, json=ASKED | {"window_start": MARCH}).json()
    assert (body["window_start"], body["window_end"]) == (MARCH, None)
    assert http.post(AUDITS, json=ASKED | {"window_end": APRIL}).json()["window_end"] == APRIL
    assert http.post(AUDITS, json=ASKED).json()["window_start"] is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"window_start": APRIL, "window_end": MARCH}, "window_end must be after window_start"),
        ({"window_start": MARCH, "window_end": MARCH}, "window_end must be after window_start"),
        ({"window_start": MARCH, "environment": None}, "a window needs the environment"),
        ({"window_start": "2026-03-01T00:00:00"}, "timezone"),
        ({"window_start": "2999-01-01T00:00:00Z"}, "is not in the past"),
    ],
)
def test_a_window_that_cannot_be_is_refused(http, changes, told):
    answer = http.post(AUDITS, json=ASKED | changes)
    assert answer.status_code == 422
    assert told in answer.text


def test_a_time_on_the_command_line_is_utc_unless_it_says():
    assert read_moment("2026-03-01", "--window-start") == "2026-03-01T00:00:00+00:00"
    assert read_moment("2026-03-01T06:00+02:00", "--window-start") == "2026-03-01T06:00:00+02:00"
    assert read_moment(None, "--window-start") is None
    with pytest.raises(Exception, match="--window-end 'soon': write a time as"):
        read_moment("soon", "--window-end")
