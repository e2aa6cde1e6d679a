"""What the scorecard routes take and give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from checks.contract import Scope, Section, Verdict

SCHEMA_VERSION = 1
FIRST_YEAR, LAST_YEAR = 2000, 2199


def _sensible(moment: datetime) -> datetime:
    """A time without a zone is UTC."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unless_blank(value: object) -> object:
    """A form sends a field that was left empty as ""."""
    return value or None


AsOf = Annotated[
    Annotated[datetime, AfterValidator(_sensible)] | None,
    BeforeValidator(_unless_blank),
    Query(description="The scorecard as it stood then; without a zone: UTC. By default now."),
]
EnvironmentQuery = Annotated[
    Annotated[str, StringConstraints(max_length=100)] | None,
    BeforeValidator(_unless_blank),
    Query(description="Count system tests in this environment only."),
]
VersionQuery = Annotated[str | None, Query(max_length=100, description="By default the newest version.")]


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class BandOut(_Out):
    """The paper's reading of the score."""

    name: str
    sentence: str


class ExhibitOut(BaseModel):
    """A table, plot or report that a check made, served at ``url``."""

    name: str
    media_type: str
    digest: str
    url: str


class EvidenceOut(_Out):
    """A run (``id`` is the finding's) or an attestation (``id`` is its own). See ``/findings/{id}``."""

    source: str
    id: int
    verdict: Verdict
    at: datetime
    age_days: float
    reason: str
    remedy: str
    environment: str | None
    carried_from: str | None
    audit_id: int | None
    cap: str | None
    person: str | None
    agreed_by: str | None
    link: str | None
    digest: str | None
    expires_at: datetime | None
    exhibits: list[ExhibitOut] = []


class TestOut(_Out):
    """``score`` says how the test is practised; ``verdict``, apart from that, what it found."""

    __test__ = False  # not a test of ours, whatever pytest thinks of the name

    id: str
    title: str
    section: Section
    scope: Scope
    window_days: float
    automated: bool
    score: float
    verdict: Verdict
    source: str
    verdict_source: str
    reason: str
    remedy: str
    why: str
    at: datetime | None
    age_days: float | None
    open_failure: bool
    fresh: bool
    runs: int
    newest: EvidenceOut | None
    counted: EvidenceOut | None


class SectionOut(_Out):
    section: Section
    score: float
    open_failures: int


class RaiseOut(_Out):
    """``effort``: run (free), evidence (hand something in), attest (write it down)."""

    test_id: str
    title: str
    section: Section
    effort: str
    action: str
    gain: float
    score_gain: float


class HoldoutOut(BaseModel):
    """How often INFRA-4 has measured versions of the model on this version's test data, and how many versions. The
    more were chosen by it, the less its numbers tell of new data.
    """

    digest: str
    versions: int
    evaluations: int


class ScorecardOut(_Out):
    """The ML Test Score of a version: the lowest of its four section scores."""

    schema_version: int = SCHEMA_VERSION
    model: str
    version: str
    environment: str | None
    as_of: datetime
    rubric_version: str
    score: float
    band: BandOut
    explanation: str
    open_failures: int
    newest_at: datetime | None
    limiting: list[Section]
    sections: list[SectionOut]
    tests: list[TestOut]
    raises: list[RaiseOut]
    holdout: HoldoutOut | None = None


class DecisionBrief(BaseModel):
    """The newest answer of the gate for an environment, on whichever version."""

    id: int
    environment: str
    stage: str
    status: str
    version: str
    at: datetime


class FleetRow(BaseModel):
    """A model with the scorecard of its newest version; those are null while it has none."""

    model: str
    owner: str
    task: str
    risk_tier: str
    version: str | None = None
    score: float | None = None
    band: BandOut | None = None
    section_scores: dict[str, float] = {}
    limiting: list[Section] = []
    open_failures: int = 0
    newest_at: datetime | None = None
    age_days: float | None = None
    decisions: list[DecisionBrief] = []


class ShieldsBadge(BaseModel):
    """The endpoint format of shields.io, version 1."""

    schemaVersion: int = 1  # noqa: N815 - the format's own name
    label: str
    message: str
    color: str
    isError: bool = False  # noqa: N815
    cacheSeconds: int = 300  # noqa: N815
