"""What travels between a worker and the process of an attempt: ``Attempt`` one way, findings the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from checks.contract import Verdict


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(Message):
    """A file to read. ``path`` is None when it cannot be had; ``problem`` says why."""

    path: str | None
    format: str
    digest: str
    problem: str = ""


class DataFile(File):
    """A data set. ``location`` is set where it lies in place and may have changed since it was registered."""

    location: str = ""


class Subject(Message):
    """A version: the manifest without evidence, the final estimator's class, the artifact if there is one."""

    manifest: dict[str, Any]
    model_class: str | None = None
    artifact: File | None = None


class EarlierSubject(Subject):
    """``incumbent``: the version that this one would replace. ``rescored``: one of the newest earlier ones."""

    name: str
    incumbent: bool = False
    rescored: bool = True


class OlderSubject(Subject):
    """An earlier version of the same recipe, with the data that tells until when it was trained."""

    name: str
    train: DataFile | None = None


class Staleness(Message):
    """The age that MODEL-4's newest conclusive finding allows; ``lost``: quality is, at that age."""

    days: float
    lost: bool
    finding_id: int


class HandedInFile(File):
    """A file from outside; its kind is its ``format``. ``cap`` says why it earns half a point at most."""

    cap: str | None = None


class Traffic(Message):
    """What the version answered in an environment from ``start`` (inclusive) to ``end`` (exclusive).

    ``batches`` are Parquet files with the columns of ``checks.serving`` and the features; rows of other times are
    to be left out. ``labels`` is a Parquet file with an id and a label a row, None while no label is known.
    """

    environment: str
    start: datetime
    end: datetime
    batches: list[File] = []
    labels: File | None = None


class ServedSubject(Subject):
    """A version of the model that was served, with its test data and its newest labelled traffic."""

    name: str
    test: DataFile | None = None
    traffic: Traffic


class DependencyTold(Message):
    """A dependency that changed, and the first receipt that somebody was told."""

    name: str
    kind: str
    seen_at: datetime
    planted: bool
    told_at: datetime | None = None
    receipt: str | None = None


class DependencyFacts(Message):
    """``watched``: kind by name. ``changes`` of the last 90 days, newest first."""

    watched: dict[str, str]
    changes: list[DependencyTold]


class DrillFact(Message):
    """As ``checks.operation.Drill``."""

    started_at: datetime
    environment: str
    there: str
    back: str
    there_seconds: float | None
    back_seconds: float | None
    requests: int
    failed_requests: int
    error: str | None
    automatic: bool


class Operated(Message):
    """A version in operation: its logs as ``Traffic.batches``, and the training runs that were handed in."""

    version: str
    batches: list[File] = []
    training_runs: list[HandedInFile] = []


class Operation(Message):
    """The model in an environment. ``all_batches``: logs of the last fourteen days, whatever version."""

    window_start: datetime
    window_end: datetime
    drills: list[DrillFact] = []
    current: Operated
    previous: Operated | None = None
    all_batches: list[File] = []


class Span(Message):
    """From ``start`` (inclusive) to ``end`` (exclusive), UTC."""

    start: datetime
    end: datetime


class RoleFacts(Message):
    """What the gateway recorded of a traffic role: requests, those without an answer, and the logs."""

    requests: int
    errors: int
    batches: list[File] = []


class CanaryFacts(Message):
    """The version's times as canary, oldest first; ``stable`` is None where nothing was stable beside it."""

    environment: str
    spans: list[Span]
    canary: RoleFacts
    stable: RoleFacts | None = None


class FeatureServed(Message):
    """A feature, and with which version and when it first served; neither while it has not."""

    feature: str
    version: str | None = None
    at: datetime | None = None


class FeaturesServed(Message):
    """``added``: the subject's features but those of the ``first_version`` that served there (None: none has)."""

    environment: str
    first_version: str | None
    added: list[FeatureServed]


class Accepted(Message):
    """An acceptance that held when the audit was queued."""

    id: int
    test_id: str
    subject: str
    expires_at: datetime


class Training(Message):
    """By which command the administrator lets versions of the pipeline be trained; see ``TrainTwice``."""

    pipeline: str
    command: list[str]
    read: list[str]
    seconds: float


class ForgottenFacts(Message):
    """Digests (HMAC-SHA-256 under ``key``, hex) of people and predictions that were deleted of the model's log."""

    key: str
    digests: list[str]


class Attempt(Message):
    """Everything that one attempt at an audit needs; nothing else reaches its process.

    ``moment`` is the time as which the audit looks at the world. ``traffic`` is None without an environment.
    ``engines`` is the folder of engines that have environments of their own. ``serving``: the settings that limit a
    served model's process.
    """

    checks: list[str]
    subject: Subject
    moment: datetime = Field(default_factory=lambda: datetime.now(UTC))
    traffic: Traffic | None = None
    dependencies: DependencyFacts | None = None
    operation: Operation | None = None
    canary: CanaryFacts | None = None
    serving: dict[str, Any] = {}
    features: FeaturesServed | None = None
    datasets: dict[str, DataFile] = {}
    handed_in: dict[str, list[HandedInFile]] = {}
    earlier: list[EarlierSubject] = []
    same_recipe: list[OlderSubject] = []
    served_versions: list[ServedSubject] = []
    staleness: Staleness | None = None
    training: Training | None = None
    organisation: dict[str, Any] | None = None
    organisation_digest: str | None = None
    acceptances: list[Accepted] = []
    forgotten: ForgottenFacts | None = None
    thresholds: dict[str, dict[str, Any]] = {}
    engines: str | None = None


class ExhibitFile(Message):
    """An exhibit that the attempt wrote into its folder under the bare file name ``file``."""

    name: str
    media_type: str
    file: str


class Found(Message):
    """One check's finding, before it is stored."""

    check: str
    verdict: Verdict
    reason: str
    remedy: str = ""
    measured: dict[str, Any] = {}
    thresholds: dict[str, Any] = {}
    exhibits: list[ExhibitFile] = []
    inputs: dict[str, str] = {}
    cap: str | None = None
    seconds: float = 0.0


class Event(Message):
    """A line of the protocol: a check was started, or finished with ``found``."""

    started: str | None = None
    found: Found | None = None
