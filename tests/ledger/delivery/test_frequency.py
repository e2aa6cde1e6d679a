"""Deployment frequency: what reaches end users counts, once, and nothing else."""

import pytest

from app.ledger.reading.delivery.metrics import delivery_metrics
from app.ledger.reading.delivery.rollouts import rollouts
from tests.ledger.story import at


def versions_of(story):
    return [(one.version, one.started_at) for one in rollouts(story.deployments)]


@pytest.mark.parametrize(
    ("place", "counts"),
    [
        ({}, True),
        ({"role": "canary"}, True),
        ({"environment": "prod-eu"}, True),
        ({"kind": "break_glass"}, True),
        ({"role": "shadow"}, False),
        ({"environment": "staging"}, False),
        ({"kind": "rollback"}, False),
        ({"kind": "drill"}, False),
    ],
)
def test_what_reaches_end_users_counts(story, measured, place, counts):
    story.version("1")
    story.deploy("1", 10, **place)
    assert measured(20).frequency.deployments == int(counts)


def test_a_canary_that_becomes_stable_is_one_deployment(story):
    story.deploy("1", 1, 3, "role", role="canary")
    story.deploy("1", 3)
    assert versions_of(story) == [("1", at(1))]


def test_a_version_that_left_and_came_anew_is_deployed_twice(story):
    story.deploy("1", 1, 3, "stopped", role="canary")
    story.deploy("1", 3, role="canary")
    assert versions_of(story) == [("1", at(1)), ("1", at(3))]
    assert [one.first for one in rollouts(story.deployments)] == [True, False]


def test_a_rollback_and_a_drill_bring_back_what_was_deployed_before(story):
    story.deploy("1", 1, 5)
    story.deploy("2", 5, 6, "drill")
    story.deploy("1", 6, 6.1, "drill", kind="drill")
    story.deploy("2", 6.1, 8, "rolled_back", kind="drill")
    story.deploy("1", 8, kind="rollback")
    one, two = rollouts(story.deployments)
    assert (one.version, two.version) == ("1", "2")
    assert [one.serves(at(day)) for day in (0.9, 1, 4, 5.5, 6.05, 7, 8, 99)] == [
        False, True, True, False, True, False, True, True
    ]  # fmt: skip
    assert (one.rolled_back_at, two.rolled_back_at) == (None, at(8))


def test_each_production_environment_has_users_of_its_own(story):
    story.deploy("1", 1, environment="prod-eu")
    story.deploy("1", 2, environment="prod-us")
    assert [one.first for one in rollouts(story.deployments)] == [True, False]


def test_the_rate_is_that_of_the_time_in_which_the_model_was_known(story, measured):
    for day in (0, 4, 9):
        story.deploy(str(day), day)
    frequency = measured(10).frequency
    assert frequency.deployments == 3
    assert frequency.per_week == pytest.approx(3 / 10 * 7)
    assert measured(10, window=7).frequency.deployments == 2


def test_too_short_a_time_has_a_count_and_no_rate(story, measured):
    story.deploy("1", 1)
    short, long = measured(6.9).frequency, measured(7).frequency
    assert (short.deployments, short.per_week, short.band) == (1, None, None)
    assert short.reason == "observed for 6.9 days of this period; 7 are needed for a rate"
    assert long.per_week == pytest.approx(1)


def test_a_model_that_never_served_in_production_is_unknown(story, measured):
    story.version("1")
    story.deploy("1", 3, environment="staging")
    frequency = measured(30).frequency
    assert (frequency.per_week, frequency.band) == (None, None)
    assert "no version has served in a production environment" in frequency.reason


def test_none_in_a_window_is_none_once_there_was_one(story, measured):
    story.deploy("1", 1)
    frequency = measured(60).frequency
    assert (frequency.deployments, frequency.per_week, frequency.band) == (0, 0.0, "low")


@pytest.mark.parametrize(
    ("deployments", "days", "band"),
    [(31, 30, "elite"), (30, 30, "high"), (13, 91, "high"), (12, 91, "medium"), (3, 90, "medium"), (2, 90, "low")],
)
def test_bands_begin_and_end_where_the_report_says(story, measured, deployments, days, band):
    for number in range(deployments):
        story.deploy(str(number), 200 - days + number * 0.5)
    assert measured(200, window=days).frequency.band == band


def test_teams_and_fleet_are_of_their_models(story):
    story.model("n", owner="fraud")
    story.model("o", owner="risk")
    for day in (12, 14):
        story.deploy("1", day)
    story.deploy("1", 13, model="n")
    result = delivery_metrics(story.history(20), [10])
    assert [(one.name, one.models) for one in result.teams] == [("fraud", 1), ("risk", 2)]
    assert [one.windows[0].frequency.deployments for one in (result.fleet, *result.teams)] == [3, 1, 2]
    assert result.fleet.windows[0].frequency.per_week == pytest.approx(3 / 20 * 7)  # of two models in production
    assert result.fleet.windows[0].frequency.models == 2


def test_the_trend_has_whole_weeks_and_one_that_goes_on(story):
    for day in (3.9, 4, 10.9, 11, 12):  # Sunday, Monday, Sunday, Monday, Tuesday
        story.deploy(str(day), day)
    fleet = delivery_metrics(story.history(13)).fleet
    assert len(fleet.trend) == 12
    assert [(one.period.name, one.frequency.deployments) for one in fleet.trend[-3:]] == [
        ("2024-W01", 1),
        ("2024-W02", 2),
        ("2024-W03", 2),
    ]
    months = delivery_metrics(story.history(31), every="month").fleet.trend
    assert [one.period.name for one in months[-3:]] == ["2023-12", "2024-01", "2024-02"]
    assert months[-2].frequency.deployments == 5
    assert months[0].period.since == at(-309)  # the first of March 2023


def test_a_week_without_a_deployment_has_no_band(story, measured):
    story.deploy("1", 1)
    short, long = measured(60, window=29).frequency, measured(60, window=30).frequency
    assert (short.per_week, short.band, short.reason) == (0.0, None, "too short to tell monthly from less often")
    assert long.band == "low"
    for number in range(8):
        story.deploy(f"often-{number}", 53 + number * 0.8)
    assert measured(60, window=7).frequency.band == "elite"
