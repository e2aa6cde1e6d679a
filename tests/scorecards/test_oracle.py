"""The scoring function against another writing of the same rules, on random evidence."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.scorecards.scoring import prune, score
from app.scorecards.windows import windows
from checks.contract import Verdict
from checks.rubric import TESTS

from .planted import NOW, attested, facts, run

TESTED = ["DATA-1", "DATA-6", "INFRA-3", "MON-1", "MON-3", "MON-5"]
WINDOWS = windows()
# Whole days hit the limits of windows; the offset lands beside them.
AGES = st.builds(lambda days, offset: days + offset, st.integers(-3, 400), st.sampled_from([0, 0, 1e-9, 0.3]))
VERDICTS = st.sampled_from([Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR])
PLACES = {
    "version": st.sampled_from(["1.0.0", "0.9.0"]),
    "environment": st.sampled_from(["production", "staging", None]),
}
RUNS = st.builds(
    run,
    st.sampled_from(TESTED),
    days=AGES,
    verdict=VERDICTS,
    automatic=st.booleans(),
    cap=st.sampled_from([None, "by hand"]),
    **PLACES,
)
ATTESTATIONS = st.builds(
    attested,
    st.sampled_from(TESTED),
    days=AGES,
    valid_days=st.sampled_from([1, 90, 180]),
    result=st.sampled_from([Verdict.PASS, Verdict.FAIL, Verdict.NOT_APPLICABLE]),
    **PLACES,
)
SITUATIONS = st.builds(
    lambda found, made, environment, runs: replace(facts(*found, *made, environment=environment), runs=runs),
    st.lists(RUNS, max_size=12),
    st.lists(ATTESTATIONS, max_size=4),
    st.sampled_from([None, "production", "staging"]),
    st.dictionaries(st.sampled_from(TESTED), st.integers(0, 2)),
)


def oracle(known, test):
    """The table of the rubric, read row by row from the top."""
    system = test.scope == "S"

    def here(item):
        if item.test_id != test.id or item.at > NOW:
            return False
        if system:
            return known.environment is None or item.environment == known.environment
        return item.version == "1.0.0"

    window = timedelta(days=WINDOWS[test.id])
    conclusive = [item for item in known.findings if here(item) and item.verdict in {"pass", "fail"}]
    automatic = [item for item in conclusive if item.automatic]
    fresh = [item for item in automatic if not NOW - item.at > window]
    if known.runs.get(test.id, 0) > 1 and any(not item.cap for item in fresh):
        return 1
    if fresh or any(NOW - item.at < window + window for item in automatic):
        return 0.5
    if any(not NOW - item.at > window for item in conclusive if not item.automatic):
        return 0.5
    for item in known.attestations:
        if here(item) and item.result in {"pass", "fail"} and item.expires_at > NOW:
            return 0.5
    return 0


@given(SITUATIONS)
@settings(max_examples=400, deadline=None)
def test_scores_are_the_tables(known):
    card = score(known)
    expected = {test.id: oracle(known, test) for test in TESTS}
    assert {test.id: test.score for test in card.tests} == expected
    sums = [sum(expected[test.id] for test in TESTS if test.section == item.section) for item in card.sections]
    assert [item.score for item in card.sections] == sums
    assert card.score == min(sums)


@given(SITUATIONS)
@settings(max_examples=200, deadline=None)
def test_pruning_changes_nothing(known):
    assert score(prune(known)) == score(known)


@given(SITUATIONS, RUNS, st.integers(0, 300))
@settings(max_examples=200, deadline=None)
def test_the_past_does_not_change(known, later, days):
    """A scorecard as of a moment stays the same whatever is found after that moment."""
    moment = NOW - timedelta(days=days)
    before = replace(known, as_of=moment)
    late = run(later.test_id, days=days - 0.001, verdict=later.verdict)
    assert score(before) == score(replace(before, findings=(*known.findings, late)))
