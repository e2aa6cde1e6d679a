"""``assay.yaml``: all that registers one version of a model. ``docs/manifest.md`` explains every key."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from app import validation
from app.catalog import yamlfile
from app.errors import FieldError, nearest
from app.evidence.kinds import EvidenceKind
from checks.evidence import Task
from checks.methods.metrics import METRICS_OF

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
VersionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=100)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{7,64}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]

ChangeReason = Literal[
    "initial",
    "new_data",
    "new_approach",
    "degraded_accuracy",
    "new_feature",
    "attack",
    "rollback",
    "compliance",
    "data_location",
    "self_learning",
]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BusinessMetric(Part):
    """What the model is for, in the business's own measure."""

    name: Text
    target: Text | None = None


class ModelPart(Part):
    name: Name = Field(examples=["credit-default"])
    owner: Text
    purpose: Text
    users: Text
    problem_type: Literal["productivity", "interactivity"]
    task: Task
    risk_tier: Literal["low", "medium", "high"]
    business_metric: BusinessMetric
    retraining_days: Annotated[int, Field(gt=0, le=3650)] | None = None
    audit_cron: Annotated[str, StringConstraints(max_length=100)] | None = None


class PipelinePart(Part):
    """``run``: the one that made the version, as the orchestrator names it. ``stages``: names, in their order.
    ``cadence_days``: how often it runs.
    """

    name: Name
    run: Text | None = None
    stages: list[Text] = []
    cadence_days: Annotated[float, Field(gt=0, le=3650)] | None = None


class VersionPart(Part):
    name: VersionName = Field(examples=["1.0.0"])
    commit: Commit | None = None
    change_reason: ChangeReason
    artifact: Text | None = None
    predictions_only: bool = False
    tunables: dict[str, Any] = {}
    pipeline: PipelinePart | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.artifact is None) != self.predictions_only:
            raise ValueError("give either artifact: FILE or predictions_only: true")
        return self


class DataSource(Part):
    """``path``: a local file, uploaded. ``ref``: "root/relative/path" under a root that the service configures."""

    path: Text | None = None
    ref: Text | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.ref is None):
            raise ValueError("give either path (uploaded) or ref (in place on the server)")
        return self


class DataPart(Part):
    train: DataSource
    test: DataSource
    reference: DataSource | None = None


class Columns(Part):
    label: Column
    positive: Any = None
    prediction: Column | None = None
    probability: Column | None = None
    id: Column | None = None
    time: Column | None = None
    person: Column | None = None
    personal: list[Column] = []


class CodePart(Part):
    """Where the version's code lives. ``feature_paths``: files and folders that make features, from the root."""

    protected_branch: Text = "main"
    feature_paths: list[Text] = []


class Quality(Part):
    metric: str
    floor: Number | None = None


class FeaturePart(Part):
    name: Column
    type: Literal["number", "integer", "category", "boolean", "text", "datetime"]
    min: Number | None = None
    max: Number | None = None
    categories: list[str | int | float | bool] | None = None
    nullable: bool | None = None
    source: Text | None = None
    upstream: list[Text] = []
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        if self.type not in {"number", "integer"} and (self.min is not None or self.max is not None):
            raise ValueError(f"min and max make no sense for the type {self.type}")
        return self


class SlicePart(Part):
    name: Text
    where: dict[Column, Any] = Field(min_length=1)


class EvidenceFile(Part):
    kind: EvidenceKind
    path: Text


class Manifest(Part):
    """The whole file. Unknown keys are errors, so that a misspelt one is never silently nothing."""

    assay: Literal[1]
    model: ModelPart
    version: VersionPart
    data: DataPart
    columns: Columns
    quality: Quality
    features: list[FeaturePart] = Field(min_length=1, max_length=5000)
    code: CodePart = CodePart()
    sensitive: list[Column] = []
    slices: list[SlicePart] = []
    banned: list[Text] = []
    evidence: list[EvidenceFile] = []

    @property
    def sources(self) -> dict[str, DataSource]:
        """The data sets by role."""
        roles = {"train": self.data.train, "test": self.data.test, "reference": self.data.reference}
        return {role: source for role, source in roles.items() if source is not None}

    @property
    def uploads(self) -> dict[str, str]:
        """The local files that make up the version: part -> path as written."""
        files = {role: source.path for role, source in self.sources.items() if source.path is not None}
        return {"artifact": self.version.artifact, **files} if self.version.artifact else files

    @property
    def content(self) -> dict[str, Any]:
        """What identifies the version; evidence may be handed in again and again."""
        return self.model_dump(mode="json", exclude={"evidence"})


def parse(text: str, filename: str = "assay.yaml", overrides: dict[str, Any] | None = None) -> Manifest:
    """Read a manifest. ``overrides`` replace keys of ``version`` (name, commit, change_reason).

    Raises:
        Invalid: with file, line, path and the nearest valid key of everything that is wrong.
    """
    data, lines = yamlfile.load(text, filename)
    if overrides and isinstance(data.get("version", {}), dict):
        data["version"] = {**data.get("version", {}), **overrides}
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        raise yamlfile.refuse(filename, validation.explain(error, Manifest, lines)) from None
    contradictions = find_contradictions(manifest)
    if contradictions:
        located = [FieldError(e.path, e.message, validation.line_of(e.path, lines)) for e in contradictions]
        raise yamlfile.refuse(filename, located)
    return manifest


def find_contradictions(manifest: Manifest) -> list[FieldError]:
    """What is valid key by key and yet cannot be."""
    found: list[FieldError] = []
    task, columns = manifest.model.task, manifest.columns
    metrics = METRICS_OF[task]
    if manifest.quality.metric not in metrics:
        hint = nearest(manifest.quality.metric, metrics)
        found.append(FieldError("quality.metric", f"for a {task} task one of {', '.join(metrics)}{hint}"))
    if task is Task.BINARY and columns.positive is None:
        found.append(
            FieldError("columns.positive", "is required for a binary task: the label of the positive class")
        )
    if manifest.version.predictions_only and columns.prediction is None:
        found.append(
            FieldError("columns.prediction", "is required for predictions_only: the column of predictions")
        )
    names = [feature.name for feature in manifest.features]
    for i, name in enumerate(names):
        if name in names[:i]:
            found.append(FieldError(f"features.{i}.name", f"{name!r} is declared twice"))
        elif name in {columns.label, columns.prediction, columns.probability}:
            found.append(FieldError(f"features.{i}.name", f"{name!r} is the label or a prediction, not a feature"))
    for i, part in enumerate(manifest.slices):
        if part.name in [other.name for other in manifest.slices[:i]]:
            found.append(FieldError(f"slices.{i}.name", f"{part.name!r} is declared twice"))
    return found
