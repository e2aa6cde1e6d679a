"""Code, data and model versioned together on every deployment, and why each version was made: as said, as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from app.ledger.history import DeploymentFact, History, VersionFact
from app.ledger.reading import changes, links, within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown, worst


@dataclass(frozen=True)
class Triple:
    """What a deployment consists of. ``gaps``: what of the three is not known."""

    model: str
    version: str
    environment: str
    role: str
    started_at: datetime
    live: bool
    commit: str | None
    data_digest: str | None
    gaps: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """Why a version was made. ``changed``: what really differs from the version ``before`` it, in words.

    Judged missing: the reason does not fit what changed; unknown: nothing recorded can confirm it.
    """

    model: str
    version: str
    before: str | None
    at: datetime
    reason: str
    changed: tuple[str, ...]
    judged: Judged


@dataclass(frozen=True)
class Versioning:
    """``triples`` and ``changes`` newest first. Judged by what serves or is younger than ``within.RECENT_DAYS``."""

    triples: tuple[Triple, ...]
    triples_judged: Judged
    changes: tuple[Change, ...]
    changes_judged: Judged


def of_pipeline(history: History, name: str) -> Versioning:
    return read(within.of_pipeline(history, name))


def of_model(history: History, name: str) -> Versioning:
    return read(within.of_model(history, name))


def read(history: History) -> Versioning:
    """Args: history: narrowed to a pipeline or a model."""
    triples = _triples(history)
    made = _changes(history)
    return Versioning(triples, _judge_triples(history, triples), made, _judge_changes(history, made))


def _triples(history: History) -> tuple[Triple, ...]:
    by_id = {one.id: one for one in history.versions}
    newest_first = sorted(history.deployments, key=lambda one: (one.started_at, one.id), reverse=True)
    return tuple(_triple(history, one, by_id[one.version_id]) for one in newest_first)


def _triple(history: History, place: DeploymentFact, version: VersionFact) -> Triple:
    commit, data = version.commit, version.data.get("train")
    if commit is None or data is None:
        run = links.run_of(history, version)
        commit = commit or (run.commit if run else None)
        data = data or (run.data_digest if run else None)
    known = {"commit": commit, "data digest": data}
    return Triple(
        place.model,
        place.version,
        place.environment,
        place.role,
        place.started_at,
        place.ended_at is None,
        commit,
        data,
        tuple(name for name, value in known.items() if value is None),
    )


def _judge_triples(history: History, triples: Sequence[Triple]) -> Judged:
    counted = [one for one in triples if one.live or _recent(history, one.started_at)]
    if not counted:
        return unknown("no deployment is known", "assay deploy MODEL@VERSION --environment ENVIRONMENT")
    newest = counted[0]
    path = f"/models/{newest.model}/versions/{newest.version}"
    text = (
        f"{newest.environment}: commit {within.short(newest.commit)}, data {within.short(newest.data_digest)}, "
        f"model {newest.version}"
    )
    proof = Proof(text, newest.started_at, "", path)
    if open_ := [one for one in counted if one.gaps]:
        first = open_[0]
        missing = f"{first.version} in {first.environment} has no {' and no '.join(first.gaps)}"
        more = f", and {len(open_) - 1} more deployments have gaps" if len(open_) > 1 else ""
        return lacking(missing + more, "Give version.commit and data.train in the manifest.", proof)
    return met(proof)


def _changes(history: History) -> tuple[Change, ...]:
    by_model: dict[str, list[VersionFact]] = {}
    for one in sorted(history.versions, key=lambda one: (one.created_at, one.id)):
        by_model.setdefault(one.model, []).append(one)
    found = [
        _change(history, earlier, before, after)
        for versions in by_model.values()
        for i, (before, after) in enumerate(pairwise([None, *versions]))
        if after is not None
        for earlier in [versions[: max(i - 1, 0)]]
    ]
    return tuple(sorted(found, key=lambda one: (one.at, one.model, one.version), reverse=True))


def _change(
    history: History, earlier: Sequence[VersionFact], before: VersionFact | None, after: VersionFact
) -> Change:
    changed = changes.differences(before, after) if before else {}
    return Change(
        after.model,
        after.name,
        before.name if before else None,
        after.created_at,
        after.change_reason,
        tuple(changed.values()),
        changes.judge(changes.Case(history, tuple(earlier), before, after, changed)),
    )


def _judge_changes(history: History, made: Sequence[Change]) -> Judged:
    serving = {(one.model, one.version) for one in within.serving(history)}
    counted = [one for one in made if (one.model, one.version) in serving or _recent(history, one.at)] or made[:1]
    if not counted:
        return unknown("no version is known", "Register versions with assay model register.")
    return worst(one.judged for one in counted)


def _recent(history: History, at: datetime) -> bool:
    return within.age_days(history, at) <= within.RECENT_DAYS
