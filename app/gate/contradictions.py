"""What is valid key by key in a policy and yet cannot be, or would mislead: (path, message) each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.errors import nearest
from app.gate.terms import Demand, all_of
from app.gate.written import (
    AddingStages,
    AdditionsForm,
    DemandForm,
    FloorForm,
    PolicyForm,
    RiskTiers,
    StagePart,
)
from checks import discover
from checks.contract import Check

Found = Iterator[tuple[str, str]]
RISK_TIERS = tuple(RiskTiers.model_fields)
NO_CONDITION = "has no condition (a minimum of 0 is none): it would let everything pass"


def of_policy(form: PolicyForm) -> Found:
    if form.name == "organisation":
        yield "name", "is the organisation's own policy, which has no stages"
    if not form.stage_forms:
        yield "stages", "names no stage: a policy without conditions would let everything pass"
    wrong_extension = list(_wrong_extensions(form))
    yield from wrong_extension
    if not wrong_extension:
        yield from _stages_without_conditions(form)
        yield from _loosened(form)
    yield from _wrong_thresholds("thresholds", form.thresholds)


def of_floor(form: FloorForm) -> Found:
    yield from _adding_nothing("floor.stages", form.stages)
    yield from _wrong_thresholds("floor.thresholds", form.thresholds)


def of_additions(form: AdditionsForm) -> Found:
    yield from _adding_nothing("stages", form.stages)


def against_floor(form: PolicyForm, floor: FloorForm) -> Found:
    """What an environment's policy says in vain, because the organisation's floor holds whatever it says."""
    asked = {test for tier in RISK_TIERS for test in _tests(floor, tier)}
    for test_id in form.accept_not_applicable:
        if test_id in asked - set(floor.accept_not_applicable):
            yield (
                "accept_not_applicable",
                f"the organisation's floor does not accept it of {test_id}",
            )
    if form.decision_lifetime_hours > floor.decision_lifetime_hours:
        most = f"{floor.decision_lifetime_hours:g} hours at most by the organisation's floor"
        yield "decision_lifetime_hours", most


def _tests(floor: FloorForm, tier: str) -> tuple[str, ...]:
    return all_of(clause.demand for clause in floor.stages.clauses("promote", tier, "")).tests


def _adding_nothing(path: str, stages: AddingStages) -> Found:
    parts: dict[str, StagePart | None] = {"admit": stages.admit, "promote": stages.promote}
    if not any(parts.values()):
        yield path, "names no stage"
    below = Demand()
    for stage, part in parts.items():
        if part is None:
            continue
        if all(clause.demand.empty for tier in RISK_TIERS for clause in part.clauses("", tier)):
            yield f"{path}.{stage}", "has no condition (a minimum of 0 is none)"
        yield from _lower_parts(f"{path}.{stage}", part, below)
        below = below.and_also(part.demand)


def _wrong_extensions(form: PolicyForm) -> Found:
    for stage, part in form.stage_forms.items():
        if part.extends is not None and part.extends not in form.stage_forms:
            yield f"stages.{stage}.extends", f"the policy has no stage {part.extends!r}"
        elif part.extends is not None and form.stage_forms[part.extends].extends is not None:
            yield f"stages.{stage}.extends", f"{part.extends!r} itself extends a stage: a circle"


def _stages_without_conditions(form: PolicyForm) -> Found:
    for stage in form.stage_forms:
        if form.conditions(stage, "").demand.empty:
            yield f"stages.{stage}", NO_CONDITION


def _loosened(form: PolicyForm) -> Found:
    """Minima that are written lower than what holds already; a reader would believe the lower number."""
    for stage, part in form.stage_forms.items():
        below = form.stage_forms[part.extends].demand if part.extends else Demand()
        yield from _lower_parts(f"stages.{stage}", part, below)


def _lower_parts(path: str, part: StagePart, below: Demand) -> Found:
    yield from _lower_minima(path, part, below)
    holding = below.and_also(part.demand)
    for i, phased in enumerate(part.phased_in):
        yield from _lower_minima(f"{path}.phased_in.{i}", phased, holding)
    for tier in RISK_TIERS:
        if (overlay := getattr(part.risk_tiers, tier)) is not None:
            yield from _lower_minima(f"{path}.risk_tiers.{tier}", overlay, holding)


def _lower_minima(path: str, part: DemandForm, below: Demand) -> Found:
    given, sections = part.minimum, part.minimum.sections
    written = {"score": given.score} if "score" in given.model_fields_set else {}
    written |= {f"sections.{name}": getattr(sections, name) for name in sections.model_fields_set}
    holding = {"score": below.score} | {f"sections.{s}": points for s, points in below.sections.items()}
    for key, points in written.items():
        if points < holding.get(key, 0):
            yield f"{path}.minimum.{key}", f"{points:g} is less than {holding[key]:g}, which holds already"


def _wrong_thresholds(path: str, thresholds: dict[str, dict[str, Any]]) -> Found:
    for test_id, given in thresholds.items():
        check = discover().get(test_id)
        if check is None:
            yield f"{path}.{test_id}", "has no automated check yet, so there is nothing to judge by a threshold"
            continue
        for key, value in given.items():
            if problem := _wrong_threshold(check, key, value):
                yield f"{path}.{test_id}.{key}", problem


def _wrong_threshold(check: Check, key: str, value: Any) -> str | None:
    if key not in check.thresholds:
        return f"unknown key{nearest(key, check.thresholds)}; {check.id} knows {', '.join(check.thresholds)}"
    default = check.thresholds[key]
    if default is None or _is_number(default):
        finite = _is_number(value) and abs(value) < float("inf")
        return None if finite else f"a number is due (the check's own is {default})"
    same = type(value) is type(default)
    return None if same else f"a value like the check's own is due, {default!r}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
