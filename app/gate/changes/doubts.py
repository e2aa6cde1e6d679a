"""What is valid in a policy and surely not meant: it has no effect, or can never hold (``assay policy lint``).

Doubts refuse nothing: a policy that was accepted once must stay readable, or its decisions could not be replayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from app.gate.changes.compared import Asked, asked
from app.gate.contradictions import RISK_TIERS, Found
from app.gate.policy import STALE_AFTER_WINDOWS
from app.gate.terms import Clause
from app.gate.written import (
    ADMIT,
    PROMOTE,
    STAGES,
    AdditionsForm,
    FloorForm,
    JudgingForm,
    PolicyForm,
    StagePart,
)
from checks.rubric import BY_ID

CANARY = "INFRA-6"
Form = PolicyForm | FloorForm | AdditionsForm


def of(form: Form) -> Found:
    """(path, message) of each."""
    top = "floor." if isinstance(form, FloorForm) else ""
    everything = [
        clause for part in _parts(form).values() for tier in RISK_TIERS for clause in part.clauses("", tier)
    ]
    for stage, part in _parts(form).items():
        yield from _of_stage(f"{top}stages.{stage}", part, _below(form, stage))
    yield from _of_canary(f"{top}stages", form)
    if isinstance(form, PolicyForm):
        yield from _asked_at_first_only(form)
    if isinstance(form, JudgingForm):
        yield from _in_vain(top, form, everything)


def _parts(form: Form) -> dict[str, StagePart]:
    found: dict[str, StagePart | None] = {stage: getattr(form.stages, stage) for stage in STAGES}
    return {stage: part for stage, part in found.items() if part is not None}


def _below(form: Form, stage: str) -> list[Clause]:
    """What holds at this stage whatever its own part says."""
    part = _parts(form)[stage]
    if isinstance(form, PolicyForm):
        below = _parts(form).get(getattr(part, "extends", None) or "")
    else:
        below = _parts(form).get(ADMIT) if stage == PROMOTE else None
    return [Clause("", below.demand)] if below else []


def _of_stage(path: str, part: StagePart, below: list[Clause]) -> Found:
    own = Clause("", part.demand)
    for test_id in part.must_not_fail:
        if test_id in part.must_pass:
            yield f"{path}.must_not_fail", f"{test_id} must pass, so that it must not fail goes without saying"
    yield from _implied(f"{path}.minimum", part)
    yield from _nothing_new(path, [own], below)
    holding = [*below, own]
    for i, phased in enumerate(part.phased_in):
        yield from _nothing_new(f"{path}.phased_in.{i}", [Clause("", phased.demand)], holding)
    for tier in RISK_TIERS:
        if (overlay := getattr(part.risk_tiers, tier)) is not None:
            yield from _nothing_new(f"{path}.risk_tiers.{tier}", [Clause("", overlay.demand)], holding)


def _implied(path: str, part: StagePart) -> Found:
    """The score is the lowest section's, so a section's minimum says something only where it is higher."""
    for name in part.minimum.sections.model_fields_set:
        points = getattr(part.minimum.sections, name)
        if 0 < points <= part.minimum.score:
            yield f"{path}.sections.{name}", f"always holds where the score is at least {part.minimum.score:g}"


def _nothing_new(path: str, given: Iterable[Clause], holding: Iterable[Clause]) -> Found:
    known = asked(holding)
    for subject, (one, *_) in asked(given).items():
        if subject in known and one.weight <= known[subject][-1].weight:
            yield f"{path}.{_place(one)}", f"asks for no more than what holds already ({_told(known[subject][-1])})"


def _place(one: Asked) -> str:
    """Where a condition is written, below its part of the policy."""
    kind, _, _ = one.name.partition(".")
    listed = {"must_pass": kind, "must_not_fail": kind, "registration": kind}
    return listed.get(kind, one.name)


def _told(one: Asked) -> str:
    plain = {"pass", "fail", "filled", "met"}
    return one.name if one.threshold in plain else f"{one.name}: {one.threshold:g}"


def _of_canary(path: str, form: Form) -> Found:
    part = _parts(form).get(ADMIT)
    if part and any(CANARY in clause.demand.must_pass for tier in RISK_TIERS for clause in part.clauses("", tier)):
        told = f"can never hold: {CANARY} is about the canary, and a version that asks to be admitted has had none"
        yield f"{path}.{ADMIT}.must_pass", told


def _asked_at_first_only(form: PolicyForm) -> Found:
    """Stable traffic that is asked for less than the first is."""
    parts = _parts(form)
    if ADMIT not in parts or PROMOTE not in parts or form.stage_forms[PROMOTE].extends:
        return
    first, stable = (asked([Clause("", parts[stage].demand)]) for stage in (ADMIT, PROMOTE))
    missing = [steps[-1].name for subject, steps in first.items() if subject not in stable]
    if missing:
        yield f"stages.{PROMOTE}", f"does not ask for {', '.join(missing)}, which {ADMIT} does (extends: {ADMIT}?)"


def _in_vain(top: str, form: JudgingForm, everything: Iterable[Clause]) -> Found:
    clauses = list(everything)
    tests = {test_id for clause in clauses for test_id in clause.demand.tests}
    scored = any(clause.demand.score or any(clause.demand.sections.values()) for clause in clauses)
    said: dict[str, Iterable[Any]] = {
        "thresholds": form.thresholds,
        "accept_not_applicable": form.accept_not_applicable,
        "windows": () if scored else form.windows,
    }
    for key, named in said.items():
        for test_id in named:
            if test_id not in tests:
                path = key if key == "accept_not_applicable" else f"{key}.{test_id}"
                yield f"{top}{path}", f"has no effect: no condition asks for {test_id}"
    yield from _never_too_old(top, form, clauses)
    yield from _waived_in_vain(top, form, {name for clause in clauses for name in clause.demand.asks})


def _never_too_old(top: str, form: JudgingForm, clauses: Iterable[Clause]) -> Iterator[tuple[str, str]]:
    for test_id, days in {t: d for clause in clauses for t, d in clause.demand.ages.items()}.items():
        window = form.windows.get(test_id, BY_ID[test_id].window_days)
        if window is not None and days >= STALE_AFTER_WINDOWS * window:
            most = STALE_AFTER_WINDOWS * window
            yield (
                f"{top}stages",
                f"max_age_days.{test_id}: {days:g} days: after {most:g} a run shows nothing anyway",
            )


def _waived_in_vain(top: str, form: JudgingForm, names: set[str]) -> Found:
    if form.waivers is None:
        return
    if not form.waivers.approvers:
        yield f"{top}waivers.approvers", "names nobody: no waiver can ever be approved"
    for name in form.waivers.never:
        if name not in names and not top:  # a floor may forbid what environments ask for
            yield f"{top}waivers.never", f"has no effect: this policy has no condition {name}"
