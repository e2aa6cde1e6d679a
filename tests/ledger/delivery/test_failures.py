"""Change failure rate: which deployment is to blame, and by what it was seen."""

import pytest


@pytest.fixture
def five(story):
    """Five deployments of production, the last of which serves: versions "1" to "5", on days 1 to 5."""
    for number in range(1, 6):
        story.deploy(str(number), number, number + 1 if number < 5 else None)
    return story


@pytest.fixture
def failed(measured):
    """How many failed in 30 days, and by what."""

    def read(days=30):
        found = measured(days).failures
        return found.failed, dict(found.by_kind)

    return read


def test_none_failed(five, measured):
    found = measured(30).failures
    assert (found.deployments, found.failed, found.share, found.band, found.by_kind) == (5, 0, 0.0, "elite", {})


def test_silence_is_no_success(five, measured):
    """Where nothing would have shown a failure, nobody knows whether there was one."""
    five.unwatched.add("m")
    found = measured(30).failures
    assert (found.deployments, found.share, found.band, found.unwatched) == (0, None, None, 5)
    assert found.reason.endswith("nothing watches production after 5 others")
    five.incident("I-1", "opened", 9)  # somebody watches after all
    found = measured(30).failures
    assert (found.deployments, found.share, found.unwatched) == (5, 0.2, 0)


@pytest.mark.parametrize(
    "kind", ["precision", "recall", "f1", "accuracy", "auc", "roc", "false_positives", "other"]
)
def test_an_incident_counts_by_its_metric(five, failed, kind):
    five.incident("I-1", "opened", 9, metric=kind)
    five.incident("I-1", "resolved", 10, metric=kind)
    assert failed() == (1, {kind: 1})


def test_one_deployment_fails_once_under_several_kinds(five, measured):
    five.incident("I-1", "opened", 9, metric="recall")
    five.incident("I-2", "opened", 10, metric="recall")
    five.ab_test("5", 11)
    five.turn("fail", 12, version="5")
    found = measured(30).failures
    assert (found.failed, found.share, found.band) == (1, 0.2, "low")
    assert found.by_kind == {"recall": 1, "auc": 1, "ab_test": 1}


@pytest.mark.parametrize(
    ("metric", "kind"), [("roc_auc", "auc"), ("f1", "f1"), ("accuracy", "accuracy"), ("rmse", "other")]
)
def test_the_quality_test_counts_by_the_metric_of_the_manifest(story, failed, metric, kind):
    story.version("1", quality={"metric": metric, "floor": None})
    story.deploy("1", 1)
    story.turn("fail", 3, version="1")
    assert failed() == (1, {kind: 1})


def test_other_tests_of_what_serves_are_other(five, failed):
    five.turn("fail", 9, version="5", test="MON-2")
    assert failed() == (1, {"other": 1})


def test_the_version_that_is_named_is_to_blame(five, failed):
    five.incident("I-1", "opened", 9, version="2", metric="f1")  # labels came late
    five.incident("I-2", "opened", 2.5, version="4", metric="auc")  # not deployed yet
    five.incident("I-3", "opened", 9, version="77", metric="roc")
    assert failed() == (1, {"f1": 1})


def test_else_the_newest_that_served(story, failed):
    story.deploy("1", 1)
    story.deploy("2", 5, 8, "stopped", role="canary")
    story.incident("I-1", "opened", 6, metric="f1")
    assert failed() == (1, {"f1": 1})
    story.incident("I-2", "opened", 9, metric="auc")  # the canary is gone: it must be the stable version
    assert failed() == (2, {"f1": 1, "auc": 1})
    story.incident("I-3", "opened", 0.5, metric="roc")  # nothing served
    assert failed()[0] == 2


def test_an_incident_elsewhere_blames_nobody_here(five, failed):
    five.incident("I-1", "opened", 9, environment="prod-us")
    five.incident("I-2", "opened", 9, environment="staging")
    five.turn("fail", 9, version="5", environment="staging")
    assert failed() == (0, {})


def test_a_rollback_and_the_version_that_it_brought_back(story, failed):
    story.deploy("1", 1, 5)
    story.deploy("2", 5, 7, "rolled_back")
    story.deploy("1", 7, kind="rollback")
    assert failed() == (1, {"rollback": 1})
    story.incident("I-1", "opened", 8, metric="f1")
    assert failed() == (2, {"f1": 1, "rollback": 1})  # 1, which serves again, is to blame for what came later


def test_a_drill_and_a_stopped_canary_are_no_failures(story, failed):
    story.deploy("1", 1, 5)
    story.deploy("2", 5, 7, "drill")
    story.deploy("1", 7, 7.1, "drill", kind="drill")
    story.deploy("2", 7.1, kind="drill")
    story.deploy("3", 8, 9, "stopped", role="canary")
    assert failed() == (0, {})


@pytest.mark.parametrize(
    ("outcome", "environment", "fails"),
    [
        ("worse", "production", 1),
        ("no_difference", "production", 0),
        ("better", "production", 0),
        ("worse", "staging", 0),
    ],
)
def test_a_lost_ab_test_fails_its_candidate(five, failed, outcome, environment, fails):
    five.ab_test("3", 9, outcome, environment=environment)
    assert failed()[0] == fails


def test_deployments_of_the_period_count_whenever_they_failed(five, measured):
    five.incident("I-1", "opened", 39, version="5")
    assert measured(40, window=36).failures.failed == 1
    assert measured(40, window=10).failures.deployments == 0


def test_four_are_too_few(story, measured):
    for number in range(4):
        story.deploy(str(number), number)
    found = measured(20).failures
    assert (found.deployments, found.failed, found.share, found.band) == (4, 0, None, None)
    assert found.reason == "4 deployments in this period; 5 are needed for a share"


@pytest.mark.parametrize(
    ("failing", "of", "band"),
    [(1, 20, "elite"), (2, 20, "high"), (3, 20, "medium"), (4, 20, "low"), (1, 19, "high"), (2, 19, "medium")],
)
def test_bands(story, measured, failing, of, band):
    for number in range(of):
        story.deploy(str(number), 1 + number, 2 + number)
    for number in range(failing):
        story.incident(f"I-{number}", "opened", 50, version=str(number))
    assert measured(60, window=90).failures.band == band
