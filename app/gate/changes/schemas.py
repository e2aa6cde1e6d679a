"""What the routes that try and compare policies take and give."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from app.catalog.yamlfile import MAX_CHARACTERS
from app.gate.schemas import PolicyRef
from app.gate.written import StageName

Answer = Literal["pass", "fail", "unknown"]
MOST_FILES = 20
MOST_DECISIONS = 1000


class PolicyFile(BaseModel):
    """A policy in YAML: an environment's, the organisation's, or what is asked of one model in addition."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=MAX_CHARACTERS)
    filename: Annotated[str, StringConstraints(min_length=1, max_length=300)] = Field(
        "policy.yaml", description="As mistakes in it name it."
    )


class TrialIn(BaseModel):
    """Policies, and the decisions to try them on: the newest ``limit`` that they would bind."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "policies": [
                        {
                            "filename": "production.yaml",
                            "text": "assay_policy: 1\nname: production\nstages:\n  admit: {must_pass: [MODEL-7]}\n",
                        }
                    ],
                    "since": "2026-01-01T00:00:00Z",
                    "limit": 200,
                }
            ]
        },
    )

    policies: Annotated[list[PolicyFile], Field(min_length=1, max_length=MOST_FILES)]
    environment: str | None = Field(None, max_length=100)
    model: str | None = Field(None, max_length=100)
    since: AwareDatetime | None = Field(None, description="Decided at this time or later.")
    limit: int = Field(200, ge=1, le=MOST_DECISIONS)


class DifferenceOut(BaseModel):
    """A condition that is judged otherwise. ``before`` and ``after``: pass, noted, fail, unknown, waived, or
    reported (in its grace period); null where it is not asked for.
    """

    name: str
    before: str | None
    after: str | None
    threshold: Any
    origin: str
    reason: str


class ChangedOut(BaseModel):
    """A decision that would have come out otherwise.

    ``once_enforced``: the answer if all were enforced that is in its grace period. ``not_kept``: conditions of
    which the decision kept no facts, because the policies of its time did not ask for them; they are unknown.
    """

    id: int
    model: str
    version: str
    environment: str
    stage: str
    decided_at: datetime
    before: Answer
    after: Answer
    once_enforced: Answer
    conditions: list[DifferenceOut]
    not_kept: list[str]


class NotReplayedOut(BaseModel):
    decision: int
    why: str


class TrialOut(BaseModel):
    """``policies``: as they would be stored. ``decisions``: how many were replayed; ``more``: there are older ones
    beyond the limit. ``before``, ``after``, ``once_enforced``: the replayed ones by answer.
    """

    policies: list[PolicyRef]
    decisions: int
    more: bool
    before: dict[Answer, int]
    after: dict[Answer, int]
    once_enforced: dict[Answer, int]
    changes: list[ChangedOut]
    not_replayed: list[NotReplayedOut]


class SideIn(BaseModel):
    """One side of a comparison: a policy as it is written, or, where ``stage`` is given, all that binds there.

    ``policy``: an environment, `organisation`, or `models/NAME` for what is asked of one model in addition; may be
    left out beside a file. ``model`` and ``risk_tier``: of what binds at a stage; a model by its own risk tier.
    """

    model_config = ConfigDict(extra="forbid")

    policy: str | None = Field(None, max_length=200)
    version: int | None = Field(None, ge=1, le=2**31 - 1, description="Default: the newest.")
    file: PolicyFile | None = None
    stage: StageName | None = None
    model: str | None = Field(None, max_length=100)
    risk_tier: Literal["low", "medium", "high"] = "medium"


class ComparisonIn(BaseModel):
    """Without a ``before``: for a file what is in force of its name, for a version the one before it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"before": {"policy": "production", "version": 1}, "after": {"policy": "production", "version": 2}},
                {
                    "before": {"policy": "production", "stage": "admit", "risk_tier": "low"},
                    "after": {"policy": "production", "stage": "admit", "model": "credit-default"},
                },
            ]
        },
    )

    before: SideIn = SideIn()
    after: SideIn


class AskedOut(BaseModel):
    name: str
    threshold: Any
    origin: str
    enforced_from: date | None


class PlaceOut(BaseModel):
    stage: str
    risk_tier: str


class ChangeOut(BaseModel):
    """A subject of which another thing is asked. `test.DATA-1` is what that test must do: a pass is more than not
    to fail. ``before`` and ``after``: what is asked, one entry more for each later day. ``changed``: which is
    stricter cannot be told. ``places``: where a policy as it is written differs; empty for what holds everywhere.
    """

    subject: str
    change: Literal["added", "removed", "tightened", "loosened", "changed"]
    before: list[AskedOut]
    after: list[AskedOut]
    places: list[PlaceOut]


class RefusalOut(BaseModel):
    path: str
    message: str
    line: int | None


class ComparisonOut(BaseModel):
    """``refused``: for what ``after`` could not be stored, because it loosens the organisation's floor."""

    before: str
    after: str
    changes: list[ChangeOut]
    refused: list[RefusalOut]
