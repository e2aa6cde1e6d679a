"""Handed-in tables, looked into before a transaction begins: that takes a process of its own, and seconds."""

from __future__ import annotations

from app.catalog.inspection import inspect_dataset
from app.catalog.manifest import Manifest
from app.config import Settings
from app.errors import Invalid
from app.evidence import recomputed
from app.evidence.blobs import BlobStore
from app.evidence.service import HandedInFile, require_size

ACCEPTED = ("parquet", "csv")


def inspect_evidence(given: HandedInFile, manifest: Manifest, blobs: BlobStore, settings: Settings) -> None:
    """Whether the file is the table that its kind says; nothing is asked of other kinds here.

    Raises:
        Invalid: too large, not Parquet or CSV, without ids, or without any feature of the manifest.
        NotFound: nothing was uploaded under that digest.
    """
    if given.kind != recomputed.KIND:
        return
    path = blobs.path(given.digest)
    require_size(given, path)
    facts = inspect_dataset(path, given.filename, settings)
    if facts.format not in ACCEPTED:
        raise Invalid(f"{given.filename}: recomputed features come as Parquet or CSV, not as {facts.format}")
    recomputed.id_column(facts.columns, manifest.columns.id)
    features = [one.name for one in manifest.features]
    if not any(name in facts.columns for name in features):
        raise Invalid(f"{given.filename}: holds none of the model's features ({', '.join(features[:5])} ...)")
