"""The benchmark of planted faults: enough cases for every computed test, and verdicts on both sides."""

from collections import Counter

import pytest

from benchmarks.faults.attempts import findings
from benchmarks.faults.cases import all_cases
from benchmarks.faults.results import Judged, Results
from benchmarks.faults.run import computed_tests
from benchmarks.faults.table import interval
from benchmarks.faults.worlds import WORLDS


@pytest.mark.parametrize("test", computed_tests())
def test_every_computed_test_has_three_faults_and_three_twins(test):
    strengths = Counter(case.strength for case in all_cases() if case.test == test)
    assert strengths["strong"] >= 3
    assert strengths["healthy"] + len(WORLDS) >= 3


def test_no_case_stands_for_two():
    ids = [case.id for case in all_cases()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("DATA-1/nulls_where_none_may_be", "fail"),
        ("DATA-1/one_in_two_thousand_above_the_maximum", "pass"),
        ("MON-3/another_unit_in_serving", "fail"),
        ("MON-3/single_precision_on_the_way", "pass"),
    ],
)
def test_a_world_is_judged_as_a_worker_would(name, verdict):
    case = next(case for case in all_cases() if case.id == name)
    assert findings(case.plant(1), [case.test])[case.test].verdict == verdict


def test_bounds_are_exact():
    assert interval(0, 10) == "0/10 (0 to 31 %)"
    assert interval(10, 10) == "10/10 (69 to 100 %)"


def test_a_whole_audit_takes_the_place_of_one_of_the_cheap_tests(tmp_path):
    results = Results(tmp_path)
    for seed in (1, 3):
        results.add(Judged("assay", "health", "cheap audit", seed, "pass", 1.0))
    assert results.known(costly_seeds=2) == {("assay", "health", 3)}
    results.add(Judged("assay", "health", "audit", 1, "fail", 9.0))
    assert results.known(costly_seeds=2) == {("assay", "health", 1), ("assay", "health", 3)}
    assert [(one.seed, one.strength) for one in results] == [(1, "audit"), (3, "cheap audit")]
