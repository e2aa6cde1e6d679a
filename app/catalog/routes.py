"""Registration, models, versions, data sets, pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlmodel import Session, col, select

from app.catalog import pipelines, queries, service
from app.catalog.pipelines import PipelineForm
from app.catalog.schemas import (
    DatasetOut,
    ModelOut,
    PipelineOut,
    RegistrationIn,
    RegistrationOut,
    VersionDetail,
    VersionOut,
)
from app.deps import Blobs, CanPushEvidence, CanRead, CanRegister, Config, Db, ReadSession, WriteSession
from app.errors import FieldError, Invalid
from app.evidence import blobs as blob_rows
from app.http.problems import problems
from app.http.streams import body_of
from app.paging import Cursor, Page, paginate
from app.tables import Dataset, Model, Pipeline, Version

router = APIRouter(tags=["catalog"])

DigestPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@router.put("/blobs/{digest}", status_code=201, summary="Upload a file under its sha256")
def upload(
    digest: DigestPath, request: Request, db: Db, blobs: Blobs, config: Config, _: CanPushEvidence
) -> dict[str, int]:
    stored = blobs.put(body_of(request), limit=config.max_upload_mb * 1024 * 1024, expect=digest)
    with db.write() as session:
        blob_rows.remember(session, stored)
    return {"size": stored.size}


@router.head(
    "/blobs/{digest}",
    status_code=204,
    summary="Whether a file is there already",
    responses={204: {"description": "It is."}, 404: {"description": "It is not."}},
)
def has_blob(digest: DigestPath, blobs: Blobs, _: CanPushEvidence) -> Response:
    return Response(status_code=204 if blobs.has(digest) else 404)


@router.post("/registrations", status_code=201, summary="Register a version from its manifest")
def register(
    given: RegistrationIn, response: Response, db: Db, blobs: Blobs, config: Config, identity: CanRegister
) -> RegistrationOut:
    """Idempotent: 201 when the version is new, 200 when it was there; 409 names the difference."""
    version, created = service.register(db, blobs, config, identity, given)
    response.status_code = 201 if created else 200
    with db.read() as session:
        model = session.get_one(Model, version.model_id)
        url = f"{config.public_url}/models/{model.name}/versions/{version.name}"
        return RegistrationOut(created=created, version=_version_out(session, model, version), scorecard_url=url)


@router.get("/models", summary="All models, newest first")
def list_models(session: ReadSession, cursor: Cursor, _: CanRead) -> Page[ModelOut]:
    rows, following = paginate(session, select(Model), Model.id, cursor)
    newest = queries.newest_version_names(session, [row.id for row in rows])
    items = [ModelOut(**row.model_dump(), newest_version=newest.get(row.id)) for row in rows]
    return Page(items=items, next_cursor=following)


@router.get("/models/{model}")
def get_model(model: str, session: ReadSession, _: CanRead) -> ModelOut:
    row = queries.find_model(session, model)
    newest = queries.newest_version(session, row.id)
    return ModelOut(**row.model_dump(), newest_version=newest.name if newest else None)


@router.get("/models/{model}/versions", summary="A model's versions, newest first")
def list_versions(model: str, session: ReadSession, cursor: Cursor, _: CanRead) -> Page[VersionOut]:
    row = queries.find_model(session, model)
    rows, following = paginate(session, select(Version).where(Version.model_id == row.id), Version.id, cursor)
    return Page(items=[_version_out(session, row, version) for version in rows], next_cursor=following)


@router.get("/models/{model}/versions/{version}")
def get_version(model: str, version: str, session: ReadSession, _: CanRead) -> VersionDetail:
    row, found = queries.find_version(session, model, version)
    return VersionDetail(**_version_out(session, row, found).model_dump(), manifest=found.manifest)


@router.get("/datasets", summary="All data sets, newest first")
def list_datasets(session: ReadSession, cursor: Cursor, _: CanRead) -> Page[DatasetOut]:
    rows, following = paginate(session, select(Dataset), Dataset.id, cursor)
    return Page(items=[DatasetOut(**row.model_dump()) for row in rows], next_cursor=following)


@router.get("/pipelines", summary="All pipelines, newest first")
def list_pipelines(session: ReadSession, cursor: Cursor, _: CanRead) -> Page[PipelineOut]:
    rows, following = paginate(session, select(Pipeline), col(Pipeline.id), cursor)
    counts = queries.version_counts(session, [row.id for row in rows])
    return Page(items=[_pipeline_out(row, counts) for row in rows], next_cursor=following)


@router.put("/pipelines/{pipeline}", summary="Declare a pipeline", responses=problems(422))
def register_pipeline(
    pipeline: str, given: PipelineForm, session: WriteSession, identity: CanRegister
) -> PipelineOut:
    """The same again changes nothing; another declaration replaces the one before, and the audit log keeps both."""
    if given.name != pipeline:
        message = f"the address says {pipeline!r}, the body {given.name!r}"
        raise Invalid(message, [FieldError("name", message)])
    row, _ = pipelines.register(session, given, identity)
    return _pipeline_out(row, queries.version_counts(session, [row.id]))


@router.get("/pipelines/{pipeline}", summary="A pipeline", responses=problems(404))
def show_pipeline(pipeline: str, session: ReadSession, _: CanRead) -> PipelineOut:
    row = queries.find_pipeline(session, pipeline)
    return _pipeline_out(row, queries.version_counts(session, [row.id]))


def _pipeline_out(row: Pipeline, counts: Mapping[int, int]) -> PipelineOut:
    return PipelineOut(**row.model_dump(), versions=counts.get(row.id, 0))


def _version_out(session: Session, model: Model, version: Version) -> VersionOut:
    pipeline = queries.pipeline_of(session, version)
    datasets = queries.datasets_of(session, version.id)
    return VersionOut(
        **version.model_dump(exclude={"manifest", "files"}),
        model=model.name,
        pipeline=pipeline.name if pipeline else None,
        datasets={role: DatasetOut(**dataset.model_dump()) for role, dataset in datasets.items()},
    )
