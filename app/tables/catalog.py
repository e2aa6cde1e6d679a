"""Models, versions, data sets, pipelines, and the blobs that they consist of."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from app.tables.columns import json_column, moment


class Model(SQLModel, table=True):
    """A named thing with an owner, a task and a risk tier. Describes the newest registered manifest.

    ``team_id`` None: the organisation's, open to whoever is bound to no team.
    """

    id: int = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    owner: str
    purpose: str
    users: str
    problem_type: str
    task: str
    risk_tier: str
    business_metric: dict[str, Any] = json_column()
    retraining_days: int | None = None
    team_id: int | None = Field(default=None, foreign_key="team.id", index=True)
    created_at: datetime = moment()
    created_by: str


class Pipeline(SQLModel, table=True):
    """Produces versions by its runs. ``declaration``: what its owner registered it with; None while a version's
    manifest is all that names it.
    """

    id: int = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    owner: str | None = None
    repository: str | None = Field(default=None, index=True)
    declaration: dict[str, Any] | None = json_column(nullable=True)
    team_id: int | None = Field(default=None, foreign_key="team.id", index=True)
    created_at: datetime = moment()
    created_by: str | None = None


class Blob(SQLModel, table=True):
    """Content that the store holds under its sha256.

    ``doomed``: to be deleted, because rows of people were in it; ``removed_at``: it was. The digest stays known.
    """

    digest: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    created_at: datetime = moment()
    doomed: bool = Field(default=False, index=True, sa_column_kwargs={"server_default": false()})
    removed_at: datetime | None = moment(nullable=True)


class Dataset(SQLModel, table=True):
    """A table of rows: a blob (``location`` empty) or a file under a configured root, "root/relative/path"."""

    __table_args__ = (UniqueConstraint("digest", "location"),)

    id: int = Field(default=None, primary_key=True)
    digest: str
    location: str = ""
    format: str
    rows: int
    columns: dict[str, str] = json_column()
    created_at: datetime = moment()


class Version(SQLModel, table=True):
    """One immutable version of a model: its manifest and the digests of all files that it names."""

    __table_args__ = (UniqueConstraint("model_id", "name"),)

    id: int = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="model.id", index=True)
    name: str
    manifest: dict[str, Any] = json_column()
    files: dict[str, str] = json_column()
    content_digest: str
    artifact_digest: str | None = None
    artifact_format: str | None = None
    model_class: str | None = None
    commit: str | None = None
    change_reason: str
    pipeline_id: int | None = Field(default=None, foreign_key="pipeline.id")
    created_at: datetime = moment()
    created_by: str


class VersionDataset(SQLModel, table=True):
    """``role`` is train, test or reference."""

    __tablename__: ClassVar[str] = "version_dataset"

    version_id: int = Field(foreign_key="version.id", primary_key=True)
    role: str = Field(primary_key=True)
    dataset_id: int = Field(foreign_key="dataset.id")
