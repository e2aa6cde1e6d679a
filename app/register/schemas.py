"""What the routes of the register take and give."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Severity = Literal["low", "medium", "high", "critical"]
Status = Literal["open", "in_progress", "resolved", "closed"]
Source = Literal["finding", "attestation", "validation", "person"]
Outcome = Literal["approved", "approved_with_conditions", "rejected"]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Evidence = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        max_length=2000,
        pattern=r"^(finding/[1-9][0-9]{0,17}|attestation/[1-9][0-9]{0,17}|https?://[^\s]+)$",
    ),
]
EVIDENCE = "`finding/12` or `attestation/3`, newer than the failure; a link where the issue is of no test."


class IssueIn(BaseModel):
    """An issue that a person opens. ``severity``, ``owner`` and ``due_on`` have defaults: docs/issues.md."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "Income is self-declared",
                    "description": "Nobody compares it with the payroll.",
                    "severity": "medium",
                }
            ]
        },
    )

    title: Line
    description: Text
    test_id: str | None = Field(None, max_length=20, description="The test that it is about, if it is about one.")
    environment: Line | None = Field(None, description="Of tests of the system: where.")
    severity: Severity | None = None
    owner: Line | None = None
    due_on: date | None = None
    plan: Text | None = None


class IssueChange(BaseModel):
    """What to change. A severity or due date takes a reason; a milder or later one somebody who did not make it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"plan": "Join with payroll by June.", "owner": "ada"}]}
    )

    owner: Line | None = None
    due_on: date | None = None
    plan: Text | None = None
    severity: Severity | None = None
    reason: Text | None = None


class ResolutionIn(BaseModel):
    """What shows that an issue is solved."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"evidence": "finding/12", "comment": "Compared since 1.2.0."}]},
    )

    evidence: Evidence = Field(description=EVIDENCE)
    comment: Text


class ClosureIn(BaseModel):
    """Somebody else verified it. ``evidence``: other than what resolved it, if so."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"comment": "Read audit 31 and the change."}]}
    )

    evidence: Evidence | None = Field(None, description=EVIDENCE)
    comment: Text


class ReopeningIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "The payroll left out part-time work."}]}
    )

    reason: Text


class IssueOut(BaseModel):
    """``failure`` opened it last, ``evidence`` resolved it; both name a finding, an attestation or a link."""

    id: int
    model: str
    version: str | None
    test_id: str | None
    environment: str | None
    source: Source
    title: str
    description: str
    severity: Severity
    status: Status
    owner: str
    due_on: date
    overdue: bool
    plan: str
    failure: str | None
    failed_at: datetime
    evidence: str | None
    opened_at: datetime
    opened_by: str
    resolved_at: datetime | None
    resolved_by: str | None
    closed_at: datetime | None
    closed_by: str | None


class NoteOut(BaseModel):
    """``details``: before and after by what was changed."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    actor: str
    action: str
    text: str
    evidence: str | None
    details: dict[str, Any]


class IssueDetail(IssueOut):
    """With its history, oldest first."""

    notes: list[NoteOut]


class ValidationIn(BaseModel):
    """Somebody who did not make the model looked at it. ``version``: by default the newest."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "outcome": "approved_with_conditions",
                    "conditions": "Monitor the share of self-declared incomes.",
                    "link": "https://docs.example.com/validation-2026.pdf",
                }
            ]
        },
    )

    outcome: Outcome
    version: Line | None = None
    validator: Line | None = Field(None, description="By default whoever sends this.")
    validated_on: date | None = Field(None, description="By default today.")
    conditions: Text | None = None
    digest: str | None = Field(None, pattern=r"^[0-9a-f]{64}$", description="The uploaded report.")
    link: str | None = Field(None, pattern=r"^https?://[^\s]+$", max_length=2000)


class ValidationOut(BaseModel):
    id: int
    model: str
    version: str
    outcome: Outcome
    conditions: str
    validator: str
    validated_on: date
    digest: str | None
    link: str | None
    created_by: str
    created_at: datetime


class ValidationState(BaseModel):
    """The newest validation, and the last day on which the next one is in time."""

    last: ValidationOut | None
    next_due_on: date
    overdue: bool


class RetirementIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"reason": "The product ended.", "successor": "credit-default-2"}]},
    )

    reason: Text
    successor: Line | None = None


class RetirementOut(BaseModel):
    """``undone_at`` is null while it holds."""

    model: str
    successor: str | None
    reason: str
    retired_at: datetime
    retired_by: str
    undone_at: datetime | None
    undone_by: str | None
    undone_reason: str | None


class Serving(BaseModel):
    version: str
    environment: str
    role: str


class InventoryRow(BaseModel):
    """One model. ``score`` is its newest version's; ``open_issues`` counts those not closed, by severity."""

    model: str
    owner: str
    purpose: str
    users: str
    risk_tier: str
    task: str
    problem_type: str
    registered_at: datetime
    versions: int
    newest_version: str | None
    serving: list[Serving]
    score: float | None
    last_audit_at: datetime | None
    last_validated_on: date | None
    last_validation_outcome: Outcome | None
    next_validation_on: date
    validation_overdue: bool
    open_issues: dict[str, int]
    retired_at: datetime | None
    retirement_reason: str | None
    successor: str | None
