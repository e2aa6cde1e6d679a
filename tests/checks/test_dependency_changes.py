"""MON-1 on histories in which somebody was told in time, too late, or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from checks.contract import Verdict
from checks.monitoring.dependency_changes import DependencyChanges
from checks.operation import DependencyChange, DependencyHistory
from checks.serving import Moment
from tests.checks.planted import judged, require_storable

CHECK = DependencyChanges()
AT = datetime(2026, 3, 1, tzinfo=UTC)
WATCHED = {"requirements.txt": "lock_file", "train.parquet": "data"}


def change(days=1.0, minutes=1.0, planted=False, name="train.parquet"):
    seen = AT - timedelta(days=days)
    told = None if minutes is None else seen + timedelta(minutes=minutes)
    receipt = None if minutes is None else "webhook: 200"
    return DependencyChange(name, "data", seen, planted, told, receipt)


DRILL = change(days=6, planted=True, name="assay drill")


def verdict(*changes, watched=None, **thresholds):
    history = DependencyHistory(WATCHED if watched is None else watched, changes)
    measurement = CHECK.measure(Moment(AT), history)
    require_storable(measurement)
    return judged(CHECK, measurement, **thresholds)


def test_all_told_in_time_and_the_wire_proven():
    judgement = verdict(change(minutes=3.5), DRILL)
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason == (
        "All 2 changes were told, the slowest after 3.5 minutes; the last one was planted 6.0 days ago. "
        "Watched: 1 data, 1 lock_file."
    )


def test_one_that_nobody_heard_of_fails_by_name():
    judgement = verdict(change(minutes=None), DRILL)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == ("1 of 2 changes were not told within 15 minutes: train.parquet (nobody yet).")
    assert "subscribe" in judgement.remedy


@pytest.mark.parametrize(("minutes", "fails"), [(15, False), (15.02, True), (0, False)])
def test_late_is_later_than_fifteen_minutes(minutes, fails):
    assert (verdict(change(minutes=minutes), DRILL).verdict is Verdict.FAIL) is fails
    assert verdict(change(minutes=minutes), DRILL, max_minutes=20).verdict is Verdict.PASS


@pytest.mark.parametrize(("age", "fails"), [(15, False), (16, True)])
def test_a_message_may_be_on_its_way(age, fails):
    judgement = verdict(change(days=age / 24 / 60, minutes=None), DRILL)
    assert (judgement.verdict is Verdict.FAIL) is fails


def test_a_drill_that_did_not_arrive_fails():
    judgement = verdict(change(), change(days=2, minutes=None, planted=True, name="assay drill"), DRILL)
    assert judgement.verdict is Verdict.FAIL
    assert "assay drill (nobody yet)" in judgement.reason


@pytest.mark.parametrize(
    ("watched", "named", "unnamed"),
    [
        ({"d": "data", "s": "source_system"}, "the lock file", "the data"),
        ({"l": "lock_file"}, "the data", "the lock file"),
        ({}, "the lock file of its environment or of the data", "~"),
    ],
)
def test_what_is_not_watched_is_named(watched, named, unnamed):
    judgement = verdict(DRILL, watched=watched)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert named in judgement.reason
    assert unnamed not in judgement.reason


@pytest.mark.parametrize(
    ("drills", "expected"),
    [
        ([], Verdict.INCONCLUSIVE),
        ([change(days=7, planted=True)], Verdict.PASS),
        ([change(days=7.01, planted=True)], Verdict.INCONCLUSIVE),
        ([change(days=0.001, minutes=None, planted=True)], Verdict.INCONCLUSIVE),
        ([change(days=1)], Verdict.INCONCLUSIVE),
    ],
    ids=["none", "a week old", "older", "on its way", "a real one proves nothing"],
)
def test_the_drill_is_of_the_last_week(drills, expected):
    assert verdict(*drills).verdict is expected


def test_an_untold_change_outweighs_what_is_not_watched():
    assert verdict(change(minutes=None), watched={}).verdict is Verdict.FAIL


def test_many_are_counted_and_the_first_named():
    judgement = verdict(*[change(minutes=None, name=f"d{i}") for i in range(8)])
    assert judgement.reason.startswith("8 of 8")
    assert judgement.reason.endswith("d4 (nobody yet) and 3 more.")


def test_tables_list_changes_and_what_is_watched():
    measurement = CHECK.measure(Moment(AT), DependencyHistory(WATCHED, (DRILL,)))
    changes, watched = (one.content.decode().splitlines() for one in measurement.exhibits)
    assert changes[1] == "assay drill,data,True,2026-02-23T00:00:00+00:00,1.0,webhook: 200"
    assert watched == ["name,kind", "requirements.txt,lock_file", "train.parquet,data"]
