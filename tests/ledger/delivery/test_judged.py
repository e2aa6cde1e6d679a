"""Rows 42 to 45: met where there is a number, unknown with the reason where there is not."""

from dataclasses import replace

import pytest

from app.ledger.history import TrafficFact
from app.ledger.reading.delivery.judged import failure_rate, frequency, lead_time, restore
from app.ledger.reading.words import Status
from tests.ledger.story import at

COMMIT = "c1" + "0" * 38


@pytest.mark.parametrize("row", [frequency, lead_time, restore, failure_rate])
def test_of_an_empty_history_nothing_is_known(story, row):
    found = row(story.history(400))
    assert found.status is Status.UNKNOWN
    assert found.missing
    assert found.remedy


def test_of_a_full_one_everything(story):
    story.pipeline()
    story.commit(COMMIT, 1)
    for number in range(5):
        day = 20 + 10 * number
        story.version(str(number), commit=COMMIT, pipeline="p")
        story.run(f"r{number}", day - 3, day - 2, model="m", version=str(number))
        story.decide(str(number), day - 1)
        story.deploy(str(number), day)
        story.incident(f"I-{number}", "opened", day + 1, metric="recall")
        story.incident(f"I-{number}", "resolved", day + 2)
    history = story.history(80)
    told = [row(history).proofs[0].text for row in (frequency, restore, failure_rate)]
    assert told == [
        "Deployment frequency: 0.44 a week (5 deployments), medium, in 90 days",
        "Time to restore: mean 1 d (n = 5): debugging 1 d, medium, in 90 days",
        "Change failure rate: 100% (5 of 5 deployments), low, in 90 days",
    ]
    assert [one.text for one in lead_time(history).proofs] == [
        "Lead time, experiment to ready: median 2 d (n = 5), high, in 90 days",
        "Lead time, commit to production: median 39 d (n = 5), low, in 90 days",
    ]


def test_one_lead_time_is_not_both(story):
    for number in range(3):
        story.version(str(number))
        story.run(f"r{number}", 1, 2, model="m", version=str(number))
        story.decide(str(number), 3)
    found = lead_time(story.history(20))
    assert found.status is Status.UNKNOWN
    assert found.missing.startswith("Lead time, commit to production: 0 versions that went live")
    assert "event commit" in found.remedy


def test_what_is_left_out_is_named(story):
    story.deploy("1", 3)
    assert "m@1: its manifest names no commit" in lead_time(story.history(9)).missing


@pytest.mark.parametrize(("deployed", "status"), [(4, Status.UNKNOWN), (5, Status.MISSING)])
def test_deployments_that_nothing_watches(story, deployed, status):
    story.unwatched.add("m")
    for number in range(deployed):
        story.deploy(str(number), 3 + number)
    found = failure_rate(story.history(30))
    assert found.status is status
    assert "nothing watches production" in found.missing
    assert found.remedy


@pytest.mark.parametrize(("deployed", "status"), [(2, Status.UNKNOWN), (3, Status.MISSING)])
def test_versions_of_which_no_commit_is_known(story, deployed, status):
    for number in range(deployed):
        story.deploy(str(number), 3 + number)
    found = lead_time(story.history(30))
    assert found.status is status
    assert "its manifest names no commit" in found.missing


def test_failures_that_were_ended_and_never_seen_to_begin(story):
    story.deploy("1", 3)
    assert restore(story.history(30)).status is Status.UNKNOWN
    story.incident("I-1", "resolved", 9)
    found = restore(story.history(30))
    assert found.status is Status.MISSING
    assert "incident I-1 of m: nothing tells when it was detected" in found.missing


@pytest.mark.parametrize(
    ("version", "environment", "day", "status"),
    [
        ("1", "production", 20, Status.MET),
        ("2", "staging", 20, Status.MET),
        ("2", "production", 20, Status.MISSING),
        ("2", "prod-eu", 20, Status.MISSING),
    ],
)
def test_a_version_that_answers_users_and_was_never_deployed(story, version, environment, day, status):
    story.deploy("1", 3)
    seen = TrafficFact("m", environment, version, at(4), at(day), 10)
    found = frequency(replace(story.history(30), traffic=(seen,)))
    assert found.status is status
    assert found.proofs
    assert frequency(replace(story.history(111), traffic=(seen,))).status is Status.MET  # of long ago


def test_a_number_may_be_too_young_for_a_band(story):
    story.deploy("1", 3)
    (proof,) = frequency(story.history(20)).proofs
    assert proof.text == "Deployment frequency: 0.35 a week (1 deployment), in 90 days"
