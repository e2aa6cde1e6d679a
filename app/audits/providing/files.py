"""Registered data sets as they were when they were registered."""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.audits.attempt import DataFile
from checks.contract import Missing


def unchanged(file: DataFile, role: str) -> Path:
    """The path of a data set whose content is what was registered. A blob's is by construction."""
    way_out = "restore the file, or register a version on what is there now"
    if file.path is None:
        raise Missing(f"the data set {role}, {file.location}: {file.problem}", way_out)
    path = Path(file.path)
    if file.location and _digest(path) != file.digest:
        raise Missing(f"the data set {role} as it was registered ({file.location}: its digest differs)", way_out)
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
