"""What a policy may say, part by part: strict forms, and what they ask for as terms. ``docs/policy.md``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.catalog.manifest import Name
from app.errors import nearest
from app.gate.terms import Clause, Conditions, Demand, Layer, PracticeDemand, all_of
from checks.contract import Section
from checks.rubric import BY_ID

StageName = Literal["admit", "promote"]
ADMIT: StageName = "admit"
PROMOTE: StageName = "promote"
STAGES: tuple[StageName, ...] = (ADMIT, PROMOTE)


def _known_test(test_id: str) -> str:
    if test_id not in BY_ID:
        raise ValueError(f"{test_id!r} is not a test of the rubric{nearest(test_id, BY_ID)}")
    return test_id


TestId = Annotated[str, AfterValidator(_known_test)]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]
Points = Annotated[float, Field(ge=0, le=7, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=1, le=3650)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
People = Annotated[int, Field(ge=1, le=20)]
RegistrationField = Literal[
    "owner",
    "purpose",
    "users",
    "business_target",
    "retraining_days",
    "audit_cron",
    "commit",
    "pipeline",
    "quality_floor",
    "feature_paths",
    "personal",
    "sensitive",
    "slices",
]
Hours = Annotated[float, Field(gt=0, le=8760, allow_inf_nan=False)]


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


class DeliveryForm(Part):
    """The most that a model's delivery metrics of the last 90 days may be."""

    change_fail_rate_max: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] | None = None
    lead_time_days_max: Positive | None = None
    time_to_restore_hours_max: Positive | None = None


class IssuesForm(Part):
    """How many open issues of a severity are let through."""

    low: Count | None = None
    medium: Count | None = None
    high: Count | None = None
    critical: Count | None = None


class ApprovalsForm(Part):
    """How many people must approve, by role. A pipeline never counts, nor does an author alone."""

    reviewer: People | None = None
    owner: People | None = None
    admin: People | None = None


class DemandForm(Part):
    must_pass: list[TestId] = []
    must_not_fail: list[TestId] = []
    minimum: Minimum = Minimum()
    practice: PracticeForm = PracticeForm()
    max_age_days: dict[TestId, Days] = {}
    registration: list[RegistrationField] = []
    delivery: DeliveryForm = DeliveryForm()
    open_issues: IssuesForm = IssuesForm()
    approvals: ApprovalsForm = ApprovalsForm()

    @property
    def demand(self) -> Demand:
        return Demand(
            tuple(self.must_pass),
            tuple(self.must_not_fail),
            self.minimum.score,
            {Section(name): points for name, points in self.minimum.sections.model_dump().items()},
            PracticeDemand(tuple(sorted(set(self.practice.rows))), self.practice.automation_level),
            dict(self._limits()),
            tuple(dict.fromkeys(self.registration)),
            {role: people for role, people in self.approvals.model_dump().items() if people is not None},
        )

    def _limits(self) -> Iterator[tuple[str, float]]:
        parts = {"delivery": self.delivery.model_dump(), "open_issues": self.open_issues.model_dump()}
        for kind, given in {"max_age_days": self.max_age_days, **parts}.items():
            yield from ((f"{kind}.{name}", limit) for name, limit in given.items() if limit is not None)


class DatedDemand(DemandForm):
    """``enforced_from``: before that day (UTC) what it asks for is reported and does not deny."""

    enforced_from: date | None = None


class PhasedIn(DemandForm):
    enforced_from: date


class RiskTiers(Part):
    low: DatedDemand | None = None
    medium: DatedDemand | None = None
    high: DatedDemand | None = None


class StagePart(DemandForm):
    """A stage's demands: of every model at once, from a day on, of the models of a risk tier."""

    phased_in: list[PhasedIn] = []
    risk_tiers: RiskTiers = RiskTiers()

    def clauses(self, origin: str, risk_tier: str) -> Iterator[Clause]:
        yield Clause(origin, self.demand)
        for part in self.phased_in:
            yield Clause(origin, part.demand, part.enforced_from)
        overlay: DatedDemand | None = getattr(self.risk_tiers, risk_tier, None)
        if overlay is not None:
            yield Clause(f"{origin} risk tier {risk_tier}", overlay.demand, overlay.enforced_from)


class StageForm(StagePart):
    extends: StageName | None = None


