"""What the catalog's routes take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.evidence.kinds import EvidenceKind

Digest = Field(
    pattern=r"^[0-9a-f]{64}$", examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
)


class EvidenceIn(BaseModel):
    """A file that was uploaded as a blob and says something about a version."""

    model_config = ConfigDict(extra="forbid")

    kind: EvidenceKind
    digest: str = Digest
    filename: str = Field(max_length=255, examples=["junit.xml"])
    commit: str | None = Field(None, pattern=r"^[0-9a-f]{7,64}$")


class UploadedFile(BaseModel):
    """A blob and the name of the file it came from, which tells the format."""

    model_config = ConfigDict(extra="forbid")

    digest: str = Digest
    filename: str = Field(max_length=255, examples=["train.parquet"])


class RegistrationIn(BaseModel):
    """``manifest`` is assay.yaml as JSON; ``files`` has an entry for each file it names by path."""

    model_config = ConfigDict(extra="forbid")

    manifest: dict[str, Any]
    files: dict[str, UploadedFile] = Field({}, description="By part: artifact, train, test, reference.")
    evidence: list[EvidenceIn] = []


class DatasetOut(BaseModel):
    id: int
    digest: str
    location: str
    format: str
    rows: int
    columns: dict[str, str]
    created_at: datetime


class ModelOut(BaseModel):
    name: str
    owner: str
    purpose: str
    users: str
    problem_type: str
    task: str
    risk_tier: str
    business_metric: dict[str, Any]
    retraining_days: int | None
    newest_version: str | None = None
    created_at: datetime


class VersionOut(BaseModel):
    model: str
    name: str
    artifact_digest: str | None
    artifact_format: str | None
    model_class: str | None
    commit: str | None
    change_reason: str
    pipeline: str | None
    datasets: dict[str, DatasetOut]
    content_digest: str
    created_at: datetime
    created_by: str


class VersionDetail(VersionOut):
    manifest: dict[str, Any]


class RegistrationOut(BaseModel):
    """``created`` is false when the same content had been registered before."""

    created: bool
    version: VersionOut
    scorecard_url: str


class PipelineOut(BaseModel):
    """``versions``: how many it produced. ``declaration`` is null while only manifests name it."""

    name: str
    owner: str | None
    repository: str | None
    declaration: dict[str, Any] | None
    versions: int
    created_at: datetime
