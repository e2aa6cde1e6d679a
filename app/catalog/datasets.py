"""Where a data set lies: copied into the store, or in place under a root that an administrator configured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.catalog.inspection import inspect_dataset
from app.catalog.manifest import DataSource, Manifest
from app.catalog.schemas import UploadedFile
from app.catalog.yamlfile import refuse
from app.config import Settings
from app.errors import FieldError, Invalid, NotFound, nearest
from app.evidence.blobs import BlobStore
from app.tables import Dataset


@dataclass(frozen=True)
class Source:
    """A data set's file. ``location`` is empty for a blob, else "root/relative/path"."""

    digest: str
    location: str
    path: Path
    filename: str


def locate(
    manifest: Manifest, files: Mapping[str, UploadedFile], blobs: BlobStore, settings: Settings
) -> dict[str, Source]:
    """Find every data set that the manifest names, by role.

    Raises:
        Invalid: an upload is missing or not named by the manifest, or a reference leads nowhere.
        NotFound: a digest was never uploaded.
    """
    expected = manifest.uploads.keys()
    problems = [
        FieldError(f"files.{part}", "is named by the manifest, but was not uploaded") for part in expected - files
    ]
    problems += [FieldError(f"files.{part}", "is not named by the manifest") for part in files.keys() - expected]
    if problems:
        raise refuse("registration", sorted(problems, key=lambda problem: problem.path))
    return {role: _source(role, source, files, blobs, settings) for role, source in manifest.sources.items()}


def _source(
    role: str, source: DataSource, files: Mapping[str, UploadedFile], blobs: BlobStore, settings: Settings
) -> Source:
    if source.ref is None:
        upload = files[role]
        return Source(upload.digest, "", blobs.path(upload.digest), upload.filename)
    path = resolve_reference(source.ref, settings, f"data.{role}.ref")
    return Source(file_digest(path), source.ref, path, path.name)


def resolve_reference(reference: str, settings: Settings, field: str = "ref") -> Path:
    """The file behind "root/relative/path", which must lie below that root once all links are followed.

    Raises:
        Invalid: unknown root, a path that climbs out, or no such file.
    """
    root_name, _, relative = reference.partition("/")
    root = settings.data_roots.get(root_name)
    if root is None:
        known = ", ".join(sorted(settings.data_roots)) or "none is configured (ASSAY_DATA_ROOTS)"
        message = f"unknown root {root_name!r}{nearest(root_name, settings.data_roots)}; roots: {known}"
        raise Invalid(message, [FieldError(field, message)])
    base = root.resolve()
    if "\\" in relative or "\0" in relative or ".." in PurePosixPath(relative).parts:
        raise _no_file(reference, field)
    path = (base / relative.lstrip("/")).resolve()
    if not path.is_relative_to(base) or not path.is_file():
        raise _no_file(reference, field)
    return path


def _no_file(reference: str, field: str) -> Invalid:
    message = f"there is no file {reference!r}"
    return Invalid(message, [FieldError(field, message)])


def inspect(source: Source, settings: Settings) -> Dataset:
    """Look into the file and describe it as a row that is not stored yet."""
    facts = inspect_dataset(source.path, source.filename, settings)
    return Dataset(
        digest=source.digest, location=source.location, format=facts.format, rows=facts.rows, columns=facts.columns
    )


def dataset_path(dataset: Dataset, blobs: BlobStore, settings: Settings) -> Path:
    """Where the data set can be read now.

    Raises:
        NotFound: the file is gone.
    """
    if not dataset.location:
        return blobs.path(dataset.digest)
    try:
        return resolve_reference(dataset.location, settings)
    except Invalid as error:
        raise NotFound(error.detail) from None


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
