"""The events that tools tell of. docs/ledger.md shows each; ``at`` is when it happened, ``id`` the tool's own."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, TypeAdapter, model_validator

from app.catalog.pipelines import ComponentKind, StageRole
from app.evidence.documents import Document, FullCommit, Number, Short, Value, Word, require_once

Digest = Annotated[str, Field(pattern=r"^(?:sha256:)?[0-9a-f]{32,64}$", examples=["sha256:" + "ab" * 32])]
"""Of content; DVC's are md5."""
Environment = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
State = Literal["queued", "running", "succeeded", "failed", "cancelled", "unknown"]
FINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})

Trigger = Literal[
    "manual", "schedule", "new_data", "degradation", "distribution_change", "on_demand", "ci", "unknown"
]
"""What made a pipeline run. ``on_demand``: a program asked for it; ``manual``: a person did."""

MOST_ITEMS = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""What tools tell that do not know the time; nothing that they tell of is older."""

Moment = Annotated[AwareDatetime, Field(ge=EPOCH)]


class Happened(Document):
    id: Word
    at: Moment

    @property
    def latest(self) -> datetime:
        """The latest of all times that it tells; what is told of the future cannot be known."""
        return max(value for value in dict(self).values() if isinstance(value, datetime))


class CommitEvent(Happened):
    """A commit that reached a branch of a repository."""

    kind: Literal["commit"]
    repository: Word
    commit: FullCommit
    branch: Word
    author: Word
    message: Short = ""


class Tests(Document):
    """What a CI run tested: code, data or a model, and how many tests passed and failed."""

    covers: Literal["code", "data", "model", "infrastructure"]
    passed: Annotated[int, Field(ge=0)]
    failed: Annotated[int, Field(ge=0)]


class Package(Document):
    name: Word
    digest: Digest


class CIRunEvent(Happened):
    """A run of a test and build service, in the ``state`` that it had at the time; ``run`` is the service's id."""

    kind: Literal["ci_run"]
    repository: Word
    run: Word
    commit: FullCommit
    branch: Word | None = None
    state: State
    tests: Annotated[list[Tests], Field(max_length=MOST_ITEMS)] = []
    packages: Annotated[list[Package], Field(max_length=MOST_ITEMS)] = []
    started_at: Moment | None = None
    url: Short = ""


class PipelineVersionEvent(Happened):
    """A pipeline as it was delivered to an environment. ``packages``: digests of what it consists of."""

    kind: Literal["pipeline_version"]
    pipeline: Word
    digest: Digest
    environment: Environment
    commit: FullCommit | None = None
    packages: Annotated[list[Digest], Field(max_length=MOST_ITEMS)] = []


class Stage(Document):
    name: Word
    role: StageRole = "other"
    state: State
    outputs: Annotated[list[Short], Field(max_length=MOST_ITEMS)] = []


class PipelineRunEvent(Happened):
    """A run of a pipeline, or an experiment, in the ``state`` that it had at the time.

    ``tool``: whose record this is (mlflow, dvc, kfp). ``orchestrated``: an orchestrator started and recorded it.
    ``pipeline_digest``: the pipeline version that ran.
    ``data_digest``: of the data it was trained on; ``evaluation_digest``: of the data its metrics are of.
    ``version``: the version of ``model`` that came out. ``request``: Assay's request that it answers.
    """

    kind: Literal["pipeline_run"]
    run: Word
    pipeline: Word | None = None
    experiment: Word | None = None
    state: State
    trigger: Trigger = "unknown"
    tool: Word | None = None
    orchestrator: Word | None = None
    orchestrated: bool = False
    environment: Environment | None = None
    pipeline_digest: Digest | None = None
    commit: FullCommit | None = None
    branch: Word | None = None
    data_digest: Digest | None = None
    evaluation_digest: Digest | None = None
    stages: Annotated[list[Stage], Field(max_length=MOST_ITEMS)] = []
    parameters: Annotated[dict[Word, Value], Field(max_length=MOST_ITEMS)] = {}
    features: Annotated[list[Word], Field(max_length=5000)] = []
    metrics: Annotated[dict[Word, Number], Field(max_length=MOST_ITEMS)] = {}
    model: Word | None = None
    version: Word | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    request: Word | None = None
    url: Short = ""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        require_once("stage", (one.name for one in self.stages))
        if self.pipeline is None and self.experiment is None:
            raise ValueError("name the pipeline or the experiment that it is a run of")
        if self.version is not None and self.model is None:
            raise ValueError("name the model that the version is of")
        if self.started_at and self.finished_at and self.finished_at < self.started_at:
            raise ValueError("it finished before it started")
        return self


class RegisteredVersionEvent(Happened):
    """A version in a model registry. ``model``: its name in Assay; ``number``: the registry's own."""

    kind: Literal["registered_version"]
    registry: Word
    model: Word
    name: Word
    number: Word
    run: Word | None = None
    version: Word | None = None
    aliases: list[Word] = []


class ComponentEvent(Happened):
    """What a probe of a component found. ``last_activity_at``: when the component itself last did something."""

    kind: Literal["component"]
    pipeline: Word
    component: ComponentKind
    name: Word
    reachable: bool
    version: Word | None = None
    last_activity_at: Moment | None = None
    detail: Short = ""


WATCHING = frozenset({"MON-2", "MON-3", "MON-4", "MON-5", "MON-6", "MON-7"})
"""Tests whose failure in production is a failure of what serves. MON-1 tests that people are told."""

METRIC_KINDS = ("precision", "recall", "f1", "accuracy", "auc", "roc", "false_positives", "other")
MetricKind = Literal["precision", "recall", "f1", "accuracy", "auc", "roc", "false_positives", "other"]


class ABTestEvent(Happened):
    """An A/B test that ended: how the candidate did beside the baseline by one metric of users' behaviour."""

    kind: Literal["ab_test"]
    model: Word
    environment: Environment
    candidate: Word
    baseline: Word
    metric: Word
    outcome: Literal["better", "no_difference", "worse"]


class IncidentEvent(Happened):
    """An incident that another system knows of, opened or resolved ``at``; ``incident`` is that system's id.

    ``version``: whose predictions caused it, if known. ``metric``: the kind of metric that showed it. ``attack``:
    whether somebody meant it, by what was sent to the model or got into its training data.
    """

    kind: Literal["incident"]
    incident: Word
    model: Word
    environment: Environment
    state: Literal["opened", "resolved"]
    version: Word | None = None
    metric: MetricKind = "other"
    attack: bool | None = None
    detail: Short = ""


Event = Annotated[
    CommitEvent
    | CIRunEvent
    | PipelineVersionEvent
    | PipelineRunEvent
    | RegisteredVersionEvent
    | ComponentEvent
    | ABTestEvent
    | IncidentEvent,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def duplicates(events: list[Event]) -> list[int]:
    """Positions of those whose kind and id came before in the list."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for i, one in enumerate(events):
        seen[one.kind, one.id] += 1
        if seen[one.kind, one.id] > 1:
            found.append(i)
    return found


def body_of(event: Event) -> dict[str, Any]:
    """JSON-ready, without what was left out."""
    found: dict[str, Any] = event.model_dump(mode="json", exclude_defaults=True)
    return found | {"kind": event.kind}
