"""A policy as somebody writes it: strict YAML, resolved into the conditions of one stage. ``docs/policy.md``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app import validation
from app.catalog import yamlfile
from app.errors import FieldError, nearest
from app.gate.terms import Conditions, Demand, PracticeDemand
from checks import discover
from checks.contract import Check, Section
from checks.rubric import BY_ID

StageName = Literal["admit", "promote"]
STAGES: tuple[StageName, ...] = ("admit", "promote")


def _known_test(test_id: str) -> str:
    if test_id not in BY_ID:
        raise ValueError(f"{test_id!r} is not a test of the rubric{nearest(test_id, BY_ID)}")
    return test_id


TestId = Annotated[str, AfterValidator(_known_test)]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]
Points = Annotated[float, Field(ge=0, le=7, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=1, le=3650)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SectionMinima(Part):
    data: Points = 0.0
    model: Points = 0.0
    infra: Points = 0.0
    monitoring: Points = 0.0


class Minimum(Part):
    """Scores below which the answer is no. 0 asks for nothing."""

    score: Points = 0.0
    sections: SectionMinima = SectionMinima()


class PracticeForm(Part):
    """``rows``: numbers of the ledger's rows that must be met."""

    rows: list[Annotated[int, Field(ge=1, le=45)]] = []
    automation_level: Literal[0, 1, 2] = 0


class DemandForm(Part):
    must_pass: list[TestId] = []
    must_not_fail: list[TestId] = []
    minimum: Minimum = Minimum()
    practice: PracticeForm = PracticeForm()

    @property
    def demand(self) -> Demand:
        return Demand(
            tuple(self.must_pass),
            tuple(self.must_not_fail),
            self.minimum.score,
            {Section(name): points for name, points in self.minimum.sections.model_dump().items()},
            PracticeDemand(tuple(sorted(set(self.practice.rows))), self.practice.automation_level),
        )


class RiskTiers(Part):
    low: DemandForm | None = None
    medium: DemandForm | None = None
    high: DemandForm | None = None


class StageForm(DemandForm):
    extends: StageName | None = None
    risk_tiers: RiskTiers = RiskTiers()


class Stages(Part):
    admit: StageForm | None = None
    promote: StageForm | None = None


class PolicyForm(Part):
    """An environment's policy. ``name`` is the environment's."""

    assay_policy: Literal[1]
    name: EnvironmentName
    decision_lifetime_hours: Annotated[float, Field(gt=0, le=8760, allow_inf_nan=False)] = 24
    stages: Stages
    thresholds: dict[TestId, dict[str, Any]] = {}
    windows: dict[TestId, Days] = {}
    accept_not_applicable: list[TestId] = []

    @property
    def stage_forms(self) -> dict[str, StageForm]:
        forms = {stage: getattr(self.stages, stage) for stage in STAGES}
        return {stage: form for stage, form in forms.items() if form is not None}

    def conditions(self, stage: str, risk_tier: str) -> Conditions:
        """All that this stage asks of a model of this risk tier. ValueError when the policy lacks the stage."""
        if stage not in self.stage_forms:
            raise ValueError(f"the policy {self.name} has no stage {stage!r}")
        demand = Demand()
        for part in _inherited(self.stage_forms, stage):
            overlay = getattr(part.risk_tiers, risk_tier, None)
            demand = demand.and_also(part.demand)
            if overlay is not None:
                demand = demand.and_also(overlay.demand)
        return Conditions(demand, frozenset(self.accept_not_applicable))


def _inherited(forms: dict[str, StageForm], stage: str) -> list[StageForm]:
    """The stage that this one extends, if any, and the stage itself."""
    form = forms[stage]
    return [forms[form.extends], form] if form.extends else [form]


@lru_cache(maxsize=64)
def parse(text: str, filename: str = "policy.yaml") -> PolicyForm:
    """Read a policy.

    Raises:
        Invalid: with file, line, path and the nearest valid word of everything that is wrong; also for a
            stage without any condition, which would let everything pass.
    """
    data, lines = yamlfile.load(text, filename)
    try:
        form = PolicyForm.model_validate(data)
    except ValidationError as error:
        found = [_without_key_mark(e) for e in validation.explain(error, PolicyForm, lines)]
        raise yamlfile.refuse(filename, sorted(found, key=lambda e: e.line or 0)) from None
    contradictions = [
        FieldError(path, message, validation.line_of(path, lines)) for path, message in _contradictions(form)
    ]
    if contradictions:
        raise yamlfile.refuse(filename, contradictions)
    return form


def _without_key_mark(error: FieldError) -> FieldError:
    """Pydantic marks a wrong key of a dictionary by a last step ``[key]``."""
    return FieldError(error.path.removesuffix(".[key]"), error.message, error.line)


def _contradictions(form: PolicyForm) -> Iterator[tuple[str, str]]:
    """What is valid key by key and yet cannot be: (path, message)."""
    if form.name == "organisation":
        yield "name", "is the organisation's own policy, which has no stages"
    if not form.stage_forms:
        yield "stages", "names no stage: a policy without conditions would let everything pass"
    wrong_extension = list(_wrong_extensions(form))
    yield from wrong_extension
    if not wrong_extension:
        yield from _stages_without_conditions(form)
        yield from _loosened(form)
    for test_id, given in form.thresholds.items():
        yield from _wrong_thresholds(test_id, given)


def _wrong_extensions(form: PolicyForm) -> Iterator[tuple[str, str]]:
    for stage, part in form.stage_forms.items():
        if part.extends is not None and part.extends not in form.stage_forms:
            yield f"stages.{stage}.extends", f"the policy has no stage {part.extends!r}"
        elif part.extends is not None and form.stage_forms[part.extends].extends is not None:
            yield f"stages.{stage}.extends", f"{part.extends!r} itself extends a stage: a circle"


def _stages_without_conditions(form: PolicyForm) -> Iterator[tuple[str, str]]:
    for stage in form.stage_forms:
        if form.conditions(stage, "").demand.empty:
            yield f"stages.{stage}", "has no condition (a minimum of 0 is none): it would let everything pass"


def _loosened(form: PolicyForm) -> Iterator[tuple[str, str]]:
    """Minima that are written lower than what holds already; a reader would believe the lower number."""
    for stage, part in form.stage_forms.items():
        below = form.stage_forms[part.extends].demand if part.extends else Demand()
        yield from _lower_minima(f"stages.{stage}", part, below)
        for tier in RiskTiers.model_fields:
            if (overlay := getattr(part.risk_tiers, tier)) is not None:
                yield from _lower_minima(f"stages.{stage}.risk_tiers.{tier}", overlay, below.and_also(part.demand))


def _lower_minima(path: str, part: DemandForm, below: Demand) -> Iterator[tuple[str, str]]:
    given, sections = part.minimum, part.minimum.sections
    written = {"score": given.score} if "score" in given.model_fields_set else {}
    written |= {f"sections.{name}": getattr(sections, name) for name in sections.model_fields_set}
    holding = {"score": below.score} | {f"sections.{s}": points for s, points in below.sections.items()}
    for key, points in written.items():
        if points < holding.get(key, 0):
            yield f"{path}.minimum.{key}", f"{points:g} is less than {holding[key]:g}, which holds already"


def _wrong_thresholds(test_id: str, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    check = discover().get(test_id)
    if check is None:
        yield f"thresholds.{test_id}", "has no automated check yet, so there is nothing to judge by a threshold"
        return
    for key, value in given.items():
        if problem := _wrong_threshold(check, key, value):
            yield f"thresholds.{test_id}.{key}", problem


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
