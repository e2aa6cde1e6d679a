"""DATA-7 on code that is tested, tested too little, not at all, or not known."""

import pytest

from checks.code import CodeCoverage, CoveredFile
from checks.contract import Missing, Verdict
from checks.data.feature_code_tests import FeatureCodeTests
from checks.evidence import TestCase, UnitTests
from tests.checks.planted import declaration, judged, require_storable

CHECK = FeatureCodeTests()
PASSED = (TestCase("test_ratio", "passed"),)


def file(path, lines, hit, fixed=None):
    return CoveredFile((f"repo/{path}",), lines, hit, fixed or path.count("/") + 1)


def measured(*files, paths=("features",), cases=PASSED):
    declared = declaration(feature_paths=tuple(paths))
    measurement = CHECK.measure(declared, CodeCoverage("c" * 64, None, files), UnitTests("d" * 64, None, cases))
    require_storable(measurement)
    return measurement


def verdict(*files, **fields):
    return judged(CHECK, measured(*files, **fields)).verdict


def test_tested_code_passes():
    judgement = judged(CHECK, measured(file("features/a.py", 90, 85), file("lib/b.py", 500, 0)))
    assert judgement.verdict is Verdict.PASS
    assert "Of 90 lines in 1 files" in judgement.reason
    assert "(94.4%); 1 of 1 cases passed." in judgement.reason


@pytest.mark.parametrize(("hit", "expected"), [(80, Verdict.PASS), (79, Verdict.FAIL), (0, Verdict.FAIL)])
def test_at_the_limit(hit, expected):
    assert verdict(file("features/a.py", 100, hit)) is expected


def test_lines_are_counted_and_rates_not_averaged():
    assert verdict(file("features/small.py", 2, 2), file("features/large.py", 98, 70)) is Verdict.FAIL
    assert verdict(file("features/small.py", 2, 0), file("features/large.py", 98, 90)) is Verdict.PASS


def test_too_little_coverage_names_the_least_covered_path():
    files = file("features/a.py", 100, 90), file("encoders/b.py", 100, 30)
    judgement = judged(CHECK, measured(*files, paths=("features", "encoders")))
    assert judgement.verdict is Verdict.FAIL
    assert "(60.0%)" in judgement.reason
    assert judgement.remedy == "Test encoders first: 30 of 100 ran."


def test_a_file_under_two_declared_paths_counts_once():
    measurement = measured(file("features/a.py", 10, 9), paths=("features", "features/a.py"))
    assert (measurement.values["files"], measurement.values["lines"]) == (1, 10)
    assert [one["files"] for one in measurement.values["paths"]] == [1, 1]


def test_a_path_of_which_nothing_ran_is_named():
    judgement = judged(CHECK, measured(file("features/a.py", 10, 10), paths=("features", "encoders")))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "The coverage report has no file under encoders: no test ran anything of it."


@pytest.mark.parametrize("outcome", ["failed", "error"])
def test_a_failing_case_fails_by_name(outcome):
    judgement = judged(CHECK, measured(file("features/a.py", 10, 10), cases=(*PASSED, TestCase("test_x", outcome))))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == "1 of 2 cases failed: test_x."


@pytest.mark.parametrize("cases", [(), (TestCase("t", "skipped"),)])
def test_without_a_case_that_passed_it_fails(cases):
    judgement = judged(CHECK, measured(file("features/a.py", 10, 10), cases=cases))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == f"0 of {len(cases)} cases passed; 1 must."


@pytest.mark.parametrize("files", [(), (file("lib/b.py", 10, 10),), (file("features/__init__.py", 0, 0),)])
def test_a_report_of_other_code_is_inconclusive(files):
    judgement = judged(CHECK, measured(*files))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason == "The coverage report has no executable line under features."


def test_a_file_that_may_lie_elsewhere_is_named():
    doubtful = CoveredFile(("repo/features/a.py", "repo/tests/a.py"), 10, 10)
    judgement = judged(CHECK, measured(doubtful))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "in which of them a.py lies" in judgement.reason
    assert "--cov=." in judgement.remedy


def test_without_declared_paths_they_are_missing():
    with pytest.raises(Missing, match="paths of the code that makes features") as missing:
        measured(file("features/a.py", 1, 1), paths=())
    assert "code.feature_paths" in missing.value.how


def test_table_has_the_least_covered_file_first():
    (table,) = measured(file("features/a.py", 10, 9), file("features/b.py", 10, 1)).exhibits
    assert table.content.decode().splitlines()[1] == "0.1,repo/features/b.py,10,1"


def test_thresholds_decide():
    half = measured(file("features/a.py", 10, 5), cases=(*PASSED, TestCase("t", "failed")))
    assert judged(CHECK, half, min_coverage=0.5, max_failed=1).verdict is Verdict.PASS
    assert judged(CHECK, half, min_coverage=0.5).verdict is Verdict.FAIL
    assert judged(CHECK, half, min_coverage=0.5, max_failed=1, min_passed=2).verdict is Verdict.FAIL
