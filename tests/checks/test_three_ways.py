"""Each of the 28 tests watched passing, failing for its own reason, and open for want of a named thing.

Whole files go through what a worker's child runs. ``pytest -v`` on this file lists all of it.
"""

import pytest

from checks.contract import Verdict
from checks.rubric import TESTS
from tests.checks.three_ways import WAYS, found, healthy, whole

ALL = [test.id for test in TESTS]

pytestmark = pytest.mark.slow


def test_every_test_is_here():
    assert list(WAYS) == ALL


@pytest.mark.parametrize("test", ALL)
def test_it_passes(test):
    finding = healthy()[test]
    assert (finding.verdict, finding.remedy) == (Verdict.PASS, ""), finding.reason


@pytest.mark.parametrize("test", ALL)
def test_it_fails_for_its_own_reason(test):
    finding = found(test, WAYS[test].fault(whole()))
    assert finding.verdict is Verdict.FAIL, finding.reason
    assert WAYS[test].told in finding.reason
    assert finding.remedy


@pytest.mark.parametrize("test", ALL)
def test_it_is_inconclusive_and_names_what_it_lacks(test):
    finding = found(test, WAYS[test].lack(whole()))
    assert finding.verdict is Verdict.INCONCLUSIVE, finding.reason
    assert WAYS[test].named in finding.reason
    assert finding.remedy


def test_a_whole_audit_twice_finds_the_same():
    """All 28. A model that is saved twice is two files, so the digests of inputs differ."""

    def told(findings):
        return {test: one.model_dump(exclude={"seconds", "inputs"}) for test, one in findings.items()}

    assert told(healthy()) == told(healthy.__wrapped__())
