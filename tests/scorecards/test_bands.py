import pytest

from app.scorecards.bands import band_of
from app.scorecards.windows import windows
from checks.rubric import TESTS


@pytest.mark.parametrize(
    ("lowest", "highest", "words"),
    [
        (0, 0, "research project"),
        (0.5, 1, "serious holes"),
        (1.5, 2, "first pass"),
        (2.5, 3, "Reasonably tested"),
        (3.5, 5, "mission-critical"),
        (5.5, 7, "Exceptional"),
    ],
)
def test_bands_of_the_2017_paper(lowest, highest, words):
    assert band_of(lowest) is band_of(highest)
    assert words in band_of(lowest).sentence


def test_neighbouring_bands_differ():
    assert len({band_of(score / 2) for score in range(15)}) == 6


class TestWindows:
    def test_fixed_ones_are_the_rubrics(self):
        fixed = {test.id: test.window_days for test in TESTS if test.window_days}
        assert len(fixed) == 22
        assert fixed.items() <= windows(90, 3).items()

    def test_pipeline_runs_follow_the_retraining_cadence(self):
        assert windows(retraining_days=90)["INFRA-3"] == 90
        assert windows(retraining_days=90, pipeline_days=7)["INFRA-3"] == 7

    def test_scheduled_tests_are_fresh_for_twice_the_schedule(self):
        assert windows(retraining_days=90, schedule_days=7)["MON-3"] == 14

    def test_what_is_not_declared_is_30_days(self):
        assert {windows()[test.id] for test in TESTS if test.window_days is None} == {30}
