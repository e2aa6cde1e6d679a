"""Everything that is known of the practice around a model or a pipeline at a time. Readings are functions of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.catalog.pipelines import PipelineForm
from app.ledger.events import (
    ABTestEvent,
    CIRunEvent,
    CommitEvent,
    ComponentEvent,
    IncidentEvent,
    PipelineRunEvent,
    PipelineVersionEvent,
    RegisteredVersionEvent,
)


@dataclass(frozen=True)
class ModelFact:
    name: str
    owner: str
    purpose: str
    users: str
    problem_type: str
    task: str
    risk_tier: str
    business_metric: Mapping[str, Any]
    retraining_days: int | None
    created_at: datetime


@dataclass(frozen=True)
class PipelineFact:
    """``form``: what its owner declared, None where only manifests name it."""

    name: str
    form: PipelineForm | None
    created_at: datetime


@dataclass(frozen=True)
class VersionFact:
    """A version registered in Assay. ``run``: of its pipeline, as its manifest says. ``data``: digests by role."""

    id: int
    model: str
    name: str
    created_at: datetime
    created_by: str
    commit: str | None
    change_reason: str
    artifact_digest: str | None
    pipeline: str | None
    run: str | None
    data: Mapping[str, str]
    manifest: Mapping[str, Any]
    model_class: str | None = None


@dataclass(frozen=True)
class DeploymentFact:
    """As in ``app.tables.Deployment``, with the version's name."""

    id: int
    model: str
    version: str
    version_id: int
    environment: str
    role: str
    kind: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    decision_id: int | None
    actor: str
    artifact_digest: str | None = None


@dataclass(frozen=True)
class DecisionFact:
    id: int
    model: str
    version: str
    environment: str
    stage: str
    status: str
    at: datetime


@dataclass(frozen=True)
class TurnFact:
    """A test's verdict that turned, as people were told. ``before``, ``after``: pass, fail, blind, none."""

    alert_id: int
    model: str
    version: str
    environment: str | None
    test: str
    before: str
    after: str
    at: datetime


@dataclass(frozen=True)
class OutageFact:
    """A time in which an endpoint did not answer as it should, from when people were told until they were told that
    it was over.
    """

    model: str
    environment: str
    endpoint_id: int
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class FindingFact:
    """The newest finding of a test for a version (tests of the system: in an environment)."""

    id: int
    audit_id: int
    test: str
    model: str
    version: str
    environment: str | None
    verdict: str
    automatic: bool
    at: datetime
    reason: str


@dataclass(frozen=True)
class ValidationFact:
    """Somebody who did not make a version looked at it: approved, approved_with_conditions or rejected."""

    model: str
    version: str
    validator: str
    outcome: str
    at: datetime


@dataclass(frozen=True)
class TrafficFact:
    """Newest prediction and label of a model in an environment."""

    model: str
    environment: str
    version: str
    first_at: datetime
    last_at: datetime
    rows: int


@dataclass(frozen=True)
class ScheduleFact:
    """A schedule of monitoring audits. ``outcome``: of the newest slot; ``missed``: slots in the last 30 days."""

    model: str
    environment: str | None
    interval_days: float
    enabled: bool
    last_slot: datetime | None
    outcome: str | None
    missed: int
    since: datetime


@dataclass(frozen=True)
class ListenerFact:
    """Somebody who is told when a scheduled audit of the model did not run."""

    model: str
    name: str
    since: datetime


@dataclass(frozen=True)
class EndpointFact:
    """``availability`` (0 to 1) and ``p95`` (s) are of 30 days, None where nothing is known of them."""

    model: str
    environment: str
    name: str
    state: str
    probed_at: datetime | None
    availability: float | None
    p95: float | None


@dataclass(frozen=True)
class MeasurementFact:
    """The newest value of a quantity that another tool measured, and the handed-in evidence that holds it."""

    model: str
    name: str
    value: float
    unit: str
    at: datetime
    tool: str
    query: str
    evidence_id: int


@dataclass(frozen=True)
class WatcherFact:
    """Somebody read ``what`` (metrics, audit_log) for the last time ``at``."""

    what: str
    actor: str
    at: datetime


@dataclass(frozen=True)
class TrainingFact:
    """A pipeline was asked for a new version. ``request``: the id that its run names; ``alert_id``: what raised it.

    ``run``, ``version``, ``audit_id``, ``decision`` (pass, fail, unknown): what came of it, as far as it went.
    ``outcome``: succeeded, failed, timed_out, superseded or dry_run; None while it is open.
    """

    request: str
    model: str
    pipeline: str
    environment: str
    cause: str
    because: tuple[str, ...]
    alert_id: int | None
    at: datetime
    sent_at: datetime | None
    run: str | None
    version: str | None
    audit_id: int | None
    decision_id: int | None
    decision: str | None
    outcome: str | None
    ended_at: datetime | None


@dataclass(frozen=True)
class History:
    """``as_of``: nothing that happened later is in it. Everything oldest first; runs are folded into one each.

    ``subject``: the version that is asked about; None: what serves.
    """

    as_of: datetime
    subject: str | None = None
    models: tuple[ModelFact, ...] = ()
    pipelines: tuple[PipelineFact, ...] = ()
    commits: tuple[CommitEvent, ...] = ()
    ci_runs: tuple[CIRunEvent, ...] = ()
    pipeline_versions: tuple[PipelineVersionEvent, ...] = ()
    runs: tuple[PipelineRunEvent, ...] = ()
    registered_versions: tuple[RegisteredVersionEvent, ...] = ()
    components: tuple[ComponentEvent, ...] = ()
    ab_tests: tuple[ABTestEvent, ...] = ()
    incidents: tuple[IncidentEvent, ...] = ()
    versions: tuple[VersionFact, ...] = ()
    deployments: tuple[DeploymentFact, ...] = ()
    decisions: tuple[DecisionFact, ...] = ()
    turns: tuple[TurnFact, ...] = ()
    watched: tuple[str, ...] = ()
    """Models whose predictions in production something watched: a monitoring test with a verdict, or a probe."""
    outages: tuple[OutageFact, ...] = ()
    findings: tuple[FindingFact, ...] = ()
    validations: tuple[ValidationFact, ...] = ()
    traffic: tuple[TrafficFact, ...] = ()
    schedules: tuple[ScheduleFact, ...] = ()
    listeners: tuple[ListenerFact, ...] = ()
    endpoints: tuple[EndpointFact, ...] = ()
    measurements: tuple[MeasurementFact, ...] = ()
    watchers: tuple[WatcherFact, ...] = ()
    training: tuple[TrainingFact, ...] = ()
    sources: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Who told of an event, by (kind, id)."""
