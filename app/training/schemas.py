"""What the routes of training take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from app.catalog.manifest import Name
from app.evidence.documents import Document, Scalar, Short, Word

Cause = Literal["degradation", "distribution_change", "new_data", "schedule", "on_demand"]
Kind = Literal["webhook", "kfp", "github"]
Status = Literal[
    "pending",
    "sent",
    "running",
    "answered",
    "succeeded",
    "failed",
    "timed_out",
    "superseded",
    "dry_run",
]
Environment = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Path = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=200)]
MOST = 200


class WebhookTarget(Document):
    """A receiver of our own making: a POST signed after Standard Webhooks."""

    kind: Literal["webhook"]
    url: Url


class KubeflowTarget(Document):
    """A run of a Kubeflow pipeline, made through the v2beta1 REST API at ``url``.

    ``request_parameter``: the pipeline's parameter that is given the request's id; the run's name has it anyway.
    """

    kind: Literal["kfp"]
    url: Url
    pipeline_id: Word
    pipeline_version_id: Word | None = None
    experiment_id: Word | None = None
    parameters: Annotated[dict[Word, Scalar], Field(max_length=MOST)] = {}
    request_parameter: Word | None = None
    service_account: Word | None = None


class GitHubTarget(Document):
    """A workflow of GitHub Actions: ``workflow`` (a file's name or an id) by workflow_dispatch with the inputs
    assay_request, assay_cause, assay_model and assay_environment; without one by repository_dispatch.
    """

    kind: Literal["github"]
    url: Url = "https://api.github.com"
    repository: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", max_length=200)]
    workflow: Path | None = None
    ref: Word = "main"
    event_type: Word = "assay-training"


Target = Annotated[WebhookTarget | KubeflowTarget | GitHubTarget, Field(discriminator="kind")]


class TrainerForm(BaseModel):
    """``models`` and ``environments`` empty: all that the pipeline makes, wherever they are watched."""

    target: Target
    models: Annotated[list[Name], Field(max_length=MOST)] = []
    environments: Annotated[list[Environment], Field(max_length=MOST)] = []
    causes: list[Cause] = ["degradation", "distribution_change", "new_data", "on_demand"]
    schedule: str | None = Field(None, max_length=100, description="Cron expression; asks at these times, too.")
    cool_down_hours: float = Field(
        24, ge=0, le=24 * 366, description="From one request that was sent to the next of the same model."
    )
    most_open: int = Field(1, ge=1, le=100, description="Requests of a model that may be unanswered at once.")
    deadline_hours: float = Field(24, gt=0, le=24 * 366, description="Within which the new version is expected.")
    dry_run: bool = Field(False, description="Note what would be asked for, and send nothing.")


class TrainerIn(TrainerForm):
    """How a pipeline is asked to train anew, and when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "target": {"kind": "webhook", "url": "https://train.example.com/hooks/assay"},
                    "models": ["credit-default"],
                    "environments": ["production"],
                    "causes": ["degradation", "new_data"],
                    "cool_down_hours": 24,
                }
            ]
        },
    )

    token: SecretStr | None = Field(
        None, max_length=4000, description="Of the Kubeflow or GitHub API; never shown. Left out: as before."
    )


class TrainerOut(TrainerForm):
    """``signed_by``: what proves to the receiver that it is asked by Assay."""

    pipeline: str
    signed_by: Literal["signature", "token", "nothing"]
    created_by: str
    created_at: datetime


class NewTrainerOut(TrainerOut):
    secret: str | None = Field(
        description="Verifies a webhook's signatures (Standard Webhooks). Shown when it is made, and never again."
    )


class TrainingRequestIn(BaseModel):
    """Ask for a new version. ``model`` and ``environment`` may be left out where the trainer names only one.

    ``data_digest``: of the new data; the same data asks once.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"cause": "new_data", "data_digest": "sha256:" + "5e" * 32}]},
    )

    cause: Literal["new_data", "on_demand"]
    model: Name | None = None
    environment: Environment | None = None
    reason: Short = ""
    data_digest: Word | None = None


class TrainingRequestOut(BaseModel):
    """A pipeline was asked for a new version. ``id`` is what it is told; its run names it as ``request``.

    ``because``: why, as sentences; ``detail``: the same as data. ``due_at``: when it is sent or, once it was, until
    when its version is expected. ``answer``: what the receiver answered. ``decision_status``: the gate's answer.
    """

    id: str
    pipeline: str
    model: str
    environment: str
    cause: Cause
    because: list[str]
    detail: dict[str, Any]
    alert_id: int | None
    status: Status
    reason: str | None
    covered_by: str | None
    attempts: int
    answer: dict[str, Any] | None
    run: str | None
    version: str | None
    audit_id: int | None
    decision_id: int | None
    decision_status: str | None
    actor: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
