"""What really changed between two versions, and whether the reason that was given for it fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from app.ledger.events import ABTestEvent, IncidentEvent
from app.ledger.history import FindingFact, History, TurnFact, ValidationFact, VersionFact
from app.ledger.reading import links, training, within
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown

QUALITY_TESTS = frozenset({"MON-7", "INFRA-4", "MODEL-6"})
"""Failures of these say that accuracy degraded."""
APPROACH = ("commit", "pipeline", "model_class", "features", "tunables")
USE = ("purpose", "users", "problem_type", "business_metric", "label", "features")
WHERE = ("data_location", "owner")

T = TypeVar("T", IncidentEvent, ABTestEvent, ValidationFact, TurnFact, FindingFact)


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
    after, history = case.after, case.history
    judged = [one for one in _between(case, history.findings) if one.test in QUALITY_TESTS]
    signs = [
        (one.at, f"{one.test} turned to fail for {one.version}", f"alert {one.alert_id}")
        for one in _between(case, history.turns)
        if one.test in QUALITY_TESTS and one.after == "fail"
    ]
    signs += [
        (one.at, f"{one.test} failed for {one.version}", f"audit {one.audit_id}")
        for one in judged
        if one.verdict == "fail" and one.version != after.name
    ]
    signs += [
        (
            one.at,
            f"incident {one.incident} ({one.metric.replace('_', ' ')})",
            within.by_whom(history, one.kind, one.id),
        )
        for one in _between(case, history.incidents)
        if one.state == "opened"
    ]
    signs += [
        (
            one.at,
            f"the A/B test of {one.candidate} came out worse",
            within.by_whom(history, one.kind, one.id),
        )
        for one in _between(case, history.ab_tests)
        if one.outcome == "worse"
    ]
    if signs:
        at, text, teller = max(signs)
        return met(Proof(f"{after.name}: {text}", at, teller))
    if held := [one for one in judged if one.verdict == "pass"]:
        return _mismatch(case, f", but {held[-1].test} found no loss before it")
    missing = f"{after.name}: nothing is known of a loss of accuracy before it"
    return unknown(missing, "Watch prediction quality (MON-7), or tell of the incident.")


def _between(case: Case, facts: Iterable[T]) -> list[T]:
    """Those of the model that came after the version before and not after this one."""
    since = case.before.created_at if case.before else case.after.created_at
    return [one for one in facts if one.model == case.after.model and since <= one.at <= case.after.created_at]


def _attack(case: Case) -> Judged:
    told = _between(case, case.history.incidents)
    if attacks := [one for one in told if one.attack]:
        newest = attacks[-1]
        teller = within.by_whom(case.history, newest.kind, newest.id)
        return met(Proof(f"{case.after.name}: incident {newest.incident}, an attack", newest.at, teller))
    if others := [one for one in told if one.attack is False]:
        return _mismatch(case, f", but incident {others[-1].incident} was no attack")
    remedy = "Tell of it: an incident event with attack: true."
    return unknown(f"{case.after.name}: no attack is known before it", remedy)


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
    """A validation between the two versions did not approve without conditions."""
    found = _between(case, case.history.validations)
    if asked := [one for one in found if one.outcome != "approved"]:
        text = f"{asked[-1].validator} found {asked[-1].version} {asked[-1].outcome.replace('_', ' ')}"
        path = f"/issues?model={quote(case.after.model)}"
        return met(Proof(f"{case.after.name}: {text}", asked[-1].at, asked[-1].validator, path))
    if found:
        return _mismatch(case, f", but {found[-1].validator} approved {found[-1].version} without conditions")
    remedy = "Record what the audit found: assay validation record MODEL approved_with_conditions"
    return unknown(f"{case.after.name}: no validation is known that asked for it", remedy)


def _self_learning(case: Case) -> Judged:
    """Nobody started the run that made it, and the approach is that of the version before."""
    if any(key in case.changed for key in APPROACH):
        return _mismatch(case, ", but somebody changed the approach")
    run = links.run_of(case.history, case.after)
    if run is None or run.trigger == "unknown":
        return unknown(f"{case.after.name}: what started the run that made it is not known", links.TIE)
    if run.trigger not in training.AUTOMATIC:
        return _mismatch(case, f", but run {run.run} was started {run.trigger.replace('_', ' ')}")
    return met(training.proof(case.history, run))


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
    "self_learning": _self_learning,
}
