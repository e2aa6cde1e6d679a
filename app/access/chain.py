"""The audit log's chain: every entry carries the digest of the one before it, so that none can be changed unseen.

An entry's digest is the SHA-256 of its canonical JSON (keys sorted, no white space, ASCII), ``previous`` included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""What the first entry has as ``previous``."""


def canonical(value: Any) -> bytes:
    """The one form of a JSON-ready value that is digested."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def sha256(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


@dataclass(frozen=True)
class Link:
    """An entry as it is chained."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]
    previous: str

    @property
    def digest(self) -> str:
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return sha256({**vars(self), "at": at, "details": dict(self.details)})


@dataclass(frozen=True)
class Head:
    """The newest entry, or the one that a checkpoint names."""

    sequence: int = 0
    digest: str = GENESIS


@dataclass(frozen=True)
class Verification:
    """``count`` good entries, up to ``head``. ``broken`` is the first that does not fit, ``why`` a sentence."""

    count: int
    head: Head
    broken: int | None = None
    why: str | None = None

    @property
    def valid(self) -> bool:
        return self.why is None


@dataclass(frozen=True)
class Stored:
    """A row as it was read. ``link`` is None where ``flaw`` says what no writer of ours would have written."""

    sequence: int
    digest: str
    link: Link | None
    flaw: str = ""


def verify(rows: Iterable[Stored], head: Head, checkpoint: Head | None = None) -> Verification:
    """Follow the chain from its beginning.

    Args:
        rows: every entry, by ascending sequence.
        head: what the database names as its newest entry.
        checkpoint: an entry as somebody noted it earlier, elsewhere.
    """
    count, last, seen = 0, Head(), checkpoint is None or checkpoint == Head()
    for row in rows:
        why = _flaw(row, last)
        if why is None and checkpoint is not None and row.sequence == checkpoint.sequence:
            seen = True
            if row.digest != checkpoint.digest:
                why = f"entry {row.sequence} is not the one that the checkpoint names"
        if why is not None:
            return Verification(count, last, row.sequence, why)
        count, last = count + 1, Head(row.sequence, row.digest)
    if last != head:
        why = f"the log ends with entry {last.sequence}, and its head is entry {head.sequence}"
        return Verification(count, last, last.sequence + 1, why)
    if checkpoint is not None and not seen:
        why = f"entry {checkpoint.sequence}, which the checkpoint names, is not there"
        return Verification(count, last, checkpoint.sequence, why)
    return Verification(count, last)


def _flaw(row: Stored, last: Head) -> str | None:
    if row.link is None:
        return f"entry {row.sequence} was not written by Assay: {row.flaw}"
    if row.link.previous != last.digest:
        return f"entry {row.sequence} does not follow entry {last.sequence}: one is missing, or was put between"
    if row.link.digest != row.digest:
        return f"entry {row.sequence} was changed after it was written"
    return None
