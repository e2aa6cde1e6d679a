"""What becomes overdue: on which day, told once, whoever leads."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from app.db import utcnow
from app.register.upkeep import look_after
from app.schedules.leader import Scheduler
from app.tables import Alert, Issue, IssueNote, Model, Retirement
from tests.alerts.conftest import deliveries, subscribe  # noqa: F401 - fixtures

pytestmark = pytest.mark.both_databases


@pytest.fixture
def due_in(database, find):
    """``due_in(days)``: an issue of the severity high with that due date."""

    def make(days, **changes):
        find("DATA-1", "fail")
        with database.write() as session:
            issue = session.exec(select(Issue)).one()
            issue.due_on = utcnow().date() + timedelta(days=days)
            issue.sqlmodel_update(changes)

    return make


@pytest.fixture
def alerts(database):
    def read(event="issue.overdue"):
        with database.read() as session:
            return list(session.exec(select(Alert).where(Alert.event == event)))

    return read


@pytest.mark.parametrize(("days", "severity"), [(1, "high"), (0, "high"), (-1, "critical")])
def test_the_due_date_itself_is_in_time(due_in, database, settings, issues, alerts, days, severity):
    due_in(days)
    look_after(database, settings)
    assert issues()[0].severity == severity
    assert len(alerts()) == (severity == "critical")


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_what_is_solved_is_not_overdue(due_in, database, settings, issues, status):
    due_in(-1, status=status)
    look_after(database, settings)
    assert issues()[0].severity == "high"


def test_it_is_told_once_for_a_due_date_through_the_outbox(
    due_in,
    database,
    settings,
    issues,
    alerts,
    subscribe,  # noqa: F811
    deliveries,  # noqa: F811
):
    subscribe(events=["issue.overdue"])
    due_in(-1, severity="medium")
    for _ in range(3):
        look_after(database, settings)
    assert issues()[0].severity == "high"
    assert len(deliveries()) == 1
    assert "medium before" in alerts()[0].body["lines"][2]
    with database.write() as session:
        session.get_one(Issue, 1).due_on -= timedelta(days=1)
    look_after(database, settings)
    assert (issues()[0].severity, len(alerts())) == ("critical", 2)


def test_two_leaders_at_once_escalate_once(due_in, database, settings, issues, alerts):
    due_in(-1, severity="low")
    start = threading.Barrier(4)

    def lead():
        start.wait()
        look_after(database, settings)

    threads = [threading.Thread(target=lead) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (issues()[0].severity, len(alerts())) == ("medium", 1)


def test_the_leading_scheduler_does_it(due_in, database, settings, alerts):
    due_in(-1)
    done = threading.Event()

    def chore(db, given):
        look_after(db, given)
        done.set()

    scheduler = Scheduler(database, settings, "w", chores=[chore])
    scheduler.start()
    assert done.wait(20)
    scheduler.stop()
    assert len(alerts()) == 1


@pytest.mark.parametrize(("age", "told"), [(90, 0), (91, 1)])
def test_an_overdue_validation_opens_one_issue_with_an_alert(
    registered, database, settings, issues, alerts, age, told
):
    with database.write() as session:
        session.get_one(Model, registered[0].id).created_at = utcnow() - timedelta(days=age)
    look_after(database, settings)
    look_after(database, settings)
    assert [one.title for one in issues()] == ["The validation is overdue"] * told
    assert len(alerts("validation.overdue")) == told


def test_a_retired_model_is_left_alone(due_in, registered, database, settings, alerts):
    due_in(-1)
    with database.write() as session:
        session.get_one(Model, registered[0].id).created_at = utcnow() - timedelta(days=999)
        session.add(Retirement(model_id=registered[0].id, reason="r", retired_by="x"))
    look_after(database, settings)
    assert alerts() == alerts("validation.overdue") == []


def test_each_step_is_in_the_history(due_in, database, settings):
    due_in(-1)
    look_after(database, settings)
    with database.read() as session:
        note = session.exec(select(IssueNote).order_by(IssueNote.id.desc())).first()
    assert (note.action, note.actor) == ("escalated", "register")
    assert note.details == {"severity": {"before": "high", "after": "critical"}}
