"""The content-addressed store: files by their sha256. Nobody outside ever names a path in it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.errors import AssayError, Invalid, NotFound, TooLarge, Unavailable
from app.tables import Blob

DIGEST = re.compile(r"[0-9a-f]{64}")
INCOMING = "incoming"
ABANDONED_SECONDS = 24 * 3600
"""A temporary file older than this was left by a process that was killed."""


@dataclass(frozen=True)
class Stored:
    """``digest``: sha256 as 64 lowercase hex digits. ``size``: bytes."""

    digest: str
    size: int


class BlobStore:
    """A folder of immutable files ``ab/abcd...``. Content goes to the disk before its name appears."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._incoming = self.folder / INCOMING
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._remove_abandoned()

    def put(self, chunks: Iterable[bytes], limit: int | None = None, expect: str | None = None) -> Stored:
        """Store content that arrives in chunks; the same content twice is stored once.

        Args:
            chunks: the content.
            limit: the most bytes that are accepted.
            expect: the digest that the content must have.

        Raises:
            TooLarge: more than ``limit`` bytes arrived.
            Invalid: the content has another digest than ``expect``.
            Unavailable: the disk is full.
        """
        try:
            with NamedTemporaryFile(dir=self._incoming, suffix=".part", delete=False) as temporary:
                try:
                    stored = _write(temporary.file, chunks, limit)
                    if expect is not None and stored.digest != expect:
                        raise Invalid(f"The content's sha256 is {stored.digest}, not {expect} as announced.")
                    os.fchmod(temporary.fileno(), 0o444)
                    os.fsync(temporary.fileno())
                    self._name(Path(temporary.name), stored)
                finally:
                    Path(temporary.name).unlink(missing_ok=True)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise Unavailable("The disk is full; nothing was stored.") from error
            raise
        return stored

    def put_bytes(self, content: bytes) -> Stored:
        return self.put([content])

    def path(self, digest: str) -> Path:
        """Where the content lies. Raises NotFound for anything but the digest of a stored regular file."""
        path = self._place(digest)
        if path is None or _size(path) is None:
            raise NotFound(f"There is no blob {digest[:64]!r}.")
        return path

    def has(self, digest: str) -> bool:
        path = self._place(digest)
        return path is not None and _size(path) is not None

    def read(self, digest: str) -> bytes:
        """The whole content, checked against its digest."""
        descriptor = os.open(self.path(digest), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as source:
            content = source.read()
        if hashlib.sha256(content).hexdigest() != digest:
            raise AssayError(f"The blob {digest} is damaged: its content has another digest.")
        return content

    def remove(self, digest: str) -> None:
        """Delete the content, if it is there; its name is gone from the disk when this returns."""
        place = self._place(digest)
        if place is not None and place.parent.is_dir():
            place.unlink(missing_ok=True)
            _sync_folder(place.parent)

    def _place(self, digest: str) -> Path | None:
        """Where content of this digest belongs, or None when that is no digest or its folder is no folder."""
        if not DIGEST.fullmatch(digest):
            return None
        shard = self.folder / digest[:2]
        return None if shard.is_symlink() else shard / digest

    def _name(self, temporary: Path, stored: Stored) -> None:
        place = self._place(stored.digest)
        if place is None:
            raise AssayError(
                f"{self.folder / stored.digest[:2]} is a symbolic link; blobs are not stored through it."
            )
        place.parent.mkdir(exist_ok=True)
        if _size(place) != stored.size:
            temporary.replace(place)
        for folder in (place.parent, self.folder):
            _sync_folder(folder)

    def _remove_abandoned(self) -> None:
        oldest = time.time() - ABANDONED_SECONDS
        for leftover in self._incoming.glob("*.part"):
            with suppress(FileNotFoundError):
                if leftover.lstat().st_mtime < oldest:
                    leftover.unlink()


def remember(session: Session, stored: Stored) -> None:
    """Add the row of a stored blob unless it is there, also when somebody else adds it at this moment.

    Content that was deleted, and is stored again, is there again.
    """
    row = session.get(Blob, stored.digest)
    if row is not None and row.doomed:
        row.doomed, row.removed_at = False, None
    if row is None:
        with suppress(IntegrityError), session.begin_nested():
            session.add(Blob(digest=stored.digest, size=stored.size))


def _write(target: IO[bytes], chunks: Iterable[bytes], limit: int | None) -> Stored:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if limit is not None and size > limit:
            raise TooLarge(f"The content is larger than the {limit} bytes that are accepted.")
        digest.update(chunk)
        target.write(chunk)
    target.flush()
    return Stored(digest.hexdigest(), size)


def _size(path: Path) -> int | None:
    """The size of a regular file; None when there is none (a planted symbolic link is none)."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
