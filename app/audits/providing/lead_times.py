"""When work on features began, by git and by proposals, and when they first served."""

from __future__ import annotations

from contextlib import suppress

from app.audits.attempt import Attempt, FeatureServed, HandedInFile
from app.audits.providing.code import git_of
from app.audits.providing.contract import Provided, Providers, Source
from app.audits.providing.handed_in import newest
from app.evidence.git_record import FirstSeen
from app.evidence.kinds import EvidenceKind
from app.evidence.proposals import Proposal
from checks.code import AddedFeature, AddedFeatures
from checks.contract import Missing

HISTORY: EvidenceKind = "feature-history"
BY_HAND = "the beginning of a feature is known by its proposal alone, which was written by hand"


def _added(_source: Source, attempt: Attempt) -> Provided:
    known = attempt.features
    if known is None:
        raise Missing("an environment in which features serve", "audit with --environment")
    if known.first_version is None:
        raise Missing(
            f"a version that served stable traffic in {known.environment}",
            f"let one serve: assay deploy MODEL@VERSION --environment {known.environment}",
        )
    files: dict[str, HandedInFile] = {}
    commits: dict[str, FirstSeen] = {}
    proposals: dict[str, Proposal] = {}
    with suppress(Missing):
        said, files["git"] = git_of(attempt)
        commits = {one.feature: one for one in said.features}
    with suppress(Missing):
        listed, files[HISTORY] = newest(attempt, HISTORY, "proposals of features", "JSON")
        proposals = {one.feature: one for one in listed.proposals}
    if not files:
        raise Missing("when work on each feature began", "assay evidence collect git --push, or feature-history")
    added = [_one(one, commits.get(one.feature), proposals.get(one.feature)) for one in known.added]
    by_hand = [one.name for one in added if one.started_at and one.name not in _dated(commits)]
    caps = [*(file.cap for file in files.values()), BY_HAND if by_hand else None]
    cap = "; ".join(dict.fromkeys(why for why in caps if why)) or None
    value = AddedFeatures(
        next(iter(files.values())).digest, cap, known.environment, known.first_version, tuple(added)
    )
    return Provided(value, {kind: file.digest for kind, file in files.items()}, cap)


def _dated(commits: dict[str, FirstSeen]) -> set[str]:
    return {name for name, one in commits.items() if one.at}


def _one(served: FeatureServed, commit: FirstSeen | None, proposal: Proposal | None) -> AddedFeature:
    starts = []
    if commit and commit.at and commit.commit:
        starts.append((commit.at, f"commit {commit.commit[:12]}"))
    if proposal:
        starts.append((proposal.proposed_at, f"proposal {proposal.link}".strip()))
    unknown = (commit.why if commit else "") or "neither a commit nor a proposal is known"
    at, by = min(starts, default=(None, unknown))
    return AddedFeature(served.feature, at, by, served.at, served.version)


PROVIDERS: Providers = {AddedFeatures: _added}
