"""Ids of people whose data was to be deleted: one a line, as they are or as the SHA-256 of their text.

The first column counts where a line has several (CSV). Only hashes leave this module. Hand in hashes where the ids
themselves say who somebody is: the file is kept as evidence.
"""

from __future__ import annotations

import csv
import hashlib
import re
from io import StringIO

from app.errors import FieldError, Invalid

_HASH = re.compile(r"[0-9a-fA-F]{64}")
LONGEST_ID = 500


def parse(content: bytes) -> frozenset[str]:
    """The lower-case SHA-256 of each id; none where nobody asked, which an empty file says.

    Raises:
        Invalid: not UTF-8, or a line whose id is too long; names the line, never the id.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refused("not UTF-8", line) from None
    rows = csv.reader(StringIO(text))
    try:
        ids = [(rows.line_num, row[0].strip()) for row in rows if row]
    except csv.Error as error:
        raise _refused(str(error), rows.line_num) from None
    for line, one in ids:
        if len(one) > LONGEST_ID:
            raise _refused(f"an id has {LONGEST_ID} characters at most", line)
    return frozenset(hashed(one) for _, one in ids if one)


def hashed(one: str) -> str:
    """An id's SHA-256, or itself where it is one already."""
    return one.lower() if _HASH.fullmatch(one) else hashlib.sha256(one.encode()).hexdigest()


def _refused(message: str, line: int) -> Invalid:
    told = f"These are no deleted ids: line {line}: {message}."
    return Invalid(told, [FieldError("deleted-ids", message, line)])
