"""Where a model serves it is audited, unless somebody decided otherwise; how often tells how long results count."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.db import utcnow
from app.schedules.defaults import follow_tiers, schedule_what_serves
from app.scorecards.service import evidence_facts
from app.tables import Model, Schedule
from tests.audits.conftest import plant

pytestmark = pytest.mark.both_databases


@pytest.fixture
def make(database):
    def run():
        with database.write() as session:
            made = schedule_what_serves(session, utcnow())
        with database.read() as session:
            return made, session.exec(select(Schedule).order_by(Schedule.id)).all()

    return run


@pytest.mark.parametrize(
    ("tier", "expected", "days"), [("high", "7 5 * * *", 1), ("medium", "7 5 * * mon", 7), ("low", "7 5 1 * *", 31)]
)
def test_the_riskier_the_more_often(database, planted, serve, make, tier, expected, days):
    with database.write() as session:
        session.get(Model, planted[0].id).risk_tier = tier
    serve()
    serve(role="canary")
    serve(environment="staging", ended_at=utcnow())
    made, (schedule,) = make()
    assert (made, schedule.environment, schedule.cron) == (1, "production", expected)
    assert (schedule.made_by, schedule.enabled, schedule.catch_up) == ("default", True, "latest")
    assert make()[0] == 0
    with database.read() as session:
        facts = evidence_facts(session, *planted, environment="production")
    assert facts.windows["MON-2"] == 2 * days


def test_a_default_follows_the_models_risk_tier(database, planted, serve, make):
    serve()
    since = make()[1][0].since
    assert follow(database) == 0

    def set_tier(tier):
        with database.write() as session:
            session.get(Model, planted[0].id).risk_tier = tier

    set_tier("high")
    assert (follow(database), follow(database)) == (1, 0)
    (schedule,) = make()[1]
    assert (schedule.cron, schedule.made_by) == ("7 5 * * *", "default")
    assert schedule.since > since
    with database.write() as session:
        session.get(Schedule, schedule.id).made_by = "ann"
    set_tier("low")
    assert follow(database) == 0


def follow(database):
    with database.write() as session:
        return follow_tiers(session, utcnow())


def test_a_schedule_that_somebody_set_or_paused_is_left_alone(scheduled, serve, make):
    scheduled("0 0 * * *", environment="production", enabled=False)
    serve()
    made, (schedule,) = make()
    assert (made, schedule.cron, schedule.enabled) == (0, "0 0 * * *", False)


@pytest.fixture
def window(database, planted):
    def read(environment=None, test_id="MON-4"):
        with database.read() as session:
            return evidence_facts(session, *planted, environment=environment).windows[test_id]

    return read


def test_results_count_for_twice_the_schedule(window, scheduled, database):
    assert window() == 30
    scheduled("0 6 * * mon-fri")
    assert window() == 6
    scheduled("0 */12 * * *", environment="production")
    assert (window(), window("production"), window("staging")) == (1, 1, 6)
    assert window(test_id="DATA-1") == 30


def test_a_pause_does_not_keep_old_results_fresh(window, scheduled):
    scheduled("0 6 * * *", enabled=False)
    assert window() == 2


def test_a_schedule_that_nobody_can_follow_says_nothing(window, scheduled, database):
    scheduled("0 6 1 * 1", environment="staging")
    assert window() == 30
    with database.write() as session:
        other, _ = plant(session, name="other")
    scheduled("0 6 * * *", timedelta(0), other)
    assert window() == 30
