"""Lead times: from where the work began, and unknown with the reason where that was never told."""

import pytest

from app.ledger.reading.delivery import lead_times
from app.ledger.reading.delivery.practice import practices
from app.ledger.reading.delivery.rollouts import rollouts
from tests.ledger.story import at

C1, C2 = "c1" + "0" * 38, "c1" + "1" * 38
DAY = 86400


@pytest.fixture
def to_ready(story, measured):
    return lambda days=30: measured(days).lead_to_ready


@pytest.fixture
def to_production(story, measured):
    return lambda days=30: measured(days).lead_to_production


def made(story, version, start, ready, **run):
    """A version whose run began on a day, and which passed the gate on another."""
    story.version(version, created=start)
    story.run(f"run-{version}", start, start + 0.1, model="m", version=version, **run)
    story.decide(version, ready)


def whys(found):
    return {one.why: one.subjects for one in found.left_out}


def test_median_and_p90_of_ten(story, to_ready):
    for number in range(10):
        made(story, str(number), 1, 2 + number)
    found = to_ready()
    assert (found.n, found.median, found.p90, found.reason) == (10, 5.5 * DAY, 9.1 * DAY, "")
    assert found.band == "high"


@pytest.mark.parametrize(
    ("versions", "has_median", "has_p90"), [(2, False, False), (3, True, False), (9, True, False)]
)
def test_too_few_have_no_number(story, to_ready, versions, has_median, has_p90):
    for number in range(versions):
        made(story, str(number), 1, 2)
    found = to_ready()
    assert (found.n, found.median is not None, found.p90 is not None) == (versions, has_median, has_p90)
    needed = "10" if has_median else "3"
    assert needed in found.reason


def test_the_first_pass_for_production_makes_it_ready(story):
    made(story, "1", 1, 9)
    story.decide("1", 3, environment="staging")
    story.decide("1", 4, status="fail")
    story.decide("1", 5, stage="promote")
    (span,) = lead_times.to_ready(practice(story))
    assert (span.ended_at, span.seconds) == (at(5), 4 * DAY)


def practice(story, days=30):
    return practices(story.history(days))[0]


def test_a_version_that_is_not_ready_is_not_counted(story, to_ready):
    made(story, "1", 1, 2)
    story.decisions.clear()
    story.decide("1", 3, status="unknown")
    assert to_ready().n == 0
    assert to_ready().left_out == ()


def test_an_experiment_begins_with_its_first_run_after_the_version_before(story):
    trial = {"experiment": "tuning", "branch": "wide"}
    story.run("a", 1, 1.1, model="m", **trial)
    made(story, "1", 2, 3, **trial)
    story.run("b", 4, 4.1, model="m", **trial)
    story.run("b-deep", 4.5, 4.6, model="m", experiment="tuning", branch="deep")
    story.run("c", 5, 5.1, model="m", **trial)
    made(story, "2", 6, 8, **trial)
    made(story, "3", 7, 9)  # a pipeline's run: no experiment
    spans = {one.subject: one.seconds for one in lead_times.to_ready(practice(story))}
    assert spans == {"m@1": 2 * DAY, "m@2": 4 * DAY, "m@3": 2 * DAY}


def test_the_run_is_found_by_manifest_and_by_registry(story):
    story.pipeline()
    story.version("1", run="nightly-1", pipeline="p")
    story.run("nightly-1", 1, 1.1)
    story.version("2")
    story.run("abc", 2, 2.1, model="m", experiment="tuning")
    story.tell("registered_version", 3, registry="mlflow", model="m", name="m", number="7", run="abc", version="2")
    for version in ("1", "2"):
        story.decide(version, 4)
    spans = {one.subject: one.seconds for one in lead_times.to_ready(practice(story))}
    assert spans == {"m@1": 3 * DAY, "m@2": 2 * DAY}


def test_what_is_missing_is_named(story, to_ready):
    story.pipeline()
    story.version("1")
    story.version("2", run="lost", pipeline="p")
    story.version("3")
    story.run("r3", None, 1, model="m", version="3")
    story.version("4")
    story.run("r4", 8, 9, model="m", version="4")
    for version in "1234":
        story.decide(version, 5)
    assert whys(to_ready()) == {
        lead_times.NO_RUN: ("m@1",),
        lead_times.NEVER_TOLD: ("m@2",),
        lead_times.NO_START: ("m@3",),
        lead_times.LATE_START: ("m@4",),
    }


def test_another_pipelines_run_of_that_name_is_not_the_one(story, to_ready):
    story.pipeline("p")
    story.pipeline("q")
    story.version("1", run="nightly", pipeline="p")
    story.run("nightly", 1, 2, pipeline="q")
    story.decide("1", 5)
    assert whys(to_ready()) == {lead_times.NEVER_TOLD: ("m@1",)}


def test_from_commit_to_the_first_users(story, to_production):
    story.pipeline()
    for version, commit in (("1", C1), ("2", C1[:12])):
        story.version(version, commit=commit, pipeline="p")
    story.commit(C1, 3, branch="main")
    story.commit(C1, 2, branch="topic")
    story.deploy("1", 4, 5, "role", role="canary")
    story.deploy("1", 5, 8)
    story.deploy("2", 8)
    story.deploy("1", 9)  # again: no change that is new
    (one, two) = lead_times.to_production(practice(story), rollouts(story.deployments))
    assert (one.ended_at, one.seconds) == (at(4), 2 * DAY)
    assert two.seconds == 6 * DAY
    assert to_production().n == 2


def test_a_commit_that_is_not_known_is_named(story, to_production):
    story.pipeline()
    for version, commit in (("1", None), ("2", "dead" * 10), ("3", "c1"), ("4", C2)):
        story.version(version, commit=commit, pipeline="p")
        story.deploy(version, 5)
    story.commit(C1, 2)
    story.commit(C2, 6)
    story.commit("dead" * 10, 1, repository="bank/other")
    assert whys(to_production()) == {
        lead_times.NO_COMMIT: ("m@1",),
        lead_times.COMMIT_NEVER_TOLD: ("m@2",),
        lead_times.AMBIGUOUS: ("m@3",),
        lead_times.LATE_COMMIT: ("m@4",),
    }


def test_without_a_repository_no_commit_can_be_found(story, to_production):
    story.pipeline(repository=None)
    story.version("1", commit=C1, pipeline="p")
    story.deploy("1", 5)
    assert whys(to_production()) == {lead_times.NO_REPOSITORY: ("m@1",)}


@pytest.mark.parametrize(
    ("days", "band"), [(0.999, "elite"), (1, "high"), (7, "high"), (7.01, "medium"), (30, "medium"), (30.01, "low")]
)
def test_bands(story, measured, days, band):
    story.pipeline()
    for version in "123":
        story.version(version, commit=C1, pipeline="p")
        story.deploy(version, 40)
    story.commit(C1, 40 - days)
    assert measured(60, window=365).lead_to_production.band == band