class Stages(Part):
    admit: StageForm | None = None
    promote: StageForm | None = None


class AddingStages(Part):
    """Of whoever only adds: what is asked of ``admit`` is asked of ``promote`` too."""

    admit: StagePart | None = None
    promote: StagePart | None = None

    def clauses(self, stage: str, risk_tier: str, origin: str) -> tuple[Clause, ...]:
        parts = (self.admit, self.promote if stage == PROMOTE else None)
        return tuple(clause for part in parts if part for clause in part.clauses(origin, risk_tier))

    @property
    def promotes(self) -> bool:
        """Whether stable traffic is asked for more than the first is."""
        return self.promote is not None


MOST_WAIVER_DAYS = 365
ASKED_OF_TESTS = ("must_pass", "must_not_fail", "max_age_days")
CONDITION_KINDS = (*ASKED_OF_TESTS, "minimum", "practice", "registration", "delivery", "open_issues", "approvals")


def _condition_name(name: str) -> str:
    kind, _, rest = name.partition(".")
    if kind not in CONDITION_KINDS or not rest:
        raise ValueError(f"{name!r} is no condition{nearest(kind, CONDITION_KINDS)}")
    if kind in ASKED_OF_TESTS:
        _known_test(rest)
    return name


class WaiversForm(Part):
    """Who may approve waivers, for how long at most, and conditions that are never excused."""

    approvers: list[Literal["reviewer", "owner", "admin"]] = ["reviewer", "admin"]
    max_days: Annotated[int, Field(ge=1, le=MOST_WAIVER_DAYS)] = 90
    never: list[Annotated[str, AfterValidator(_condition_name)]] = []

    def and_also(self, other: WaiversForm) -> WaiversForm:
        """What both allow."""
        return WaiversForm(
            approvers=[role for role in self.approvers if role in other.approvers],
            max_days=min(self.max_days, other.max_days),
            never=[*self.never, *other.never],
        )


class JudgingForm(Part):
    """How what is asked for is judged."""

    thresholds: dict[TestId, dict[str, Any]] = {}
    windows: dict[TestId, Days] = {}
    accept_not_applicable: list[TestId] = []
    waivers: WaiversForm | None = None

    def layer(self, clauses: tuple[Clause, ...], hours: float) -> Layer:
        """``hours``: how long a decision is good for."""
        accepted = frozenset(self.accept_not_applicable)
        return Layer(clauses, accepted, self.thresholds, self.windows, timedelta(hours=hours))


class PolicyForm(JudgingForm):
    """An environment's policy. ``name`` is the environment's."""

    assay_policy: Literal[1]
    name: EnvironmentName
    decision_lifetime_hours: Hours = 24
    stages: Stages

    @property
    def stage_forms(self) -> dict[str, StageForm]:
        forms = {stage: getattr(self.stages, stage) for stage in STAGES}
        return {stage: form for stage, form in forms.items() if form is not None}

    def clauses(self, stage: str, risk_tier: str, origin: str = "") -> tuple[Clause, ...]:
        """All that this stage asks of a model of this risk tier. ValueError when the policy lacks the stage."""
        if stage not in self.stage_forms:
            raise ValueError(f"the policy {self.name} has no stage {stage!r}")
        parts = _inherited(self.stage_forms, stage)
        return tuple(clause for part in parts for clause in part.clauses(origin or self.name, risk_tier))

    def conditions(self, stage: str, risk_tier: str) -> Conditions:
        """The same put together, whether it is enforced yet or not."""
        demand = all_of(clause.demand for clause in self.clauses(stage, risk_tier))
        return Conditions(demand, frozenset(self.accept_not_applicable))


class FloorForm(JudgingForm):
    """What the organisation asks in every environment. It is judged by its own thresholds, windows and exceptions,
    so nothing that an environment writes can loosen it.
    """

    decision_lifetime_hours: Hours = 8760
    stages: AddingStages


class AdditionsForm(Part):
    """What is asked of one model in addition, in every environment."""

    assay_policy: Literal[1]
    model: Name
    stages: AddingStages


def _inherited(forms: dict[str, StageForm], stage: str) -> list[StageForm]:
    """The stage that this one extends, if any, and the stage itself."""
    form = forms[stage]
    return [forms[form.extends], form] if form.extends else [form]
