"""Requests of a rollback drill: rows of the version's own test data, answered by the gateway and never logged."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from app.catalog.datasets import dataset_path
from app.catalog.queries import datasets_of
from app.config import Settings
from app.db import Database
from app.errors import Conflict
from app.evidence.blobs import BlobStore
from app.gateway.schemas import InferIn
from app.gateway.served import Served
from app.gateway.service import Gateway
from app.serving.rows import tensors_of_rows

ROWS = 100


def probe_of(
    gateway: Gateway, db: Database, blobs: BlobStore, settings: Settings, model: str, environment: str
) -> Callable[[], str]:
    """A function that asks for one prediction and says which version answered."""
    requests: dict[int, list[InferIn]] = {}
    turn = count()

    def probe() -> str:
        served = gateway.find(db, model, environment)
        if served.version.id not in requests:
            requests[served.version.id] = _requests(served, *_holdout(db, blobs, settings, served))
        own = requests[served.version.id]
        return gateway.answer(served, own[next(turn) % len(own)], logged=False).model_version

    return probe


def _holdout(db: Database, blobs: BlobStore, settings: Settings, served: Served) -> tuple[Path, str]:
    with db.read() as session:
        dataset = datasets_of(session, served.version.id).get("test")
    if dataset is None:
        raise Conflict(f"{served.model} {served.version.name} has no test data to send requests from")
    return dataset_path(dataset, blobs, settings), dataset.format


def _requests(served: Served, path: Path, form: str) -> list[InferIn]:
    from app.engines.tabular import read_frame

    features = served.manifest.features
    frame = read_frame(path, form, [feature.name for feature in features]).head(ROWS)
    return [InferIn(inputs=tensors_of_rows(features, frame.iloc[[row]])) for row in range(len(frame))]
