"""What the gate's routes take and give."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE: dict[str, Any] = {
    "id": 42,
    "status": "fail",
    "status_without_waivers": "fail",
    "model": "credit-default",
    "version": "1.1.0",
    "artifact_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "environment": "production",
    "stage": "admit",
    "policy": {
        "name": "production",
        "version": 1,
        "digest": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    },
    "score": 0.5,
    "section_scores": {"data": 3.0, "model": 3.0, "infra": 2.0, "monitoring": 0.5},
    "conditions": [
        {
            "name": "must_pass.INFRA-4",
            "metric": "INFRA-4.verdict",
            "comparator": "==",
            "threshold": "pass",
            "actual": "fail",
            "status": "fail",
            "reason": "INFRA-4 failed (audit 7): roc_auc 0.655 [0.641, 0.668] is credibly below the floor 0.72.",
            "remedy": "Retrain, or look for what changed in the training data.",
            "origin": "production v1",
            "enforced": True,
        }
    ],
    "expires_at": "2026-01-02T12:00:00Z",
    "decided_at": "2026-01-01T12:00:00Z",
    "evaluation_url": "https://assay.example.com/api/v1/gate/evaluations/42",
    "audit_id": 7,
    "dry_run": False,
    "rubric_version": "2017.1",
}


class EvaluationIn(BaseModel):
    """May this version go to that environment? ``dry_run``: answer from what is stored, and keep nothing."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model": "credit-default", "version": "1.1.0", "environment": "production"}]
        },
    )

    model: str = Field(max_length=100)
    version: str = Field(max_length=100)
    environment: str = Field(max_length=100)
    stage: str = Field("admit", max_length=20, description="admit (first traffic) or promote (stable traffic)")
    dry_run: bool = False


class PolicyRef(BaseModel):
    """``digest`` in a decision: of all that binds it, floor and additions included."""

    name: str
    version: int
    digest: str


class WaivedBy(BaseModel):
    waiver: int
    requested_by: str
    approved_by: str
    expires_at: datetime
    reason: str


class ConditionOut(BaseModel):
    """One condition. ``name`` is its place in the policy; ``remedy`` is "" where nothing is to be done.

    ``origin`` names who asks for it: a policy's version, a risk tier in it, a model's additions. One that is not
    ``enforced`` yet is reported and denies nothing; one that is ``waived_by`` somebody keeps its status and
    does not deny.
    """

    name: str
    metric: str
    comparator: str
    threshold: Any
    actual: Any
    status: Literal["pass", "fail", "unknown"]
    reason: str
    remedy: str
    origin: str = ""
    enforced: bool = True
    waived_by: WaivedBy | None = None


class DecisionOut(BaseModel):
    """The gate's answer. While ``in_progress`` an audit (``audit_id``) runs first and nothing is decided.

    ``status_without_waivers`` is null in decisions from before there were any.
    A decision is good until ``expires_at``. A dry run is never stored: ``id`` and ``evaluation_url`` are null.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: int | None
    status: Literal["pass", "fail", "unknown", "in_progress"]
    status_without_waivers: Literal["pass", "fail", "unknown", "in_progress"] | None = None
    model: str
    version: str
    artifact_digest: str | None
    environment: str
    stage: str
    policy: PolicyRef
    score: float | None
    section_scores: dict[str, float]
    conditions: list[ConditionOut]
    expires_at: datetime | None
    decided_at: datetime | None
    evaluation_url: str | None
    audit_id: int | None
    dry_run: bool
    rubric_version: str


class ReplayOut(BaseModel):
    """A stored decision, derived anew from its inputs. ``differing`` names the keys that came out otherwise."""

    id: int
    same: bool
    differing: list[str]
    replayed: DecisionOut


class AskOut(BaseModel):
    """One condition of the effective policy. ``enforced_from``: None where it is enforced since ever."""

    name: str
    threshold: Any
    origin: str
    enforced: bool
    enforced_from: date | None


class EffectiveOut(BaseModel):
    """All that binds a model at a stage. ``policies``: the environment's first; ``digest`` as in decisions."""

    environment: str
    stage: str
    model: str | None
    risk_tier: str
    digest: str
    policies: list[PolicyRef]
    decision_lifetime_hours: float
    conditions: list[AskOut]


class PolicyIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(description="The policy, in YAML.")


class PolicyOut(PolicyRef):
    text: str
    created_by: str
    created_at: datetime


class SignatureOut(BaseModel):
    keyid: str
    sig: str


class EnvelopeOut(BaseModel):
    """DSSE 1.0. ``payload`` is base64 of an in-toto Statement with SLSA's verification summary."""

    payloadType: str  # noqa: N815 - DSSE's name
    payload: str
    signatures: list[SignatureOut]
