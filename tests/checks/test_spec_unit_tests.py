"""INFRA-2 on reports that test the specification in all four ways, in some, in none, or with a failure."""

import pytest

from checks.contract import Verdict
from checks.evidence import TestCase, UnitTests
from checks.infra.spec_unit_tests import KINDS, SpecUnitTests
from tests.checks.planted import judged, require_storable

CHECK = SpecUnitTests()
ALL_FOUR = tuple(TestCase(f"test_{kind}", "passed", (kind,)) for kind in KINDS)


def measured(*cases):
    measurement = CHECK.measure(UnitTests("d" * 64, None, cases))
    require_storable(measurement)
    return measurement


def without(kind):
    return [case for case in ALL_FOUR if kind not in case.tags]


def test_all_four_kinds_pass():
    judgement = judged(CHECK, measured(*ALL_FOUR, TestCase("other", "passed"), TestCase("later", "skipped")))
    assert judgement.verdict is Verdict.PASS
    assert (
        "(random_input 1, loss_decreases 1, overfits_tiny 1, save_load 1); 0 of 6 cases failed" in judgement.reason
    )


def test_one_case_may_test_several_kinds():
    assert judged(CHECK, measured(TestCase("all at once", "passed", tuple(KINDS)))).verdict is Verdict.PASS


@pytest.mark.parametrize("kind", KINDS)
def test_absent_kind_fails_by_name(kind):
    judgement = judged(CHECK, measured(*without(kind)))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == f"Kinds with fewer than 1 passed cases: {kind} ({KINDS[kind]}): no case."
    assert judgement.remedy


def test_skipped_kind_was_not_tested():
    judgement = judged(CHECK, measured(*without("save_load"), TestCase("t", "skipped", ("save_load",))))
    assert judgement.verdict is Verdict.FAIL
    assert "save_load (save and load predict alike): 1 skipped." in judgement.reason


@pytest.mark.parametrize("outcome", ["failed", "error"])
@pytest.mark.parametrize("tags", [("overfits_tiny",), ()])
def test_failing_case_fails_by_name_tagged_or_not(outcome, tags):
    judgement = judged(CHECK, measured(*ALL_FOUR, TestCase("test_broken", outcome, tags, "boom")))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason == f"1 of 5 cases failed: test_broken ({outcome})."


def test_failure_counts_even_where_nothing_is_tagged():
    assert judged(CHECK, measured(TestCase("t", "failed"))).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "cases",
    [
        (),
        (TestCase("test_api", "passed"), TestCase("test_io", "passed", ("slow",))),
        tuple(TestCase(case.name, "skipped", case.tags) for case in ALL_FOUR),
    ],
    ids=["empty", "untagged", "all skipped"],
)
def test_report_that_says_nothing_of_the_specification_is_inconclusive(cases):
    judgement = judged(CHECK, measured(*cases))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert f"Of the {len(cases)} cases reported none" in judgement.reason
    assert "random_input" in judgement.remedy


def test_thresholds_decide_at_their_boundaries():
    measurement = measured(*ALL_FOUR, *ALL_FOUR, TestCase("test_broken", "failed"))
    assert judged(CHECK, measurement).verdict is Verdict.FAIL
    assert judged(CHECK, measurement, max_failed=1).verdict is Verdict.PASS
    assert judged(CHECK, measurement, max_failed=1, min_passed_each=2).verdict is Verdict.PASS
    assert judged(CHECK, measurement, max_failed=1, min_passed_each=3).verdict is Verdict.FAIL


def test_many_failures_are_counted_and_the_first_named():
    judgement = judged(CHECK, measured(*(TestCase(f"t{i}", "failed") for i in range(8))))
    assert judgement.reason.startswith("8 of 8 cases failed: t0 (failed), ")
    assert judgement.reason.endswith("t4 (failed) and 3 more.")


def test_table_lists_every_case_and_measures_the_same():
    cases = (*ALL_FOUR, TestCase("test_broken", "failed", (), "x" * 500))
    (table,) = measured(*cases).exhibits
    lines = table.content.decode().splitlines()
    assert lines[0] == "case,outcome,tags,message"
    assert lines[4] == "test_save_load,passed,save_load,"
    assert lines[5] == f"test_broken,failed,,{'x' * 200}"
    assert measured(*cases) == measured(*cases)
