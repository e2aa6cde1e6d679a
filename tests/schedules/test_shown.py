"""Schedules and what they missed, on pages and on the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.cli import run
from app.client import Assay
from app.db import utcnow
from app.tables import ScheduleSlot

pytestmark = pytest.mark.both_databases


@pytest.fixture
def missed(database, scheduled):
    """A schedule that has just missed two slots, and handled them."""
    schedule_id = scheduled("0 0 1 1 *", timedelta(days=3), environment="production")
    with database.write() as session:
        for hours in (1, 2):
            slot = utcnow() - timedelta(hours=hours)
            session.add(ScheduleSlot(schedule_id=schedule_id, slot=slot, status="missed", reason="nothing serves"))
    return schedule_id


def test_pages_tell_what_was_missed(client, missed):
    http = client("viewer")
    fleet = http.get("/")
    assert "2 scheduled audits in production missed in 30 days" in fleet.text
    card = http.get("/models/tumour-malignancy/versions/1.0.0")
    assert card.status_code == 200
    assert "0 0 1 1 *" in card.text
    assert "2 scheduled audits in production missed in 30 days" in card.text


def test_pages_are_silent_where_nothing_is_wrong(client, scheduled):
    scheduled("0 0 1 1 *", timedelta(0))
    assert "missed" not in client("viewer").get("/").text


@pytest.fixture
def assay(client, planted, monkeypatch, capsys):
    """``assay("list")``: the exit code and what ``assay schedule list`` says, against the real application."""
    http = client("owner")

    connected = Assay("http://testserver", "asy_x")
    connected._http = http
    http.base_url = "http://testserver/api/v1/"
    monkeypatch.setattr("app.cli.schedules.Assay", lambda: connected)

    def command(*arguments):
        code = run(["schedule", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    return command


def test_a_schedule_is_set_paused_resumed_run_and_read(assay, serve):
    name = ("tumour-malignancy", "--environment", "production")
    code, told = assay("set", *name, "--cron", "0 6 * * *")
    assert (code, "next" in told) == (0, True)
    assert "paused" in assay("pause", *name)[1]
    assert "paused" in assay("list")[1]
    assert "T06:00:00" in assay("resume", *name)[1]
    serve()
    code, told = assay("run", *name)
    assert (code, "of tumour-malignancy@1.0.0 is queued" in told) == (0, True)
    assert assay("slots", *name)[0] == 0
    code, told = assay("slots", "tumour-malignancy")
    assert code == 64
    assert "has no schedule for its newest version; there are: production" in told
    assert assay("set", *name, "--cron", "0 6")[0] == 1


def test_missed_slots_are_listed(assay, missed):
    assert "2 in 30 days" in assay("list")[1]
    assert assay("slots", "tumour-malignancy", "--environment", "production")[1].count("nothing serves") == 2
