"""Every row of the scoring table, and what happens exactly at its limits."""

from datetime import timedelta

import pytest

from app.scorecards.facts import Source
from app.scorecards.scoring import prune, score
from checks.contract import Scope, Section, Verdict
from checks.rubric import BY_ID, TESTS

from .planted import ALL, NOW, attested, facts, run

INSTANT = timedelta(microseconds=1)
WINDOW = timedelta(days=30)  # of DATA-1


def outcome(*evidence, test_id="DATA-1", **fields):
    return score(facts(*evidence, **fields)).test(test_id)


class TestAutomaticRuns:
    def test_recurring_and_fresh_earns_1(self):
        found = outcome(run())
        assert (found.score, found.source, found.verdict) == (1, Source.AUTOMATIC, Verdict.PASS)

    def test_the_first_run_earns_half(self):
        found = outcome(run(), runs=1)
        assert found.score == 0.5
        assert "second" in found.why

    def test_a_failing_run_earns_as_much_as_a_passing_one(self):
        found = outcome(run(verdict=Verdict.FAIL))
        assert (found.score, found.verdict, found.open_failure) == (1, Verdict.FAIL, True)

    @pytest.mark.parametrize(
        ("age", "earned"),
        [
            (timedelta(), 1),
            (WINDOW, 1),
            (WINDOW + INSTANT, 0.5),
            (2 * WINDOW - INSTANT, 0.5),
            (2 * WINDOW, 0),
            (10 * WINDOW, 0),
        ],
    )
    def test_decay(self, age, earned):
        found = outcome(run(at=NOW - age))
        assert found.score == earned
        assert found.fresh == (age <= WINDOW)

    @pytest.mark.parametrize(("age", "earned"), [(WINDOW, 0.5), (WINDOW + INSTANT, 0.5), (2 * WINDOW, 0)])
    def test_decay_before_it_recurs(self, age, earned):
        assert outcome(run(at=NOW - age), runs=1).score == earned

    @pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_APPLICABLE])
    def test_inconclusive_runs_earn_nothing(self, verdict):
        found = outcome(run(verdict=verdict))
        assert (found.score, found.verdict, found.counted) == (0, verdict, None)

    def test_window_of_each_test_is_its_own(self):
        weekly = [run("MON-1", days=8), run("MODEL-1", days=8)]
        card = score(facts(*weekly))
        assert card.test("MON-1").score == 0.5
        assert card.test("MODEL-1").score == 1


class TestPersonsRuns:
    @pytest.mark.parametrize(("age", "earned"), [(WINDOW, 0.5), (WINDOW + INSTANT, 0)])
    def test_half_inside_the_window_and_nothing_after(self, age, earned):
        found = outcome(run(at=NOW - age, automatic=False))
        assert found.score == earned
        if earned:
            assert found.source == Source.PERSON


class TestCappedEvidence:
    @pytest.mark.parametrize(("age", "earned"), [(WINDOW, 0.5), (2 * WINDOW - INSTANT, 0.5), (2 * WINDOW, 0)])
    def test_half_at_most(self, age, earned):
        assert outcome(run(at=NOW - age, cap="handed in by a person")).score == earned

    def test_an_older_uncapped_run_is_worth_more(self):
        uncapped = run(days=20)
        found = outcome(run(days=1, cap="handed in by a person"), uncapped)
        assert found.score == 1
        assert found.counted.id == uncapped.finding_id

    def test_the_reason_is_said(self):
        assert "handed in by a person" in outcome(run(cap="handed in by a person")).why


class TestAttestations:
    def test_half_until_it_expires(self):
        found = outcome(attested())
        assert (found.score, found.source, found.verdict) == (0.5, Source.ATTESTATION, Verdict.PASS)
        assert found.counted.person == "Ada"

    def test_expiry_is_the_first_instant_that_does_not_count(self):
        item = attested()
        assert outcome(item, as_of=item.expires_at - INSTANT).score == 0.5
        expired = outcome(item, as_of=item.expires_at)
        assert (expired.score, expired.verdict) == (0, Verdict.NONE)
        assert "expired" in expired.why

    def test_a_failing_result_earns_half_and_is_an_open_failure(self):
        found = outcome(attested(result=Verdict.FAIL))
        assert (found.score, found.open_failure) == (0.5, True)

    def test_an_inconclusive_result_earns_nothing(self):
        assert outcome(attested(result=Verdict.INCONCLUSIVE)).score == 0

    def test_a_run_is_preferred_where_both_earn_half(self):
        assert outcome(attested(), run(days=40)).source == Source.AUTOMATIC

    def test_it_keeps_half_where_the_run_is_stale(self):
        assert outcome(attested(), run(days=70)).source == Source.ATTESTATION


class TestNoEvidence:
    def test_nothing(self):
        found = outcome()
        assert (found.score, found.verdict, found.source) == (0, Verdict.NONE, Source.NONE)
        assert (found.at, found.age_days, found.reason) == (None, None, "")
        assert found.why == "Never run and not attested."


