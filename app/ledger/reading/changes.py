"""What really changed between two versions, and whether the reason that was given for it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.ledger.history import History, VersionFact
from app.ledger.reading import within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown

QUALITY_TESTS = frozenset({"MON-7", "INFRA-4", "MODEL-6"})
"""Failures of these say that accuracy degraded."""
APPROACH = ("commit", "pipeline", "model_class", "features", "tunables")
USE = ("purpose", "users", "problem_type", "business_metric", "label", "features")
WHERE = ("data_location", "owner")


@dataclass(frozen=True)
class Case:
    """A version ``after`` the one ``before`` it, those ``earlier`` than both, and what ``changed``, by key."""

    history: History
    earlier: tuple[VersionFact, ...]
    before: VersionFact | None
    after: VersionFact
    changed: Mapping[str, str]


def differences(before: VersionFact, after: VersionFact) -> dict[str, str]:
    """What differs, in words, by what it is. What either does not say is no difference."""
    one, other = _told(before), _told(after)
    return {
        key: _words(key, one[key], other[key])
        for key in one
        if one[key] is not None and other[key] is not None and one[key] != other[key]
    }


def _told(version: VersionFact) -> dict[str, Any]:
    manifest = version.manifest
    model, part, data = (manifest.get(key) or {} for key in ("model", "version", "data"))
    columns = manifest.get("columns") or {}
    return {
        "train_data": within.bare(version.data.get("train")),
        "test_data": within.bare(version.data.get("test")),
        "commit": version.commit[:7] if version.commit else None,
        "pipeline": version.pipeline,
        "model_class": version.model_class,
        "features": sorted(one["name"] for one in manifest.get("features") or ()) or None,
        "tunables": part.get("tunables"),
        "data_location": {role: (source or {}).get("ref") for role, source in data.items()} or None,
        "owner": model.get("owner"),
        "purpose": model.get("purpose"),
        "users": model.get("users"),
        "problem_type": model.get("problem_type"),
        "business_metric": model.get("business_metric"),
        "label": columns.get("label"),
        "artifact": within.bare(version.artifact_digest),
    }


def _words(key: str, before: Any, after: Any) -> str:
    name = key.replace("_", " ")
    if key == "features":
        added, gone = sorted(set(after) - set(before)), sorted(set(before) - set(after))
        parts = [f"added {', '.join(added)}"] * bool(added) + [f"dropped {', '.join(gone)}"] * bool(gone)
        return f"features ({'; '.join(parts)})"
    if key == "tunables":
        keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
        return f"tunables ({', '.join(keys)})"
    if key in {"train_data", "test_data", "artifact"}:
        return f"{name} ({within.short(before)} to {within.short(after)})"
    if isinstance(before, str) and isinstance(after, str) and len(before + after) < 100:
        return f"{name} ({before} to {after})"
    return name


def judge(case: Case) -> Judged:
    """Whether the reason fits. Missing names what really changed."""
    reason = case.after.change_reason
    if case.before is None:
        if reason == "initial":
            return met(_proof(case, "the first version"))
        missing = f"{case.after.name} says {reason.replace('_', ' ')}, and there is no version before it"
        return unknown(
            missing, "The next version will be compared with this one.", _proof(case, "the first version")
        )
    return REASONS[reason](case)


def _proof(case: Case, text: str) -> Proof:
    after = case.after
    path = f"/models/{after.model}/versions/{after.name}"
    return Proof(f"{after.name}: {text}", after.created_at, after.created_by, path)


def _fits(case: Case, keys: Sequence[str]) -> Judged:
    found = [case.changed[key] for key in keys if key in case.changed]
    return met(_proof(case, ", ".join(found))) if found else _mismatch(case)


def _mismatch(case: Case, why: str = "") -> Judged:
    really = ", ".join(case.changed.values()) or "nothing that is recorded"
    told = f"{case.after.name} says {case.after.change_reason.replace('_', ' ')}{why}; what changed: {really}"
    return lacking(told, "Register the next version with the reason that fits what changed.", _proof(case, really))


def _initial(case: Case) -> Judged:
    before = case.before.name if case.before else ""
    return _mismatch(case, f", but {before} was before it")


def _new_data(case: Case) -> Judged:
    if case.before is None or not {"train"} <= case.before.data.keys() & case.after.data.keys():
        return unknown(f"{case.after.name}: the digest of its training data is not known", "Register it with data.")
    if "train_data" not in case.changed:
        return _mismatch(case, ", but the training data has the same digest")
    return _fits(case, ["train_data"])


def _degraded(case: Case) -> Judged:
    """A failure of quality, or an incident, between the version before and this one."""
    before, after = case.before, case.after
    since = before.created_at if before else after.created_at
    history = case.history
    signs = [
        (one.at, f"{one.test} turned to fail for {one.version}")
        for one in history.turns
        if one.model == after.model and one.test in QUALITY_TESTS and one.after == "fail"
    ]
    signs += [
        (one.at, f"{one.test} failed for {one.version}")
        for one in history.findings
        if one.model == after.model
        and one.test in QUALITY_TESTS
        and one.verdict == "fail"
        and one.version != after.name
    ]
    signs += [
        (one.at, f"incident {one.incident} ({one.metric.replace('_', ' ')})")
        for one in history.incidents
        if one.model == after.model and one.state == "opened"
    ]
    signs += [
        (one.at, f"the A/B test of {one.candidate} came out worse")
        for one in history.ab_tests
        if one.model == after.model and one.outcome == "worse"
    ]
    if found := sorted(sign for sign in signs if since <= sign[0] <= after.created_at):
        return met(Proof(f"{after.name}: {found[-1][1]}", found[-1][0]))
    passed = [
        one
        for one in history.findings
        if one.model == after.model and one.test in QUALITY_TESTS and since <= one.at <= after.created_at
    ]
    if passed:
        return _mismatch(case, f", but {passed[-1].test} found no loss before it")
    missing = f"{after.name}: nothing is known of a loss of accuracy before it"
    return unknown(missing, "Watch prediction quality (MON-7), or tell of the incident.")


def _attack(case: Case) -> Judged:
    since = case.before.created_at if case.before else case.after.created_at
    told = [
        one
        for one in case.history.incidents
        if one.model == case.after.model and since <= one.at <= case.after.created_at
    ]
    if told:
        return met(Proof(f"{case.after.name}: incident {told[-1].incident}", told[-1].at))
    return unknown(f"{case.after.name}: no incident is known before it", "Tell of the attack as an incident event.")


def _rollback(case: Case) -> Judged:
    """Its artifact is that of a version before the one before it."""
    mine = within.bare(case.after.artifact_digest)
    if mine is None or case.before is None:
        return unknown(f"{case.after.name}: its artifact is not known", "Register versions with their artifact.")
    same = next((one for one in reversed(case.earlier) if within.bare(one.artifact_digest) == mine), None)
    if same is not None:
        return met(_proof(case, f"the artifact of {same.name}"))
    return _mismatch(case, ", but its artifact is that of no earlier version")


def _compliance(case: Case) -> Judged:
    missing = f"{case.after.name}: no record shows the audit that asked for it"
    return unknown(
        missing, "Attest the audit with a link to its report.", _proof(case, ", ".join(case.changed.values()))
    )


REASONS: Mapping[str, Callable[[Case], Judged]] = {
    "initial": _initial,
    "new_data": _new_data,
    "new_approach": lambda case: _fits(case, APPROACH),
    "degraded_accuracy": _degraded,
    "new_feature": lambda case: _fits(case, USE),
    "attack": _attack,
    "rollback": _rollback,
    "compliance": _compliance,
    "data_location": lambda case: _fits(case, WHERE),
}
