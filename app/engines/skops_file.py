"""A skops file before skops sees it: a ZIP archive without surprises, and a schema of allowed types only.

Nothing is ever extracted to disk. Limits were set by measuring real models: 500 boosting rounds of five classes
have 7,529 members, and their schema compresses 52 : 1 at most; a planted bomb reached 1,028 : 1.
"""

from __future__ import annotations

import json
import math
import re
import stat
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from app.engines.skops_types import allowed
from app.errors import Invalid

MAX_MEMBERS = 50_000
MAX_TOTAL_BYTES = 1024**3
MAX_RATIO = 100
RATIO_COUNTS_FROM_BYTES = 1024**2
"""A small member may compress as well as it likes: it cannot fill a memory."""
SCHEMA = "schema.json"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\.(npy|npz|bin)|schema\.json")
_ARRAY_NAME = re.compile(r"[A-Za-z0-9_]{1,40}\.npy")
_END = struct.Struct("<4s4H2LH")
_LOCAL_HEADER_BYTES = 30
_ZIP64_BYTES, _ZIP64_MARK = 20, b"PK\x06\x07"
"""A record that would put another directory in the place of the one that is checked."""
_ENCRYPTED = 0x1 | 0x40 | 0x2000

WAYS_OUT = (
    "Save what predicts and nothing else (of a search, search.best_estimator_), replace functions of your own by "
    "scikit-learn's transformers, export the model to ONNX (skl2onnx.to_onnx), or register predictions only "
    "(version.predictions_only: true)."
)


def check_file(path: Path) -> None:
    """Refuse what is no plain skops file.

    Raises:
        Invalid: with the member, the limit or the types named.
    """
    with path.open("rb") as file:
        total = _check_archive(file, _NAME, MAX_TOTAL_BYTES, MAX_RATIO)
        with ZipFile(file) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".npz"):
                    inner = BytesIO(archive.read(member))
                    total += _check_archive(inner, _ARRAY_NAME, MAX_TOTAL_BYTES - total, math.inf)
            check_schema(json.loads(archive.read(SCHEMA)))


def check_schema(schema: Any) -> None:
    """The audit of ``skops_types``: every node builds a type that is allowed for its kind.

    Raises:
        Invalid: it names the protocol, the kind of node or the types.
    """
    from skops.io._protocol import PROTOCOL

    if not isinstance(schema, dict) or schema.get("protocol") != PROTOCOL:
        found = schema.get("protocol") if isinstance(schema, dict) else None
        raise Invalid(
            f"skops protocol {found!r} is not accepted, only {PROTOCOL}: save it again with skops >= 0.16"
        )
    refused = sorted({name for kind, name in _nodes(schema) if name not in allowed().get(kind, ())})
    if refused:
        shown = ", ".join(refused[:10]) + (f" and {len(refused) - 10} more" if len(refused) > 10 else "")
        raise Invalid(f"types that are not trusted: {shown}. {WAYS_OUT}", untrusted=refused[:100])


def _nodes(schema: Any) -> Iterator[tuple[str, str]]:
    """Kind and type of every node: wherever a loader is named, also where skops would not look."""
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
            if not isinstance(loader := item.get("__loader__", {}), dict):
                yield str(loader), f"{item.get('__module__')}.{item.get('__class__')}"


def _check_archive(file: IO[bytes], names: re.Pattern[str], budget: int, max_ratio: float) -> int:
    """The bytes that all members unpack to, at most ``budget``; raises Invalid for anything unusual."""
    _check_end(file)
    with ZipFile(file) as archive:
        members = archive.infolist()
    seen: set[str] = set()
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        _check_member(member, names, max_ratio)
        if member.filename in seen:
            raise Invalid(f"the archive holds {member.filename!r} twice")
        seen.add(member.filename)
        if member.header_offset < end or (not end and member.header_offset):
            raise Invalid(f"the archive's member {member.filename!r} overlaps another, or something lies before it")
        end = member.header_offset + _LOCAL_HEADER_BYTES + len(member.filename) + member.compress_size
    total = sum(member.file_size for member in members)
    if total > budget:
        raise Invalid(f"the archive unpacks to {total} bytes, more than the {MAX_TOTAL_BYTES} that are accepted")
    return total


def _check_end(file: IO[bytes]) -> None:
    """The last record closes the file and counts the members: so nothing lies before or behind the archive."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - _ZIP64_BYTES))
    tail = file.read()
    file.seek(0)
    before, tail = tail[: -_END.size], tail[-_END.size :]
    if len(tail) != _END.size or not tail.startswith(b"PK\x05\x06"):
        raise Invalid("the ZIP archive is truncated, or something lies behind it")
    _, disk, first_disk, here, entries, length, offset, comment = _END.unpack(tail)
    if (
        before.startswith(_ZIP64_MARK)
        or disk
        or first_disk
        or comment
        or here != entries
        or offset + length + _END.size != size
    ):
        raise Invalid("the ZIP archive is split, commented, in ZIP64 form, or has something before or behind it")
    if entries > MAX_MEMBERS:
        raise Invalid(f"the archive has {entries} members, {MAX_MEMBERS} at most are accepted")


def _check_member(member: ZipInfo, names: re.Pattern[str], max_ratio: float) -> None:
    name = member.filename
    mode = member.external_attr >> 16
    if not names.fullmatch(name) or (stat.S_IFMT(mode) not in {0, stat.S_IFREG}):
        raise Invalid(f"the archive's member {name[:200]!r} is no plain file as skops writes it")
    if member.flag_bits & _ENCRYPTED or member.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise Invalid(f"the archive's member {name!r} is encrypted, or compressed by another method than deflate")
    ratio = member.file_size / max(1, member.compress_size)
    if member.file_size > RATIO_COUNTS_FROM_BYTES and ratio > max_ratio:
        raise Invalid(
            f"the archive's member {name!r} unpacks {ratio:.0f} : 1, more than {max_ratio} : 1; "
            "save the model uncompressed, as skops does by default"
        )
