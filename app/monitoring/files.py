"""Files of predictions and of labels from elsewhere; only a limited process of its own ever reads one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, TypeAdapter

from app.catalog.inspection import checked, in_sandbox
from app.config import MEGABYTE, Settings
from app.db import Database, utcnow
from app.errors import TooLarge
from app.evidence.blobs import BlobStore
from app.monitoring.inspector import INDEX_FILE, INSPECTOR, LABELS_FILE, LOG_FILE
from app.monitoring.predictions import Destination, Stored, person_in_log, store
from app.tables import Version

CLOCKS_DIFFER = timedelta(days=1)
"""How far ahead of ours another server's clock may be."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Facts(BaseModel):
    rows: int


@dataclass(frozen=True)
class Upload:
    """A file as it arrives. ``asked``: the column of a part (id, time ...), where the request names one."""

    chunks: Iterable[bytes]
    filename: str
    asked: Mapping[str, str]


@dataclass(frozen=True)
class _File:
    """A checked file as a ``Log``. ``path`` is Parquet that its reader made."""

    path: Path
    ids: Sequence[str]
    times: Sequence[datetime]
    persons: Sequence[str | None]
    settings: Settings

    def content(self, keep: Sequence[int] | None) -> bytes:
        if keep is None:
            return self.path.read_bytes()
        request = {"what": "rows", "path": str(self.path), "keep": list(keep)}
        with in_sandbox(INSPECTOR, request, self.path.name, self.settings) as (answer, folder):
            checked(TypeAdapter(Facts), answer, self.path.name)
            return (folder / LOG_FILE).read_bytes()


def push_predictions(db: Database, blobs: BlobStore, settings: Settings, to: Destination, upload: Upload) -> Stored:
    """Store a file of predictions; rows whose id is known are left out.

    Raises:
        Invalid: the file cannot be read or a row is not acceptable; names the file, the column, the row.
        TooLarge: it is larger than the settings allow.
    """
    with _received(upload, settings) as path:
        request = _request("predictions", path, upload, to.version, to.role)
        with in_sandbox(INSPECTOR, request, upload.filename, settings) as (answer, folder):
            checked(TypeAdapter(Facts), answer, upload.filename)
            index = json.loads((folder / INDEX_FILE).read_text())
            times = [EPOCH + timedelta(microseconds=at) for at in index["times"]]
            return store(db, blobs, to, _File(folder / LOG_FILE, index["ids"], times, index["persons"], settings))


def read_labels(settings: Settings, version: Version, upload: Upload) -> Mapping[str, list[Any]]:
    """``id``, ``label`` and ``observed_at`` (ISO 8601 or None) of every row; raises as ``push_predictions``."""
    with _received(upload, settings) as path:
        request = _request("labels", path, upload, version, "")
        with in_sandbox(INSPECTOR, request, upload.filename, settings) as (answer, folder):
            checked(TypeAdapter(Facts), answer, upload.filename)
            labels: dict[str, list[Any]] = json.loads((folder / LABELS_FILE).read_text())
            return labels


@contextmanager
def _received(upload: Upload, settings: Settings) -> Iterator[Path]:
    """The uploaded file on disk, for as long as it is needed."""
    limit, size = settings.max_upload_mb * MEGABYTE, 0
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.work_dir, prefix="upload-") as folder:
        path = Path(folder) / "upload"
        with path.open("wb") as file:
            for chunk in upload.chunks:
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"The file is larger than the {limit} bytes that are accepted.")
                file.write(chunk)
        yield path


def _request(what: str, path: Path, upload: Upload, version: Version, role: str) -> dict[str, Any]:
    columns = version.manifest["columns"]
    names = {"id": "id", "time": "time", "prediction": "prediction", "probability": "probability", "label": "label"}
    sliced = (name for one in version.manifest.get("slices", []) for name in one["where"])
    person = person_in_log(version.manifest)
    layout = {
        "asked": dict(upload.asked),
        "declared": {part: columns[name] for part, name in names.items() if columns.get(name)},
        "types": {feature["name"]: feature["type"] for feature in version.manifest["features"]},
        "also": [*dict.fromkeys([*sliced, *version.manifest.get("sensitive", []), *([person] if person else [])])],
        "person": person,
        "regression": version.manifest["model"]["task"] == "regression",
        "role": role,
        "latest": (utcnow() + CLOCKS_DIFFER).isoformat(),
    }
    return {"what": what, "path": str(path), "filename": upload.filename, "layout": layout}
