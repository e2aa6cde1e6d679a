"""MODEL-1: whether what the version was made from is in the repository, and somebody else has read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from checks.code import Change, Commit, Review, Reviews
from checks.contract import Check, Exhibit, Judgement, Measured, Measurement, Missing, Thresholds, Verdict
from checks.evidence import Declaration

MOST_TOLD = 5


class SpecReview(Check):
    """Model specs are reviewed and submitted.

    Asked: the code that a model is specified by goes through review and into the repository, as any other code; a
    model whose exact code cannot be found again can be neither understood nor mended.

    Measured: of the version's commit, whether the protected branch contains it and whether the files that were
    checked out were the commit's; of the merged changes that it came with, who approved them and who wrote them.

    Formula: of each reviewer the last verdict on a change counts. It is an approval by somebody else when it
    approves, is nobody's of those who wrote, committed or proposed the change, is not a bot's, and was given to the
    last commit of the change; an earlier one is stale and counts only where `stale_counts` is 1. Names on commits
    that belong to no known account could be the reviewers' own: so many approvals are set aside.

    - Fail: the branch does not contain the commit; a file differed from it or was not in it (ignored ones aside);
      or no merged change has `min_approvals` approvals by somebody else.
    - Pass: none of these.
    - Inconclusive: git could not tell, as in a shallow clone, or was asked about another branch; the forge did not
      tell all, or not when it was approved; or approvals would be enough but for names that belong to no account.

    Source: Breck et al. 2017, section III, test Model 1. What counts as an approval is Assay's interpretation.

    Evidence: `assay evidence collect git --push --model MODEL --version VERSION`, in the checkout that the model is
    trained from, and the same with `github` or `gitlab` in place of `git` (docs/evidence.md). Without the latter a
    trailer `Reviewed-by:` in the commit's message is taken; its author can write that, so it earns 0.5 at most.

    Fix: merge the change by a request that somebody else approved after its last commit; train from a checkout of
    that commit, with all that training writes outside it or ignored.
    """

    id = "MODEL-1"
    thresholds: ClassVar[Thresholds] = {"min_approvals": 1, "stale_counts": 0}

    def measure(self, declared: Declaration, commit: Commit, reviews: Reviews) -> Measurement:
        if commit.branch != declared.protected_branch:
            raise Missing(
                f"what git says of the branch {declared.protected_branch}, which is declared as protected",
                f"collect it anew; {commit.branch} was asked about",
            )
        merged = [_measured(change) for change in reviews.changes if change.merged]
        values = {
            "commit": commit.commit,
            "branch": commit.branch,
            "reachable": commit.reachable,
            "reachable_why": commit.reachable_why,
            "clean": commit.clean,
            "clean_why": commit.clean_why,
            "changes_of_files": list(commit.changes[:MOST_TOLD]),
            "changed": commit.changed,
            "source": reviews.source,
            "changes": merged,
            "unmerged": len(reviews.changes) - len(merged),
            "incomplete": reviews.incomplete,
        }
        rows = [
            (change["name"], one["reviewer"], one["state"], one["stale"], one["own"], one["bot"])
            for change in merged
            for one in change["reviews"]
        ]
        header = ("change", "reviewer", "last verdict", "stale", "own work", "bot")
        return Measurement(values, (Exhibit.table("reviews.csv", header, rows),))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        commit, branch = measured["commit"][:12], measured["branch"]
        if measured["reachable"] is False:
            reason = f"The protected branch {branch} does not contain commit {commit}."
            return Judgement(Verdict.FAIL, reason, f"Merge it into {branch}, and train from what was merged.")
        if measured["clean"] is False:
            paths = ", ".join(measured["changes_of_files"])
            reason = f"{measured['changed']} files differed from commit {commit} or were not in it: {paths}."
            return Judgement(Verdict.FAIL, reason, "Commit or ignore them, and train from a clean checkout.")
        unapproved = _unapproved(measured, thresholds)
        if unapproved and unapproved.verdict is Verdict.FAIL:
            return unapproved
        for fact, how in (
            ("reachable", f"whether {branch} contains it"),
            ("clean", "whether the files were its own"),
        ):
            if measured[fact] is None:
                reason = f"Of commit {commit} it is not known {how}: {measured[f'{fact}_why']}."
                return Judgement(Verdict.INCONCLUSIVE, reason, "Collect from a full clone of the commit, anew.")
        if unapproved:
            return unapproved
        submitted = f"{branch} contains commit {commit}; the files were its own."
        return Judgement(Verdict.PASS, f"{submitted} {_approved(measured, thresholds)}".strip())


def _approved(measured: Measured, thresholds: Thresholds) -> str:
    """Who approved, of the change that most did."""
    approvers = {one["name"]: _approvers(one, thresholds) for one in measured["changes"]}
    name = max(approvers, key=lambda name: len(approvers[name]), default="")
    who = ", ".join(approvers.get(name, ())[:MOST_TOLD])
    return f"{who} approved {name} ({measured['source']})." if who else ""


def _measured(change: Change) -> dict[str, Any]:
    last: dict[str, Review] = {}
    for review in change.reviews:
        last[review.reviewer.casefold()] = review
    authors = {name.casefold() for name in change.authors}
    return {
        "name": change.name,
        "unlinked": list(change.unlinked),
        "reviews": [
            {
                "reviewer": review.reviewer,
                "state": review.state,
                "stale": _stale(review, change),
                "own": name in authors,
                "bot": review.bot,
            }
            for name, review in last.items()
        ],
    }


def _stale(review: Review, change: Change) -> bool | None:
    """Given to an earlier commit than the last; None where that is not known."""
    if review.commit is not None:
        return review.commit != change.head
    if review.at is not None and change.head_at is not None:
        return review.at < change.head_at
    return None


def _approvers(change: Mapping[str, Any], thresholds: Thresholds, *, unknown: bool = False) -> list[str]:
    """Whose approval counts; ``unknown``: as if no approval of which that is not known were stale."""
    taken = {False, None} if unknown else {False}
    return [
        one["reviewer"]
        for one in change["reviews"]
        if one["state"] == "approved"
        and not (one["own"] or one["bot"])
        and (thresholds["stale_counts"] or one["stale"] in taken)
    ]


def _unapproved(measured: Measured, thresholds: Thresholds) -> Judgement | None:
    """Why there are not enough approvals, or why that is not known."""
    least, changes = thresholds["min_approvals"], measured["changes"]
    sure = max((len(_approvers(one, thresholds)) - len(one["unlinked"]) for one in changes), default=0)
    if sure >= least:
        return None
    for change in changes:
        names = _approvers(change, thresholds, unknown=True)
        if len(names) < least:
            continue
        who = ", ".join(names[:MOST_TOLD])
        if len(_approvers(change, thresholds)) < least:
            reason = f"{who} approved {change['name']}, but {measured['source']} does not tell of which commit."
            return Judgement(
                Verdict.INCONCLUSIVE, reason, "Approve anew on a version of the forge that tells when."
            )
        whose = ", ".join(change["unlinked"][:MOST_TOLD])
        reason = f"{who} approved {change['name']}, but may be among its authors {whose}, who belong to no account."
        return Judgement(Verdict.INCONCLUSIVE, reason, "Add these addresses to their accounts on the forge.")
    if measured["incomplete"]:
        reason = f"No approval was found in what could be read: {measured['incomplete']}."
        return Judgement(Verdict.INCONCLUSIVE, reason, "Split so large a change, or attest its review.")
    return Judgement(Verdict.FAIL, _refused(measured, thresholds), "Have somebody else approve its last commit.")


def _refused(measured: Measured, thresholds: Thresholds) -> str:
    if not measured["changes"]:
        aside = f" ({measured['unmerged']} unmerged)" if measured["unmerged"] else ""
        return f"Commit {measured['commit'][:12]} came with no merged change that could be approved{aside}."
    told = [
        f"{one['reviewer']} ({_why_not(one, thresholds)})"
        for change in measured["changes"]
        for one in change["reviews"]
    ]
    names = ", ".join(change["name"] for change in measured["changes"][:MOST_TOLD])
    needed = f"{thresholds['min_approvals']} approvals by somebody else are needed for {names}"
    return f"{needed}: {_some(told) or 'there is no verdict of anybody'}."


def _why_not(one: Mapping[str, Any], thresholds: Thresholds) -> str:
    if one["state"] != "approved":
        return str(one["state"]).replace("_", " ")
    if one["own"]:
        return "own work"
    if one["bot"]:
        return "a bot"
    return "approved" if thresholds["stale_counts"] or not one["stale"] else "approved an earlier commit"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return ", ".join(names[:MOST_TOLD]) + more
