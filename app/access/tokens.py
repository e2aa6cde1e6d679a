"""What a token looks like: ``asy_``, 32 random bytes and a checksum, so that typos and leaks are told offline."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

PREFIX = "asy_"
PATTERN = re.compile(r"asy_([0-9a-f]{64})([0-9a-f]{8})")
"""For secret scanners; the last eight digits are the CRC-32 of the sixty-four before them."""


def new_secret() -> str:
    body = secrets.token_hex(32)
    return f"{PREFIX}{body}{_checksum(body)}"


def well_formed(secret: str) -> bool:
    """Whether ``secret`` can be a token at all; says nothing about whether it is valid."""
    match = PATTERN.fullmatch(secret)
    return match is not None and _checksum(match[1]) == match[2]


def digest(secret: str) -> str:
    """What is stored. A plain SHA-256 will do, because 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
