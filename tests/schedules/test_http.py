"""Schedules over HTTP: set, changed, paused, run; slots that were missed or failed are seen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.audits import ledger
from app.db import utcnow
from app.tables import Schedule
from tests.audits.conftest import plant

SCHEDULES = "/api/v1/schedules"
ASKED = {"model": "tumour-malignancy", "environment": "production", "cron": "0 6 * * *"}

pytestmark = pytest.mark.both_databases


@pytest.fixture
def http(client, planted):
    return client("owner")


@pytest.fixture
def daily(http):
    return http.put(SCHEDULES, json=ASKED).json()


def test_setting_a_schedule_twice_changes_nothing(http, daily, database):
    assert (daily["model"], daily["environment"], daily["cron"]) == ("tumour-malignancy", "production", "0 6 * * *")
    assert (daily["enabled"], daily["catch_up"], daily["interval_days"]) == (True, "latest", 1.0)
    assert (daily["made_by"], daily["last_slot"], daily["missed"]) == ("test-owner", None, 0)
    assert "T06:00:00" in daily["next_slot"]
    assert http.put(SCHEDULES, json=ASKED).json() == daily
    assert http.get(f"{SCHEDULES}/{daily['id']}").json() == daily
    other = http.put(SCHEDULES, json={**ASKED, "environment": None}).json()
    assert (other["id"] != daily["id"], other["environment"]) == (True, None)
    assert [one["id"] for one in http.get(SCHEDULES).json()["items"]] == [other["id"], daily["id"]]
    assert http.get(SCHEDULES, params={"model": "nothing"}).json()["items"] == []


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"cron": "0 6 1 * 1"}, 422, "give a day of the month or a day of the week"),
        ({"cron": "every tuesday at six"}, 422, "not a cron expression"),
        ({"catch_up": "some"}, 422, "latest"),
        ({"model": "tumour"}, 404, "no model is registered"),
        ({"environment": "Prod!"}, 422, "environment"),
        ({"every": "day"}, 422, "every"),
    ],
)
def test_nonsense_is_refused(http, change, status, told):
    answer = http.put(SCHEDULES, json={**ASKED, **change})
    assert answer.status_code == status
    assert told in answer.text


def test_a_part_is_changed(http, daily):
    path = f"{SCHEDULES}/{daily['id']}"
    changed = http.patch(path, json={"catch_up": "none"}).json()
    assert (changed["cron"], changed["catch_up"]) == ("0 6 * * *", "none")
    changed = http.patch(path, json={"cron": "0 */6 * * *"}).json()
    assert (changed["interval_days"], changed["catch_up"]) == (0.25, "none")
    assert http.patch(path, json={"cron": "0 6"}).status_code == 422
    assert http.patch(f"{SCHEDULES}/99", json={}).status_code == 404


def test_slots_of_a_pause_are_not_missed(http, database, scheduled, slots, follow):
    schedule_id = scheduled("0 * * * *", timedelta(days=3))
    path = f"{SCHEDULES}/{schedule_id}"
    paused = http.post(f"{path}/pause").json()
    assert (paused["enabled"], paused["next_slot"], paused["overdue"]) == (False, None, None)
    follow(schedule_id)
    assert http.post(f"{path}/resume").json()["enabled"] is True
    follow(schedule_id)
    assert slots() == []


def test_running_now_leaves_the_slots_alone(http, daily, serve, slots, audits):
    path = f"{SCHEDULES}/{daily['id']}/run"
    nothing = http.post(path)
    assert nothing.status_code == 409
    assert "nothing serves in production" in nothing.text
    serve()
    first = http.post(path, headers={"Idempotency-Key": "once"})
    assert first.status_code == 201
    assert http.post(path, headers={"Idempotency-Key": "once"}).json()["id"] == first.json()["id"]
    (audit,) = audits()
    assert (audit.environment, audit.trigger, audit.automatic) == ("production", "manual", False)
    assert audit.window_end - audit.window_start >= timedelta(days=1)
    assert slots() == []


def test_what_became_of_slots_is_shown(http, database, settings, scheduled, follow):
    schedule_id = scheduled("0 0 * * *", timedelta(days=4))
    midnight = utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
    follow(schedule_id, midnight - timedelta(days=1) + timedelta(hours=5))
    follow(schedule_id, midnight)
    claim = ledger.claim(database, "w", settings)
    ledger.fail_attempt(database, claim, settings.model_copy(update={"audit_attempts": 1}), "no memory")
    path = f"{SCHEDULES}/{schedule_id}/slots"
    rows = http.get(path).json()["items"]
    told = [(row["status"], row["outcome"]) for row in rows]
    assert told[:2] == [("queued", "queued"), ("caught_up", "failed")]
    assert set(told[2:]) == {("missed", "missed")}
    assert "no memory" in rows[1]["reason"]
    page = http.get(path, params={"limit": 2}).json()
    following = http.get(path, params={"limit": 200, "cursor": page["next_cursor"]}).json()
    assert page["items"] + following["items"] == rows
    (listed,) = http.get(SCHEDULES).json()["items"]
    assert (listed["missed"], listed["last_outcome"]) == (len(rows) - 2, "queued")
    assert http.get(path, params={"cursor": "OTk5OTk5OTk5OTk5OTk5OTk"}).status_code == 422


def test_a_schedule_that_nobody_follows_is_overdue(http, scheduled, settings):
    scheduled("* * * * *", timedelta(seconds=settings.schedule_grace_seconds + 90))
    assert http.get(SCHEDULES).json()["items"][0]["overdue"]
    scheduled("* * * * *", timedelta(seconds=90), environment="staging")
    assert http.get(SCHEDULES).json()["items"][0]["overdue"] is None


def test_a_schedule_that_cannot_be_followed_is_listed_without_a_next_slot(http, database, planted):
    with database.write() as session:
        session.add(Schedule(model_id=planted[0].id, cron="0 6 1 * 1"))
    (listed,) = http.get(SCHEDULES).json()["items"]
    assert (listed["cron"], listed["next_slot"], listed["interval_days"]) == ("0 6 1 * 1", None, None)


def test_readers_change_nothing(client, daily):
    viewer = client("viewer")
    assert viewer.get(SCHEDULES).status_code == 200
    for verb in ("pause", "resume", "run"):
        assert viewer.post(f"{SCHEDULES}/{daily['id']}/{verb}").status_code == 403
    assert viewer.put(SCHEDULES, json=ASKED).status_code == 403


def test_each_change_is_in_the_audit_log(http, daily, logged_of):
    http.post(f"{SCHEDULES}/{daily['id']}/pause")
    assert logged_of(f"schedule/{daily['id']}") == ["schedule.set", "schedule.changed"]


@pytest.fixture
def logged_of(database):
    from sqlmodel import select

    from app.tables import AuditLog

    def read(subject):
        with database.read() as session:
            rows = session.exec(select(AuditLog).where(AuditLog.subject == subject).order_by(AuditLog.id))
            return [row.action for row in rows]

    return read


def test_models_do_not_share_schedules(http, daily, database):
    with database.write() as session:
        plant(session, name="other")
    other = http.put(SCHEDULES, json={**ASKED, "model": "other"}).json()
    assert other["id"] != daily["id"]
