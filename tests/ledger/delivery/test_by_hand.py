"""Fifteen days of one model, and what a person with paper and pencil makes of them."""

import pytest

from app.ledger.reading.delivery.metrics import delivery_metrics

DAY = 86400
COMMITTED = {"1": 0.5, "2": 2, "3": 4.5, "4": 7, "5": 9.5}
DEPLOYED = {"1": 1, "2": 3, "3": 5, "4": 8, "5": 10}


@pytest.fixture
def window(story):
    """On day 15, the window of 30 days. Version "1" is a canary for a day; "4" is rolled back to "3" on day 9."""
    story.pipeline()
    for version, day in COMMITTED.items():
        commit = version * 40
        story.commit(commit, day)
        story.version(version, created=day, commit=commit, pipeline="p")
    story.deploy("1", 1, 2, "role", role="canary")
    for version, since, until, outcome in (
        ("1", 2, 3, "replaced"),
        ("2", 3, 5, "replaced"),
        ("3", 5, 8, "replaced"),
        ("4", 8, 9, "rolled_back"),
    ):
        story.deploy(version, since, until, outcome)
    story.deploy("3", 9, 10, kind="rollback")
    story.deploy("5", 10)
    for name, since, until, metric in (("A", 2.5, 2.75, "recall"), ("B", 6, 7, "f1"), ("C", 8.5, 9.25, "recall")):
        story.incident(name, "opened", since, metric=metric)
        story.incident(name, "resolved", until, metric=metric)
    story.run("again", 6.25, 6.5, model="m")  # during B
    return delivery_metrics(story.history(15), [30]).fleet.windows[0]


def test_deployments(window):
    """Five in the fifteen days since the model is known: the canary is the deployment that it becomes."""
    found = window.frequency
    assert (found.deployments, found.per_week, found.band) == (5, pytest.approx(5 / 15 * 7), "high")


def test_lead_time(window):
    """0.5, 1, 0.5, 1 and 0.5 days."""
    found = window.lead_to_production
    assert (found.n, found.median, found.p90, found.band) == (5, 0.5 * DAY, None, "elite")
    assert found.mean == pytest.approx(0.7 * DAY)


def test_time_to_restore(window):
    """A: 0.25 debugging. B: 0.25 debugging, 0.25 retraining, 0.5 redeploying. C: 0.5 debugging, 0.25 rollback."""
    found = window.restore
    assert (found.total.n, found.total.mean, found.total.band) == (3, pytest.approx(2 / 3 * DAY), "high")
    assert found.parts == pytest.approx(
        {"debugging": DAY / 3, "retraining": DAY / 12, "redeploying": DAY / 6, "rollback": DAY / 12}
    )


def test_failures(window):
    """A is laid to "1", B to "3", C and the rollback to "4"."""
    found = window.failures
    assert (found.failed, found.share, found.band) == (3, 0.6, "low")
    assert found.by_kind == {"recall": 2, "f1": 1, "rollback": 1}
