"""The prediction log on its way into the database: lines in a file before the answer is sent.

A line that was written survives the end of the process by any signal; ``strict`` also waits for the disk. A process
holds a lock on each of its files until their rows are stored, so files without one were left by a dead process.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import Unavailable

SUFFIX = ".jsonl"
Line = dict[str, Any]


@dataclass
class SpoolFile:
    """A file of ours, open and locked."""

    path: Path
    descriptor: int
    size: int = 0

    def lines(self) -> Iterator[Line]:
        """What was written whole. A last line without an end was never acknowledged."""
        for line in self.path.read_bytes().split(b"\n")[:-1]:
            yield json.loads(line)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


class Spool:
    """Appends lines; hands over what was written so far."""

    def __init__(self, folder: Path, *, strict: bool) -> None:
        self._folder = folder
        self._strict = strict
        self._lock = threading.Lock()
        self._open: SpoolFile | None = None

    def append(self, lines: Sequence[Line]) -> None:
        """Write the lines, all or none. Raises Unavailable when they cannot be kept."""
        content = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
        try:
            with self._lock:
                self._open = self._open or self._new()
                self._write(self._open, content)
        except OSError as error:
            raise Unavailable(f"The prediction cannot be logged, so it is not given: {error.strerror}.") from error

    def _write(self, file: SpoolFile, content: bytes) -> None:
        try:
            if os.write(file.descriptor, content) != len(content):
                raise OSError(28, "no space left")
            if self._strict:
                os.fsync(file.descriptor)
        except OSError:
            with suppress(OSError):  # half a line must not grow together with the next one
                os.ftruncate(file.descriptor, file.size)
            raise
        file.size += len(content)

    def take(self) -> SpoolFile | None:
        """The file that was written to, if anything was; the next line begins a new one."""
        with self._lock:
            if self._open is None or not self._open.size:
                return None
            taken, self._open = self._open, None
            return taken

    def left_over(self) -> list[SpoolFile]:
        """Files that no living process holds, locked for us."""
        found = []
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            with suppress(OSError):
                descriptor = os.open(path, os.O_RDWR)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(descriptor)
                else:
                    found.append(SpoolFile(path, descriptor))
        return found

    def _new(self) -> SpoolFile:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{time.time_ns()}-{uuid.uuid4().hex}{SUFFIX}"
        unlocked = path.with_suffix(".new")  # under its own name only once it is locked, or another might take it
        descriptor = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unlocked.rename(path)
        if self._strict:
            _sync_folder(self._folder)
        return SpoolFile(path, descriptor)


def _sync_folder(folder: Path) -> None:
    """A file whose name is not on disk is lost with what it holds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
