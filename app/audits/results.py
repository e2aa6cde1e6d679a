"""From what an attempt found to what is stored: columns of findings, and exhibits in the blob store."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from app.audits.attempt import ExhibitFile, Found
from app.errors import Invalid
from app.evidence.blobs import BlobStore, Stored

MAX_EXHIBIT_BYTES = 50 * 1024 * 1024
CHUNK_BYTES = 1 << 20


def store(found: Sequence[Found], folder: Path, blobs: BlobStore) -> tuple[list[dict[str, Any]], list[Stored]]:
    """Put the exhibits in ``folder`` into the store.

    Returns:
        The columns of each finding, and what was stored.

    Raises:
        Invalid: the attempt named a file that is not one of its own.
    """
    stored: list[Stored] = []
    rows = [_columns(one, _store_exhibits(one, folder, blobs, stored)) for one in found]
    return rows, stored


def _store_exhibits(one: Found, folder: Path, blobs: BlobStore, stored: list[Stored]) -> list[dict[str, str]]:
    exhibits = []
    for exhibit in one.exhibits:
        kept = blobs.put(_chunks(folder, exhibit), limit=MAX_EXHIBIT_BYTES)
        stored.append(kept)
        exhibits.append({"name": exhibit.name, "media_type": exhibit.media_type, "digest": kept.digest})
    return exhibits


def _chunks(folder: Path, exhibit: ExhibitFile) -> Iterator[bytes]:
    """The file's content. What came out of a model's process is not trusted: no folders, no links."""
    if Path(exhibit.file).name != exhibit.file:
        raise Invalid(f"The exhibit {exhibit.file!r} lies outside the attempt's folder.")
    try:
        descriptor = os.open(folder / exhibit.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Invalid(f"The exhibit {exhibit.file!r} cannot be read.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Invalid(f"The exhibit {exhibit.file!r} is not a file.")
    with os.fdopen(descriptor, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _columns(one: Found, exhibits: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "check_id": one.check,
        "verdict": one.verdict.value,
        "reason": one.reason,
        "remedy": one.remedy,
        "measured": one.measured,
        "thresholds": one.thresholds,
        "exhibits": exhibits,
        "inputs": one.inputs,
        "cap": one.cap,
        "seconds": one.seconds,
    }