class TestVerdict:
    """Which evidence speaks for what the test found."""

    @pytest.mark.parametrize("newer", [Verdict.INCONCLUSIVE, Verdict.ERROR])
    def test_a_newer_inconclusive_run_is_shown_and_wipes_nothing(self, newer):
        found = outcome(run(days=5, verdict=Verdict.FAIL), run(days=1, verdict=newer))
        assert (found.score, found.verdict, found.open_failure) == (1, newer, True)
        assert found.counted.verdict == Verdict.FAIL

    def test_a_newer_pass_closes_the_failure(self):
        found = outcome(run(days=5, verdict=Verdict.FAIL), run(days=1))
        assert (found.verdict, found.open_failure) == (Verdict.PASS, False)

    def test_a_failure_stays_open_however_old(self):
        assert outcome(run(days=400, verdict=Verdict.FAIL)).open_failure

    def test_a_persons_failing_run_opens_a_failure(self):
        assert outcome(run(days=5), run(days=1, automatic=False, verdict=Verdict.FAIL)).open_failure

    def test_attested_after_an_inconclusive_run(self):
        found = outcome(run(days=5, verdict=Verdict.INCONCLUSIVE), attested(days=1))
        assert (found.verdict, found.verdict_source) == (Verdict.PASS, Source.ATTESTATION)

    def test_nobody_attests_a_failed_check_away(self):
        found = outcome(run(days=5, verdict=Verdict.FAIL), attested(days=1))
        assert (found.verdict, found.open_failure) == (Verdict.FAIL, True)

    def test_an_attested_failure_after_a_passing_run(self):
        found = outcome(run(days=5), attested(days=1, result=Verdict.FAIL))
        assert (found.verdict, found.open_failure) == (Verdict.FAIL, True)

    def test_a_run_after_the_attestation(self):
        found = outcome(attested(days=5, result=Verdict.FAIL), run(days=1))
        assert (found.verdict, found.open_failure) == (Verdict.PASS, False)


class TestScope:
    def test_evidence_of_another_version_is_worth_nothing_to_a_version_test(self):
        assert BY_ID["DATA-1"].scope is Scope.VERSION
        assert outcome(run(version="0.9.0"), attested(version="0.9.0")).score == 0

    def test_evidence_about_the_system_carries_over_with_its_label(self):
        found = outcome(run("MON-3", version="0.9.0"), test_id="MON-3")
        assert (found.score, found.counted.carried_from) == (1, "0.9.0")
        assert outcome(run("MON-3"), test_id="MON-3").counted.carried_from is None

    @pytest.mark.parametrize(("asked", "earned"), [("production", 1), (None, 1), ("staging", 0)])
    def test_a_system_test_is_scored_in_its_environment(self, asked, earned):
        assert outcome(run("MON-3"), test_id="MON-3", environment=asked).score == earned

    def test_evidence_that_names_no_environment_counts_in_the_view_over_all(self):
        evidence = [run("MON-3", environment=None), attested("MON-4", environment=None)]
        for test_id, earned in (("MON-3", 1), ("MON-4", 0.5)):
            assert outcome(*evidence, test_id=test_id).score == earned
            assert outcome(*evidence, test_id=test_id, environment="production").score == 0

    def test_a_version_test_knows_no_environment(self):
        assert outcome(run(environment="staging"), environment="production").score == 1


class TestTime:
    def test_what_came_later_does_not_exist(self):
        old = NOW - timedelta(days=10)
        later = [run(days=1), attested("DATA-2", days=1)]
        card = score(facts(*later, as_of=old))
        assert [test.verdict for test in card.tests] == [Verdict.NONE] * 28
        assert score(facts(*later)).sections[0].score == 1.5

    def test_evidence_of_that_very_instant_exists(self):
        item = run(days=10)
        assert outcome(item, as_of=item.at).score == 1


class TestTotal:
    def test_the_lowest_section(self):
        evidence = [run(test_id) for test_id in ALL if test_id not in {"MODEL-1", "MODEL-2"}]
        card = score(facts(*evidence, attested("MODEL-1")))
        assert {item.section: item.score for item in card.sections} == {
            Section.DATA: 7,
            Section.MODEL: 5.5,
            Section.INFRA: 7,
            Section.MONITORING: 7,
        }
        assert (card.score, card.limiting) == (5.5, (Section.MODEL,))

    def test_a_model_that_fails_everything_scores_7_with_28_open_failures(self):
        card = score(facts(*(run(test_id, verdict=Verdict.FAIL) for test_id in ALL)))
        assert (card.score, card.open_failures) == (7, 28)
        assert [item.open_failures for item in card.sections] == [7, 7, 7, 7]

    def test_the_order_is_the_papers(self):
        assert [test.id for test in score(facts()).tests] == [test.id for test in TESTS]

    def test_an_unknown_test_is_no_test(self):
        with pytest.raises(KeyError):
            score(facts()).test("DATA-8")


def test_pruned_facts_keep_few_and_give_the_same_scorecard():
    evidence = [
        run(test_id, days=day, verdict=verdict, automatic=automatic, cap=cap)
        for test_id in ("DATA-1", "MON-3")
        for day in range(1, 5)
        for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.ERROR)
        for automatic in (True, False)
        for cap in (None, "by hand")
    ]
    whole = facts(*evidence, attested())
    pruned = prune(whole)
    assert score(pruned) == score(whole)
    assert len(pruned.findings) <= 2 * 4 < len(evidence)
    assert pruned.attestations == whole.attestations
