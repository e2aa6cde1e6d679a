"""What becomes of slots: in time, late, missed, with nothing to audit; seen, and told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.errors import Invalid
from app.schedules import slots as handling
from app.schedules import targets
from app.tables import Deployment, Schedule
from checks import discover
from checks.contract import Scope
from checks.rubric import BY_ID
from tests.audits.conftest import plant

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOURS = timedelta(hours=1)


@pytest.fixture
def hourly(scheduled, database):
    """``hourly(hours)``: a schedule of every hour that was set so many hours before noon."""

    def make(hours=4, **columns):
        return scheduled("0 * * * *", since=NOON - hours * HOURS, **columns)

    return make


def statuses(slots):
    return [(slot.slot.hour, slot.status) for slot in slots()]


def test_a_slot_that_is_due_is_queued_once(follow, hourly, slots, audits):
    schedule_id = hourly(1)
    followed = follow(schedule_id, NOON)
    assert follow(schedule_id, NOON).audits == {}
    (audit,), (slot,) = audits(), slots()
    assert followed.audits == {NOON: audit.id}
    assert (slot.audit_id, slot.schedule_id, slot.status, slot.slot) == (audit.id, schedule_id, "queued", NOON)
    assert (audit.trigger, audit.actor, audit.automatic) == ("schedule", "scheduler", True)


def test_nothing_is_due_before_its_time(follow, hourly, slots):
    follow(hourly(0), NOON + HOURS - timedelta(seconds=1))
    assert slots() == []


def test_a_paused_schedule_queues_nothing(follow, hourly, slots):
    follow(hourly(enabled=False), NOON)
    assert slots() == []


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("latest", ["missed", "missed", "missed", "caught_up"]),
        ("all", ["caught_up"] * 4),
        ("none", ["missed"] * 4),
    ],
)
def test_late_slots_are_caught_up_with_as_the_schedule_says(follow, hourly, slots, audits, catch_up, expected):
    follow(hourly(catch_up=catch_up), NOON + HOURS / 2)
    assert statuses(slots) == list(zip([9, 10, 11, 12], expected, strict=True))
    assert [slot.audit_id for slot in slots() if slot.audit_id] == [audit.id for audit in audits()]
    assert len(audits()) == expected.count("caught_up")


def test_a_slot_in_time_tells_what_the_late_ones_would_have_told(follow, hourly, slots):
    follow(hourly(), NOON + timedelta(seconds=10))
    assert statuses(slots) == [(9, "missed"), (10, "missed"), (11, "missed"), (12, "queued")]


def test_the_grace_ends_after_its_last_second(follow, hourly, slots, settings):
    grace = timedelta(seconds=settings.schedule_grace_seconds)
    schedule_id = hourly(1, catch_up="none")
    follow(schedule_id, NOON + grace)
    follow(schedule_id, NOON + HOURS + grace + timedelta(seconds=1))
    assert statuses(slots) == [(12, "queued"), (13, "missed")]


@pytest.mark.parametrize("catch_up", ["latest", "all", "none"])
def test_a_long_pause_is_bounded(follow, scheduled, slots, alerts, catch_up):
    followed = follow(scheduled("* * * * *", since=NOON - timedelta(days=30), catch_up=catch_up), NOON)
    assert followed.more
    assert len(slots()) == handling.MOST_AT_ONCE
    assert slots()[0].slot == NOON - timedelta(minutes=99)
    (alert,) = alerts()
    assert alert.body["earlier_ones_too"]
    assert "more than" in alert.title
    assert len(alert.body["lines"]) == 11


def test_the_clock_set_back_queues_nothing_twice(follow, hourly, slots):
    schedule_id = hourly(1)
    follow(schedule_id, NOON)
    follow(schedule_id, NOON - HOURS)
    follow(schedule_id, NOON)
    assert statuses(slots) == [(12, "queued")]


def test_a_slot_that_somebody_else_took_leaves_no_audit(database, settings, follow, hourly, slots, audits):
    """The key decides even where two workers saw no row."""
    schedule_id = hourly(1)
    follow(schedule_id, NOON)
    with database.write() as session:
        schedule = session.get(Schedule, schedule_id)
        handling._queue(session, schedule, NOON, late=False, settings=settings, followed=handling.Followed())
    assert len(audits()) == 1


def test_what_is_missed_is_told_in_one_alert(follow, hourly, alerts, planted):
    follow(hourly(catch_up="none", environment="production"), NOON + HOURS / 2)
    (alert,) = alerts()
    assert (alert.event, alert.severity, alert.model_id) == ("schedule.missed", "critical", planted[0].id)
    assert alert.environment == "production"
    assert alert.title == "tumour-malignancy in production: 4 scheduled audits missed"
    assert alert.body["lines"][0] == f"2026-03-10 09:00 UTC was missed: {handling.NOBODY}."
    assert len(alert.body["missed"]) == 4


def test_what_is_late_is_told_softly(follow, hourly, alerts):
    follow(hourly(1), NOON + HOURS / 2)
    (alert,) = alerts()
    assert (alert.severity, alert.title) == ("info", "tumour-malignancy: 1 scheduled audit queued late")


def test_a_slot_in_time_is_not_told(follow, hourly, alerts):
    follow(hourly(1), NOON)
    assert alerts() == []


def test_a_lasting_cause_is_told_once(follow, hourly, slots, alerts, serve):
    schedule_id = hourly(1, environment="staging", made_by="somebody")
    for hour in range(3):
        follow(schedule_id, NOON + hour * HOURS)
    assert {(slot.status, slot.reason) for slot in slots()} == {("missed", "nothing serves in staging")}
    assert [alert.severity for alert in alerts()] == ["warning"]
    serve(environment="staging")
    follow(schedule_id, NOON + 3 * HOURS)
    assert slots()[-1].status == "queued"


def test_a_default_schedule_of_what_serves_no_more_is_skipped(follow, hourly, slots, alerts):
    follow(hourly(1, environment="staging", made_by="default"), NOON)
    assert [(slot.status, slot.reason) for slot in slots()] == [("skipped", "nothing serves in staging")]
    assert alerts() == []


def test_a_model_without_a_version_misses_its_slot(database, follow, scheduled, slots):
    with database.write() as session:
        model, version = plant(session, name="empty")
        session.delete(version)
    follow(scheduled("0 * * * *", model=model, since=NOON - HOURS), NOON)
    assert [(slot.status, slot.reason) for slot in slots()] == [("missed", "there is no version")]


def test_an_audit_that_cannot_be_queued_is_a_missed_slot(follow, hourly, slots, audits, monkeypatch):
    def refuse(*_args, **_named):
        raise Invalid("it cannot be")

    monkeypatch.setattr(targets, "enqueue", refuse)
    follow(hourly(1), NOON)
    assert [slot.reason for slot in slots()] == ["the audit could not be queued: it cannot be"]
    assert audits() == []


# --- what is audited ------------------------------------------------------------------------------


def test_without_an_environment_the_newest_version_is_audited_with_everything(database, follow, hourly, audits):
    with database.write() as session:
        _, newest = plant(session, version="2.0.0")
    follow(hourly(1), NOON)
    (audit,) = audits()
    assert (audit.version_id, audit.environment, audit.window_start) == (newest.id, None, None)
    assert audit.checks == list(discover())


def test_what_serves_is_audited_stable_before_canary_before_shadow(database, follow, hourly, audits, serve):
    with database.write() as session:
        shadow, canary, stable, newest = (plant(session, version=name)[1] for name in ("2", "3", "4", "5"))
    schedule_id = hourly(1, environment="production")
    serve(newest, "stable", environment="staging")
    serve(newest, "stable", ended_at=NOON)
    for hour, (version, role) in enumerate([(shadow, "shadow"), (canary, "canary"), (stable, "stable")]):
        serve(version, role)
        follow(schedule_id, NOON + hour * HOURS)
    assert [audit.version_id for audit in audits()] == [shadow.id, canary.id, stable.id]
    checks = audits()[0].checks
    assert checks
    assert all(BY_ID[one].scope is Scope.SYSTEM or one in {*targets.ABOUT_SERVING, "MON-5"} for one in checks)
    assert "DATA-1" not in checks


def test_the_window_goes_back_to_the_last_audited_slot(follow, scheduled, serve, audits, settings, database):
    serve()
    least = timedelta(days=settings.window_days)
    monthly = scheduled("0 12 10 * *", since=NOON - timedelta(days=59), environment="production")
    follow(monthly, NOON - timedelta(days=28))
    follow(monthly, NOON)
    first, second = audits()
    assert (first.window_start, first.window_end) == (first.window_end - least, NOON - timedelta(days=28))
    assert (second.window_start, second.window_end) == (first.window_end, NOON)
    with database.write() as session:
        session.get(Schedule, monthly).cron = "0 * * * *"
    follow(monthly, NOON + HOURS)
    assert audits()[-1].window_start == NOON + HOURS - least


def test_the_deployment_that_began_last_counts(database, follow, hourly, audits, serve, planted):
    with database.write() as session:
        _, second = plant(session, version="2")
    serve(second, started_at=NOON - 2 * HOURS)
    first_id = serve(planted[1], started_at=NOON - 3 * HOURS)
    follow(hourly(1, environment="production"), NOON)
    assert audits()[0].version_id == second.id
    with database.read() as session:
        assert session.get(Deployment, first_id).ended_at is None
