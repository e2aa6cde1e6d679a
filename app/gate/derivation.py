"""A decision's body from the inputs that are stored beside it. Pure: the same inputs give the same body for ever.

The inputs hold what was asked, what was registered, the policy's text, every finding and attestation that bears
on the answer and, where the policy judges by thresholds of its own, what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from app.gate.in_force import InForce, PolicyText
from app.gate.layers import judge, together
from app.gate.policy import overall, unevaluated
from app.gate.runs import Measurement, newest_runs
from app.gate.terms import ApprovalFact, Condition, Known, Layer, Limited, Outcome, PracticeFacts, Status
from app.gate.waiving import WaiverFact, last_moment, waived
from app.scorecards.facts import Facts, Scorecard
from app.scorecards.scoring import score
from checks.rubric import RUBRIC_VERSION


class Inputs(BaseModel):
    """Everything that a decision is derived from. ``measurements`` are by finding id; ``practice`` holds what the
    policies ask of the ledger, ``delivery`` the metrics that they limit; ``floor`` and ``additions``: see
    ``InForce``. ``open_issues``, ``registration`` and ``approvals`` are None where they were not looked up.

    ``audit_problem`` is a sentence when the audit that the decision waited for did not succeed.
    """

    model_config = ConfigDict(frozen=True)

    stage: str
    environment: str
    risk_tier: str
    artifact_digest: str | None
    content_digest: str
    policy: PolicyText
    floor: PolicyText | None = None
    additions: PolicyText | None = None
    facts: Facts
    measurements: dict[int, Measurement] = {}
    practice: PracticeFacts = PracticeFacts()
    delivery: dict[str, Limited] = {}
    open_issues: dict[str, int] | None = None
    registration: dict[str, Any] | None = None
    retired_at: datetime | None = None
    waivers: tuple[WaiverFact, ...] = ()
    approvals: tuple[ApprovalFact, ...] | None = None
    author: str | None = None
    dry_run: bool = False
    audit_id: int | None = None
    audit_problem: str | None = None
    id: int | None = None
    evaluation_url: str | None = None

    @property
    def in_force(self) -> InForce:
        return InForce(policy=self.policy, floor=self.floor, additions=self.additions)


@dataclass(frozen=True)
class Answer:
    """What inputs lead to. ``card`` is None when something broke before there was one."""

    outcome: Outcome
    card: Scorecard | None = None
    lifetime: timedelta = timedelta()
    without_waivers: Status = Status.UNKNOWN


def rederive(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the decision that was stored with these ``inputs``."""
    return derive(Inputs.model_validate(inputs))


def derive(inputs: Inputs) -> dict[str, Any]:
    """The decision's body, JSON-ready. Whatever goes wrong on the way makes it ``unknown``, never ``pass``."""
    try:
        answer = _answer(inputs)
    except Exception as error:  # noqa: BLE001 - our mistake, or a policy that is no longer valid: deny
        broken = unevaluated("evaluation", "evaluation", error)
        answer = Answer(Outcome(overall([broken.status]), (broken,)))
    card, decided_at = answer.card, inputs.facts.as_of
    ends = [decided_at + answer.lifetime, last_moment(answer.outcome)]
    return _body(
        inputs,
        answer.outcome.status,
        status_without_waivers=answer.without_waivers.value,
        score=card.score if card else None,
        section_scores={item.section.value: item.score for item in card.sections} if card else {},
        conditions=[dict(vars(condition)) for condition in answer.outcome.conditions],
        expires_at=_iso(min(end for end in ends if end)),
        decided_at=_iso(decided_at),
    )


def in_progress(inputs: Inputs) -> dict[str, Any]:
    """The body while an audit runs first: nothing is decided."""
    undecided: dict[str, Any] = {
        "status_without_waivers": Status.IN_PROGRESS.value,
        "score": None,
        "section_scores": {},
        "conditions": [],
        "expires_at": None,
        "decided_at": None,
    }
    return _body(inputs, Status.IN_PROGRESS, **undecided)


def _body(inputs: Inputs, status: Status, **answer: Any) -> dict[str, Any]:
    return {
        "id": inputs.id,
        "status": status.value,
        "model": inputs.facts.model,
        "version": inputs.facts.version,
        "artifact_digest": inputs.artifact_digest,
        "environment": inputs.environment,
        "stage": inputs.stage,
        "policy": {**inputs.policy.model_dump(include={"name", "version"}), "digest": inputs.in_force.digest},
        **answer,
        "evaluation_url": inputs.evaluation_url,
        "audit_id": inputs.audit_id,
        "dry_run": inputs.dry_run,
        "rubric_version": RUBRIC_VERSION,
    }


def _answer(inputs: Inputs) -> Answer:
    layers = inputs.in_force.layers(inputs.stage, inputs.risk_tier)
    cards = [score(replace(inputs.facts, windows=windows_of(inputs.facts, layer))) for layer in layers]
    judged = [judge(layer, _known(inputs, layer, card)) for layer, card in zip(layers, cards, strict=True)]
    outcome = together([*_retired(inputs), *(condition for conditions in judged for condition in conditions)])
    excused = waived(outcome, inputs.waivers, inputs.in_force.waiver_rules.never)
    return Answer(excused, cards[-1], min(layer.lifetime for layer in layers), outcome.status)


def _retired(inputs: Inputs) -> list[Condition]:
    """What holds for every policy: a model that was taken out of use goes nowhere."""
    if inputs.retired_at is None:
        return []
    reason = f"{inputs.facts.model} was retired on {inputs.retired_at:%Y-%m-%d}."
    remedy = f"Take it into use again (assay model unretire {inputs.facts.model}), or deploy its successor."
    return [
        Condition("retired", "model.retired_at", "==", None, _iso(inputs.retired_at), Status.FAIL, reason, remedy)
    ]


def _known(inputs: Inputs, layer: Layer, card: Scorecard) -> Known:
    facts = inputs.facts
    return Known(
        as_of=facts.as_of,
        runs=newest_runs(facts, layer.demand.tests, layer.thresholds, inputs.measurements),
        test_scores={test.id: test.score for test in card.tests},
        section_scores={item.section: item.score for item in card.sections},
        windows=windows_of(facts, layer),
        automated=facts.automated,
        audit_problem=inputs.audit_problem,
        practice=inputs.practice,
        delivery=inputs.delivery,
        open_issues=inputs.open_issues,
        registration=inputs.registration,
        approvals=inputs.approvals,
        author=inputs.author,
    )


def windows_of(facts: Facts, layer: Layer) -> Mapping[str, float]:
    """The freshness windows in days by test id: the policy's where it has one, else the rubric's for this model."""
    return {**facts.windows, **layer.windows}


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
