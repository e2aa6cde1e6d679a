"""MODEL-1 on commits that are submitted and reviewed, or not, or of which that is not known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checks.code import Change, Commit, Review, Reviews
from checks.contract import Missing, Verdict
from checks.model.spec_review import SpecReview
from tests.checks.planted import declaration, judged, require_storable

CHECK = SpecReview()
HEAD, OLDER, MERGE = "b" * 40, "a" * 40, "c" * 40
PUSHED = datetime(2026, 1, 1, 12, tzinfo=UTC)
COMMIT = Commit("d" * 64, None, commit=MERGE, reachable=True, clean=True)
APPROVED = Review("bo", "approved", commit=HEAD)


def change(*reviews, name="pull/41", merged=True, authors=("ada",), **fields):
    return Change(name, HEAD, merged, authors, reviews=reviews, **fields)


def measured(*changes, incomplete="", branch="main", **commit):
    reviews = Reviews("e" * 64, None, "github", changes, incomplete)
    measurement = CHECK.measure(declaration(protected_branch=branch), replace(COMMIT, **commit), reviews)
    require_storable(measurement)
    return measurement


def of(*reviews, **fields):
    """The judgement of one merged change with these reviews."""
    return judged(CHECK, measured(change(*reviews, **fields)))


def test_submitted_and_approved_passes():
    judgement = of(APPROVED)
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason == (
        "main contains commit cccccccccccc; the files were its own. bo approved pull/41 (github)."
    )


class TestSubmitted:
    def test_a_commit_beside_the_branch_fails(self):
        judgement = judged(CHECK, measured(change(APPROVED), reachable=False, clean=None))
        assert judgement.verdict is Verdict.FAIL
        assert judgement.reason == "The protected branch main does not contain commit cccccccccccc."

    def test_files_that_are_not_the_commits_fail_by_name(self):
        paths = tuple(f"f{i}.py" for i in range(7))
        judgement = judged(CHECK, measured(change(APPROVED), clean=False, changes=paths, changed=60))
        assert judgement.verdict is Verdict.FAIL
        assert judgement.reason == (
            "60 files differed from commit cccccccccccc or were not in it: f0.py, f1.py, f2.py, f3.py, f4.py."
        )

    @pytest.mark.parametrize("fact", ["reachable", "clean"])
    def test_what_git_cannot_tell_is_inconclusive(self, fact):
        judgement = judged(CHECK, measured(change(APPROVED), **{fact: None, f"{fact}_why": "the clone is shallow"}))
        assert judgement.verdict is Verdict.INCONCLUSIVE
        assert "the clone is shallow" in judgement.reason

    def test_what_is_known_to_be_wrong_comes_before_what_is_not_known(self):
        unknown = {"reachable": None, "reachable_why": "the clone is shallow"}
        assert judged(CHECK, measured(change(), **unknown)).verdict is Verdict.FAIL
        assert judged(CHECK, measured(change(APPROVED), clean=False, **unknown)).verdict is Verdict.FAIL

    def test_another_branch_than_the_declared_one_proves_nothing(self):
        with pytest.raises(Missing, match="the branch release") as missing:
            measured(change(APPROVED), branch="release")
        assert "main was asked about" in missing.value.how


class TestWhoApproved:
    @pytest.mark.parametrize(
        ("reviews", "why"),
        [
            ([], "there is no verdict of anybody"),
            ([Review("ada", "approved", commit=HEAD)], "ada (own work)"),
            ([Review("ADA", "approved", commit=HEAD)], "ADA (own work)"),
            ([Review("helper[bot]", "approved", commit=HEAD, bot=True)], "helper[bot] (a bot)"),
            ([APPROVED, Review("bo", "dismissed", commit=HEAD)], "bo (dismissed)"),
            ([APPROVED, Review("bo", "changes_requested", commit=HEAD)], "bo (changes requested)"),
            ([APPROVED, Review("Bo", "changes_requested", commit=HEAD)], "Bo (changes requested)"),
            ([Review("bo", "approved", commit=OLDER)], "bo (approved an earlier commit)"),
        ],
    )
    def test_what_is_no_approval_by_somebody_else_fails_by_name(self, reviews, why):
        judgement = of(*reviews)
        assert judgement.verdict is Verdict.FAIL
        assert judgement.reason == f"1 approvals by somebody else are needed for pull/41: {why}."

    def test_the_last_verdict_of_each_counts(self):
        assert of(Review("bo", "changes_requested", commit=HEAD), APPROVED).verdict is Verdict.PASS
        assert of(Review("cy", "changes_requested", commit=HEAD), APPROVED).verdict is Verdict.PASS
        assert of(Review("bo", "approved", commit=OLDER), APPROVED).verdict is Verdict.PASS
        assert of(APPROVED, Review("bo", "approved", commit=OLDER)).verdict is Verdict.FAIL

    def test_whoever_touched_the_change_is_an_author(self):
        assert of(APPROVED, authors=("ada", "bo")).verdict is Verdict.FAIL

    def test_unmerged_changes_do_not_count(self):
        judgement = judged(CHECK, measured(change(APPROVED, merged=False)))
        assert judgement.verdict is Verdict.FAIL
        assert (
            judgement.reason
            == "Commit cccccccccccc came with no merged change that could be approved (1 unmerged)."
        )
        assert judged(CHECK, measured()).verdict is Verdict.FAIL

    def test_one_of_several_changes_is_enough(self):
        judgement = judged(CHECK, measured(change(name="pull/40"), change(APPROVED)))
        assert judgement.verdict is Verdict.PASS
        assert "bo approved pull/41" in judgement.reason


class TestNotKnown:
    @pytest.mark.parametrize(
        ("at", "verdict"),
        [
            (PUSHED, Verdict.PASS),
            (PUSHED + timedelta(seconds=1), Verdict.PASS),
            (PUSHED - timedelta(seconds=1), Verdict.FAIL),
            (None, Verdict.INCONCLUSIVE),
        ],
    )
    def test_where_no_commit_is_told_the_time_decides(self, at, verdict):
        judgement = of(Review("bo", "approved", at=at), head_at=PUSHED)
        assert judgement.verdict is verdict
        if verdict is Verdict.INCONCLUSIVE:
            assert judgement.reason == "bo approved pull/41, but github does not tell of which commit."

    def test_without_the_time_of_the_push_it_is_not_known(self):
        assert of(Review("bo", "approved", at=PUSHED)).verdict is Verdict.INCONCLUSIVE

    def test_names_without_an_account_may_be_the_approvers_own(self):
        judgement = of(APPROVED, unlinked=("B. <b@example.com>",))
        assert judgement.verdict is Verdict.INCONCLUSIVE
        assert judgement.reason == (
            "bo approved pull/41, but may be among its authors B. <b@example.com>, who belong to no account."
        )
        assert of(unlinked=("B. <b@example.com>",)).verdict is Verdict.FAIL

    def test_more_approvals_than_such_names_are_enough(self):
        cy = Review("cy", "approved", commit=HEAD)
        assert of(APPROVED, cy, unlinked=("B. <b@example.com>",)).verdict is Verdict.PASS
        assert of(APPROVED, cy, unlinked=("B. <b@x>", "C. <c@x>")).verdict is Verdict.INCONCLUSIVE

    def test_a_record_that_is_not_complete_proves_no_absence(self):
        judgement = judged(CHECK, measured(change(), incomplete="reviews has more than 2000 items"))
        assert judgement.verdict is Verdict.INCONCLUSIVE
        assert "more than 2000 items" in judgement.reason
        assert judged(CHECK, measured(change(APPROVED), incomplete="x")).verdict is Verdict.PASS


def test_thresholds_decide():
    stale = measured(change(Review("bo", "approved", commit=OLDER)))
    assert judged(CHECK, stale, stale_counts=1).verdict is Verdict.PASS
    one = measured(change(APPROVED))
    assert judged(CHECK, one, min_approvals=2).verdict is Verdict.FAIL
    assert "bo (approved)" in judged(CHECK, one, min_approvals=2).reason
    assert judged(CHECK, one, min_approvals=0).verdict is Verdict.PASS
    assert judged(CHECK, measured(), min_approvals=0).reason.endswith("the files were its own.")
    both = measured(change(APPROVED, Review("cy", "approved", commit=HEAD)))
    assert judged(CHECK, both, min_approvals=2).verdict is Verdict.PASS


def test_table_has_the_last_verdict_of_each():
    (table,) = measured(
        change(APPROVED, Review("bo", "dismissed"), Review("ada", "approved", commit=HEAD))
    ).exhibits
    assert table.content.decode().splitlines() == [
        "change,reviewer,last verdict,stale,own work,bot",
        "pull/41,bo,dismissed,,False,False",
        "pull/41,ada,approved,False,True,False",
    ]
