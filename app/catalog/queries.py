"""All SQL of the catalog."""

from __future__ import annotations

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select

from app.access.view import AS_READER, OF_ALL
from app.errors import NotFound, nearest
from app.tables import Dataset, Model, Pipeline, Version, VersionDataset

_VERSION = (
    select(Model, Version)
    .join(Version, col(Version.model_id) == Model.id)
    .where(Model.name == bindparam("model"), Version.name == bindparam("version"))
)
"""Written once: putting it together takes longer than running it."""


def find_model(session: Session, name: str) -> Model:
    """Raises NotFound, naming the nearest registered model."""
    model = session.exec(select(Model).where(Model.name == name)).first()
    if model is None:
        known = session.exec(select(Model.name)).all()
        raise NotFound(f"no model is registered as {name!r}{nearest(name, known)}")
    return model


def find_version(session: Session, model_name: str, version_name: str) -> tuple[Model, Version]:
    """Raises NotFound, naming the nearest version."""
    found = session.exec(_VERSION, params={"model": model_name, "version": version_name}).first()
    if found is None:
        model = find_model(session, model_name)
        known = session.exec(select(Version.name).where(Version.model_id == model.id)).all()
        raise NotFound(f"{model_name} has no version {version_name!r}{nearest(version_name, known)}")
    return found


def model_named(session: Session, name: str) -> Model | None:
    return session.exec(select(Model).where(Model.name == name)).first()


def version_named(session: Session, model: Model, name: str) -> Version | None:
    return session.exec(select(Version).where(Version.model_id == model.id, Version.name == name)).first()


def newest_version(session: Session, model_id: int) -> Version | None:
    query = select(Version).where(Version.model_id == model_id).order_by(col(Version.id).desc()).limit(1)
    return session.exec(query).first()


def newest_version_names(session: Session, model_ids: list[int]) -> dict[int, str]:
    """The newest version's name by model id."""
    newest = (
        select(func.max(Version.id)).where(col(Version.model_id).in_(model_ids)).group_by(col(Version.model_id))
    )
    rows = session.exec(select(Version.model_id, Version.name).where(col(Version.id).in_(newest)))
    return dict(rows.all())


def datasets_of(session: Session, version_id: int) -> dict[str, Dataset]:
    """The version's data sets by role."""
    query = (
        select(VersionDataset.role, Dataset)
        .join(Dataset, col(VersionDataset.dataset_id) == Dataset.id)
        .where(VersionDataset.version_id == version_id)
    )
    return dict(session.exec(query).all())


def dataset_with(session: Session, digest: str, location: str) -> Dataset | None:
    """Whosever it is: the same content is the same data set."""
    query = select(Dataset).where(Dataset.digest == digest, Dataset.location == location)
    return session.exec(query, execution_options=OF_ALL).first()


def is_taken(session: Session, table: type[Model | Pipeline], name: str) -> bool:
    """Whether anybody has something of that name."""
    return session.exec(select(table.id).where(table.name == name), execution_options=OF_ALL).first() is not None


def pipeline_named(session: Session, name: str) -> Pipeline | None:
    return session.exec(select(Pipeline).where(Pipeline.name == name)).first()


def readable_pipeline(session: Session, name: str) -> Pipeline | None:
    """One that a version may name as its maker."""
    return session.exec(select(Pipeline).where(Pipeline.name == name), execution_options=AS_READER).first()


def find_pipeline(session: Session, name: str) -> Pipeline:
    """Raises NotFound, naming the nearest."""
    row = pipeline_named(session, name)
    if row is None:
        known = session.exec(select(Pipeline.name)).all()
        raise NotFound(f"no pipeline is registered as {name!r}{nearest(name, known)}")
    return row


def pipeline_of(session: Session, version: Version) -> Pipeline | None:
    return session.get(Pipeline, version.pipeline_id) if version.pipeline_id else None


def version_counts(session: Session, pipeline_ids: list[int]) -> dict[int, int]:
    """How many versions each pipeline produced."""
    query = (
        select(Version.pipeline_id, func.count())
        .where(col(Version.pipeline_id).in_(pipeline_ids))
        .group_by(col(Version.pipeline_id))
    )
    return {pipeline: count for pipeline, count in session.exec(query) if pipeline is not None}
