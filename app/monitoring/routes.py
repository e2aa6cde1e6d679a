"""Logs and labels from elsewhere, and what is known of the traffic."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from app.catalog.queries import find_version
from app.deps import Blobs, CanPushEvidence, CanRead, Config, Db, ReadSession, WriteSession
from app.http.streams import body_of
from app.monitoring import files, labels, traffic
from app.monitoring.predictions import Destination
from app.monitoring.schemas import LabelHistoryOut, LabelsIn, LabelsOut, Moment, Role, StoredOut, TrafficOut

router = APIRouter(tags=["monitoring"])

ModelName = Annotated[str, Query(max_length=100)]
VersionName = Annotated[str, Query(max_length=100)]
EnvironmentName = Annotated[str, Query(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
FileName = Annotated[
    str, Query(max_length=255, description="Its ending tells the format.", examples=["log.parquet"])
]
ColumnName = Annotated[str | None, Query(max_length=200, description="By default as the manifest calls it.")]

UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/predictions", summary="Store a log of predictions (Parquet, CSV, Arrow, JSON lines)", openapi_extra=UPLOAD
)
def push_predictions(
    request: Request,
    db: Db,
    blobs: Blobs,
    config: Config,
    identity: CanPushEvidence,
    model: ModelName,
    version: VersionName,
    environment: EnvironmentName,
    filename: FileName,
    role: Role = "stable",
    id_column: ColumnName = None,
    time_column: ColumnName = None,
    prediction_column: ColumnName = None,
    probability_column: ColumnName = None,
    latency_column: ColumnName = None,
) -> StoredOut:
    """The file is the body. Idempotent by prediction id: rows that are stored already are left out and counted."""
    named = {
        "id": id_column,
        "time": time_column,
        "prediction": prediction_column,
        "probability": probability_column,
        "latency": latency_column,
    }
    with db.read() as session:
        rows = find_version(session, model, version)
    to = Destination(*rows, environment, role, "push", identity.name)
    upload = files.Upload(body_of(request), filename, {part: name for part, name in named.items() if name})
    stored = files.push_predictions(db, blobs, config, to, upload)
    return StoredOut(**asdict(stored))


@router.post("/labels", summary="Tell what turned out to be true")
def push_labels(given: LabelsIn, session: WriteSession, identity: CanPushEvidence) -> LabelsOut:
    """Late, in bulk, before their predictions, or to correct what was told before."""
    observed = [labels.Observed(one.id, one.label, one.observed_at) for one in given.labels]
    return labels.record(session, identity, given.model, observed)


@router.post("/labels/file", summary="The same as a file (Parquet, CSV, Arrow, JSON lines)", openapi_extra=UPLOAD)
def push_label_file(
    request: Request,
    db: Db,
    config: Config,
    identity: CanPushEvidence,
    model: ModelName,
    filename: FileName,
    id_column: ColumnName = None,
    label_column: ColumnName = None,
    observed_column: ColumnName = None,
) -> LabelsOut:
    """The file is the body. Rows of the answer's errors are counted from 0 as ``labels.N``."""
    named = {"id": id_column, "label": label_column, "observed": observed_column}
    upload = files.Upload(body_of(request), filename, {part: name for part, name in named.items() if name})
    return labels.record_file(db, config, identity, model, upload)


@router.get("/labels/{model}/{prediction_id}", summary="What was told of one prediction, newest revision first")
def label_history(
    model: str, prediction_id: Annotated[str, Path(max_length=200)], session: ReadSession, _: CanRead
) -> LabelHistoryOut:
    return traffic.label_history(session, model, prediction_id)


@router.get("/traffic", summary="What was served, and how much of it has a label")
def show_traffic(
    session: ReadSession,
    _: CanRead,
    model: ModelName,
    environment: EnvironmentName,
    version: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
) -> TrafficOut:
    """By day, version and traffic role; the last 30 days unless told otherwise."""
    return traffic.report(session, model, environment, version, since, until)
